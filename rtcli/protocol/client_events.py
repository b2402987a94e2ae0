"""The client events that the verbs of a transport stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rtcli.errors import UsageError
from rtcli.protocol.events import Event, without_nan
from rtcli.protocol.items import FunctionCallItem, as_mapping, write_part
from rtcli.protocol.playback import Truncation
from rtcli.protocol.unset import UNSET


def session_update(session: Mapping[str, Any]) -> Event:
    """The update as JSON has it, for transports that write frames themselves: NaN and infinities are null."""
    return {"type": "session.update", "session": without_nan(session)}


def user_message(message: Any, other_event_data: Mapping[str, Any] | None = None) -> Event:
    """conversation.item.create of a user message: text, or a mapping with `content`.

    Raises UsageError for a message without a list of parts.
    """
    if isinstance(message, str):
        content = [{"type": "input_text", "text": message}]
    else:
        parts = as_mapping(message).get("content")
        if not isinstance(parts, list | tuple):
            raise UsageError(f"the content of a message is {parts!r:.60}, not a list of parts")
        content = [write_part(part) for part in parts]
    item = {"type": "message", "role": "user", "content": content}
    return {"type": "conversation.item.create", "item": item, **(other_event_data or {})}


def image_message(image: str) -> Event:
    """conversation.item.create of a user message that is one image, a data URI."""
    content = [{"type": "input_image", "image_url": image}]
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}}


def function_call_output(tool_call: Any, output: str) -> tuple[Event, FunctionCallItem | None]:
    """The event that answers a function call, and the call as it then stands, completed, where its item is known.

    Raises UsageError for an output that is not text and for a call without call_id.
    """
    call = as_mapping(tool_call)
    if not isinstance(output, str):
        raise UsageError(
            f"the output of {call.get('name')!r} is {type(output).__name__}, not text", hint="json.dumps it"
        )
    if not isinstance(call.get("call_id"), str):
        raise UsageError(f"the function call {call.get('name')!r} has no call_id")
    item = {"type": "function_call_output", "output": output, "call_id": call["call_id"]}
    event = {"type": "conversation.item.create", "item": item}
    # A call_id alone answers the call; there is just no item to show as completed.
    if not all(isinstance(call.get(key), str) for key in ("id", "name", "arguments")):
        return event, None
    done = FunctionCallItem(call["id"], call["name"], call["arguments"], "completed", output)
    return event, replace(done, previous_item_id=call.get("previous_item_id", UNSET))


def mcp_approval_response(approval_request: Any, approved: bool, reason: str | None = None) -> Event:
    """The event that answers a request for approval. Raises UsageError for one without item_id."""
    request = as_mapping(approval_request)
    request_id = request.get("item_id")
    if not isinstance(request_id, str):
        raise UsageError(f"the request to approve {request.get('name')!r} has no item_id")
    item = {"type": "mcp_approval_response", "approval_request_id": request_id, "approve": approved}
    if reason is not None:
        item["reason"] = reason
    # Behind the request: at the end of the conversation it might stand behind another turn.
    return {"type": "conversation.item.create", "previous_item_id": request_id, "item": item}


def truncate(cut: Truncation) -> Event:
    """conversation.item.truncate for a part that was interrupted."""
    return {
        "type": "conversation.item.truncate",
        "item_id": cut.item_id,
        "content_index": cut.content_index,
        "audio_end_ms": cut.audio_end_ms,
    }
