"""What a server says: builders of the events that tests let their fake servers send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from rtcli.protocol.audio_formats import encode_base64

Event: TypeAlias = dict[str, Any]

SESSION: Event = {"id": "sess_1", "object": "realtime.session", "type": "realtime", "model": "gpt-realtime-2.1"}
CREATED: Event = {"type": "session.created", "event_id": "event_1", "session": SESSION}


def error(code: str | None, message: str, event_id: str | None = None, **fields: Any) -> Event:
    """The error event, with its five keys."""
    inner = {"type": "invalid_request_error", "code": code, "message": message, "param": None, "event_id": event_id}
    return {"type": "error", "event_id": "e", "error": {**inner, **fields}}


def item_events(item: Mapping[str, Any]) -> list[Event]:
    """The two events that put an item into the conversation."""
    return [{"type": f"conversation.item.{end}", "previous_item_id": None, "item": item} for end in ("added", "done")]


def audio_delta(pcm: bytes, item_id: str = "item_a", content_index: int = 0, response_id: str = "resp_1") -> Event:
    """A piece of the assistant's speech."""
    return {
        "type": "response.output_audio.delta",
        "event_id": "e",
        "response_id": response_id,
        "item_id": item_id,
        "output_index": 0,
        "content_index": content_index,
        "delta": encode_base64(pcm),
    }


def response_event(stage: str, name: str = "resp_1", **fields: Any) -> Event:
    """response.created or response.done (`stage`), of the default conversation unless told otherwise."""
    return {"type": f"response.{stage}", "response": {"id": name, "conversation_id": "conv_1", "output": [], **fields}}


def text_response(name: str, text: str, status: str = "completed", details: Any = None) -> list[Event]:
    """The events of a whole text response."""
    item = {"id": f"item_{name}", "type": "message", "role": "assistant"}
    done = {**item, "status": "completed", "content": [{"type": "output_text", "text": text}]}
    place = {"response_id": name, "item_id": item["id"], "output_index": 0, "content_index": 0}
    started = {**item, "status": "in_progress", "content": []}
    return [
        {"type": "response.created", "response": {"id": name, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "response_id": name, "output_index": 0, "item": started},
        {"type": "conversation.item.added", "previous_item_id": None, "item": started},
        {"type": "response.content_part.added", **place, "part": {"type": "text", "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": text},
        {"type": "response.output_text.done", **place, "text": text},
        {"type": "response.content_part.done", **place, "part": {"type": "text", "text": text}},
        {"type": "conversation.item.done", "previous_item_id": None, "item": done},
        {"type": "response.output_item.done", "response_id": name, "output_index": 0, "item": done},
        {
            "type": "response.done",
            "response": {"id": name, "status": status, "status_details": details, "output": [done]},
        },
    ]
