"""Whole responses as a server sends them: for what a script emits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.events import Event, encode


def text_response(text: str, *, response_id: str = "resp_1") -> list[Event]:
    """A response that writes `text`, in one delta."""
    part = {"type": "output_text", "text": text}
    deltas = [
        {"type": "response.output_text.delta", "delta": text},
        {"type": "response.output_text.done", "text": text},
    ]
    return _message(response_id, part, deltas)


def audio_response(pcm: bytes, transcript: str = "", *, response_id: str = "resp_1") -> list[Event]:
    """A response that speaks: audio in the session's output format, and what it says."""
    part = {"type": "output_audio", "transcript": transcript}
    deltas = [
        {"type": "response.output_audio_transcript.delta", "delta": transcript},
        {"type": "response.output_audio.delta", "delta": encode_base64(pcm)},
        {"type": "response.output_audio.done"},
        {"type": "response.output_audio_transcript.done", "transcript": transcript},
    ]
    return _message(response_id, part, deltas)


def call_response(
    name: str, arguments: Mapping[str, Any] | str, *, call_id: str = "call_1", response_id: str = "resp_1"
) -> list[Event]:
    """A response that calls a function; `arguments` may be text, for what is not JSON."""
    text = arguments if isinstance(arguments, str) else encode(arguments)
    item = {"id": f"item_{call_id}", "type": "function_call", "name": name, "call_id": call_id}
    place = {"response_id": response_id, "item_id": item["id"], "output_index": 0, "call_id": call_id}
    done = {"type": "response.function_call_arguments.done", **place, "name": name, "arguments": text}
    return _response(response_id, {**item, "arguments": ""}, {**item, "arguments": text}, [done])


def _message(response_id: str, part: Event, deltas: list[Event]) -> list[Event]:
    item = {"id": f"item_{response_id}", "type": "message", "role": "assistant"}
    place = {"response_id": response_id, "item_id": item["id"], "output_index": 0, "content_index": 0}
    # The API announces a part with its fields, all of them empty, and repeats it whole at the end.
    empty = {key: value if key == "type" else "" for key, value in part.items()}
    events = [
        {"type": "response.content_part.added", "part": empty},
        *deltas,
        {"type": "response.content_part.done", "part": part},
    ]
    return _response(
        response_id, {**item, "content": []}, {**item, "content": [part]}, [{**event, **place} for event in events]
    )


def _response(response_id: str, begun: Event, ended: Event, between: list[Event]) -> list[Event]:
    """The events around one item."""
    begun, ended = {**begun, "status": "in_progress"}, {**ended, "status": "completed"}
    response = {"id": response_id, "object": "realtime.response", "conversation_id": "conv_1", "status_details": None}
    place = {"response_id": response_id, "output_index": 0}
    return [
        {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", **place, "item": begun},
        {"type": "conversation.item.added", "previous_item_id": None, "item": begun},
        *between,
        {"type": "conversation.item.done", "previous_item_id": None, "item": ended},
        {"type": "response.output_item.done", **place, "item": ended},
        {"type": "response.done", "response": {**response, "status": "completed", "output": [ended]}},
    ]
