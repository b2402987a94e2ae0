"""Server events as semantic events: a table from the wire's type to a function that reads only the fields it uses.

A field that is missing or of another type than it should be costs the semantic event that needs it, nothing more:
the wire event itself is always emitted whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from rtcli.protocol.events import Event
from rtcli.protocol.items import (
    read_approval_request,
    read_function_call,
    read_mcp_call,
    read_message,
    text_of,
)
from rtcli.protocol.payloads import (
    FinishedResponse,
    FunctionCall,
    ItemDeleted,
    McpToolsListed,
    OutputTextDelta,
    ResponseDone,
    ResponseStarted,
    TranscriptDelta,
    Usage,
)
from rtcli.protocol.quick_values import quick
from rtcli.protocol.unset import UNSET, Unset

_transcript_delta_payload, _text_delta_payload = quick(TranscriptDelta), quick(OutputTextDelta)

Semantic: TypeAlias = tuple[Any, ...]
"""The name of a semantic event, and its payload if it has one: what `emit` takes."""

_NOTHING: tuple[Semantic, ...] = ()
Translated: TypeAlias = tuple[Semantic, ...]

# The status of an item whose event does not say it, by the end of the event's type.
_STATUS_BY_EVENT = {"added": "in_progress", "done": "completed", "retrieved": "completed"}
# the reference's own: a retrieved call may still run
_MCP_STATUS_BY_EVENT = {"added": "in_progress", "done": "completed", "retrieved": "in_progress"}
_MCP_CALLS = ("mcp_call", "mcp_tool_call")


def translate(event: Event) -> Translated:
    """The semantic events that follow from one server event, in the order of their emission."""
    translator = TRANSLATORS.get(event["type"])
    return translator(event) if translator else _NOTHING


def _transcript_delta(event: Event) -> Translated:
    delta, item_id = event.get("delta"), event.get("item_id")
    if not isinstance(delta, str) or not isinstance(item_id, str):
        return _NOTHING
    payload = _transcript_delta_payload(delta, item_id, text_of(event.get("response_id")))
    return (("audio_transcript_delta", payload),)


def _text_delta(event: Event) -> Translated:
    delta, item_id = event.get("delta"), event.get("item_id")
    if not isinstance(delta, str) or not isinstance(item_id, str):
        return _NOTHING
    payload = _text_delta_payload(delta, item_id, text_of(event.get("response_id")))
    return (("output_text_delta", payload),)


def _audio_done(event: Event) -> Translated:
    return (("audio_done",),)


def _response_created(event: Event) -> Translated:
    return (("turn_started", ResponseStarted(event)),) if isinstance(event.get("response"), dict) else _NOTHING


def _response_done(event: Event) -> Translated:
    response = event.get("response")
    if not isinstance(response, dict):
        return _NOTHING
    usage, output = read_usage(response.get("usage")), response.get("output")
    finished = FinishedResponse(
        text_of(response.get("id")),
        output if isinstance(output, list) else [],
        usage,
        text_of(response.get("status")),
        response.get("status_details"),
    )
    return ("usage_update", usage), ("turn_done", ResponseDone(finished))


def read_usage(usage: object) -> Usage:
    """The `usage` of a response; what is missing counts as zero, and the total is the sum of the two."""
    if not isinstance(usage, Mapping):
        return Usage()

    def count(name: str) -> Any:
        value = usage.get(name)
        return value if isinstance(value, int | float) else 0  # whatever number the server counts in

    def details(name: str) -> dict[str, Any]:
        value = usage.get(name)
        return value if isinstance(value, dict) else {}

    inputs, outputs = count("input_tokens"), count("output_tokens")
    return Usage(inputs, outputs, inputs + outputs, details("input_token_details"), details("output_token_details"))


def _item_deleted(event: Event) -> Translated:
    item_id = event.get("item_id")
    return (("item_deleted", ItemDeleted(item_id)),) if isinstance(item_id, str) else _NOTHING


def _conversation_item(event: Event) -> Translated:
    item = event.get("item")
    if not isinstance(item, dict):
        return _NOTHING
    reader = _CONVERSATION_ITEMS.get(text_of(item.get("type")))
    return reader(event, item) if reader else _NOTHING


def _stage(event: Event) -> str:
    """added, done or retrieved."""
    return str(event["type"]).rpartition(".")[2]


def _previous(event: Event) -> str | Unset | None:
    previous = event.get("previous_item_id", UNSET)
    return previous if previous is None or isinstance(previous, str) else UNSET


def _message(event: Event, item: Event) -> Translated:
    # response.output_item.* names no neighbor
    previous = _previous(event) if event["type"].startswith("conversation.") else UNSET
    message = read_message(item, default_status=_STATUS_BY_EVENT[_stage(event)], previous=previous)
    return (("item_update", message),) if message else _NOTHING


def _mcp_call(event: Event, item: Event) -> Translated:
    call = read_mcp_call(item, default_status=_MCP_STATUS_BY_EVENT[_stage(event)])
    if event["type"] == "conversation.item.done":
        return ("item_update", call), ("mcp_tool_call_completed", call)
    return (("item_update", call),)


def _approval_request(event: Event, item: Event) -> Translated:
    if event["type"] != "conversation.item.done":
        return _NOTHING
    request = read_approval_request(item)
    return ("item_update", request), ("mcp_approval_request", request)


def _mcp_list_tools(event: Event, item: Event) -> Translated:
    tools = item.get("tools", [])
    if event["type"] != "conversation.item.done" or not isinstance(tools, list):
        return _NOTHING
    return (("mcp_tools_listed", McpToolsListed(text_of(item.get("server_label")), tools)),)


def _output_item(event: Event) -> Translated:
    item = event.get("item")
    if not isinstance(item, dict):
        return _NOTHING
    reader = _OUTPUT_ITEMS.get(text_of(item.get("type")))
    return reader(event, item) if reader else _NOTHING


def _function_call(event: Event, item: Event) -> Translated:
    # the item is sent when it is added as well, with arguments that are still to come
    if item.get("status") != "completed":
        return _NOTHING
    call = read_function_call(item)
    response_id = text_of(event.get("response_id"))
    emitted = FunctionCall(call.item_id, text_of(item.get("call_id")), call.name, call.arguments, response_id)
    return ("item_update", call), ("function_call", emitted)


_CONVERSATION_ITEMS: dict[str, Callable[[Event, Event], Translated]] = {
    "message": _message,
    **dict.fromkeys(_MCP_CALLS, _mcp_call),
    "mcp_approval_request": _approval_request,
    "mcp_list_tools": _mcp_list_tools,
}
_OUTPUT_ITEMS: dict[str, Callable[[Event, Event], Translated]] = {
    "message": _message,
    **dict.fromkeys(_MCP_CALLS, _mcp_call),
    "function_call": _function_call,
}
TRANSLATORS: dict[str, Callable[[Event], Translated]] = {
    "response.output_audio_transcript.delta": _transcript_delta,
    "response.output_text.delta": _text_delta,
    "response.output_audio.done": _audio_done,
    "response.created": _response_created,
    "response.done": _response_done,
    "response.output_item.added": _output_item,
    "response.output_item.done": _output_item,
    "conversation.item.added": _conversation_item,
    "conversation.item.done": _conversation_item,
    "conversation.item.retrieved": _conversation_item,
    "conversation.item.deleted": _item_deleted,
}
