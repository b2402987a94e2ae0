"""The shape of every client event and of what is in it: items, responses, and the session."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rtcli.server.validation import api_errors
from rtcli.server.validation.schema import (
    FORMAT,
    MAX_TOKENS,
    PROMPT,
    REASONING,
    TEXT,
    TOOL_CHOICE,
    TOOLS,
    VOICE,
    check_session,
    check_translation,
    modalities,
)
from rtcli.server.validation.validators import (
    Check,
    array,
    boolean,
    by,
    fields,
    mapping,
    nullable,
    number,
    one_of,
    text,
)

_MAX_ID = 32  # characters, of items and calls

# items ----------------------------------------------------------------------------------------------------------------

# the API takes images as data alone; nothing is downloaded
_IMAGE_URL = re.compile(r"data:image/(png|jpe?g);base64,[A-Za-z0-9+/=\s]+\Z", re.IGNORECASE)


def _image_url(value: Any, path: str) -> None:
    TEXT(value, path)
    if not value.startswith("data:"):
        raise api_errors.bad_image(path, "got a value without the 'data:' prefix")
    if not _IMAGE_URL.match(value):
        raise api_errors.bad_image(path, "got something else")


def _output_text(value: Any, path: str) -> None:
    fields({"type": TEXT, "text": TEXT}, ["text"])(value, path)


def _assistant_audio(value: Any, path: str) -> None:
    """Assistant audio cannot be seeded: it is read as text, and the text is missing."""
    if "text" not in value:
        raise api_errors.missing_parameter(f"{path}.text")


_USER_CONTENT = by(
    "type",
    {
        "input_text": fields({"type": TEXT, "text": TEXT}, ["text"]),
        "input_audio": fields({"type": TEXT, "audio": TEXT, "transcript": nullable(TEXT)}, ["audio"]),
        "input_image": fields(
            {"type": TEXT, "image_url": _image_url, "detail": nullable(one_of("auto", "low", "high"))},
            ["image_url"],
        ),
    },
)
_SYSTEM_CONTENT = by("type", {"input_text": fields({"type": TEXT, "text": TEXT}, ["text"])})
_ASSISTANT_CONTENT = by("type", {"output_text": _output_text, "output_audio": _assistant_audio})
_ITEM = {
    "type": TEXT,
    "id": nullable(text(_MAX_ID)),
    "object": nullable(one_of("realtime.item")),
    "status": nullable(one_of("completed", "incomplete", "in_progress")),
}


def _message(content: Check) -> Check:
    known = _ITEM | {"role": TEXT, "content": array(content, "an array of objects")}
    return fields(known, ["role", "content"])


_CALL_ID = text(_MAX_ID)
_ITEM_KINDS: Mapping[str, Check] = {
    "message": by(
        "role",
        {
            "user": _message(_USER_CONTENT),
            "assistant": _message(_ASSISTANT_CONTENT),
            "system": _message(_SYSTEM_CONTENT),
        },
    ),
    "function_call": fields(
        _ITEM | {"name": TEXT, "call_id": nullable(_CALL_ID), "arguments": TEXT}, ["name", "arguments"]
    ),
    "function_call_output": fields(_ITEM | {"call_id": _CALL_ID, "output": TEXT}, ["call_id", "output"]),
    "mcp_approval_response": fields(
        _ITEM | {"approval_request_id": TEXT, "approve": boolean, "reason": nullable(TEXT)},
        ["approval_request_id", "approve"],
    ),
}
# The API names these four where an item's type is wrong, whatever else it takes or refuses.
_NAMED_KINDS = ("message", "function_call", "function_call_output", "item_reference")
_REFERENCE = {"item_reference": fields({"type": TEXT, "id": TEXT}, ["id"])}
check_item = by("type", _ITEM_KINDS, named=_NAMED_KINDS)
check_input_item = by("type", {**_ITEM_KINDS, **_REFERENCE}, named=_NAMED_KINDS)

# responses, and the table ---------------------------------------------------------------------------------------------


def _metadata(value: Any, path: str) -> None:
    mapping(text(512))(value, path)
    if len(value) > 16:
        text_ = f"Invalid '{path}': too many properties. Expected an object with at most 16 properties, "
        raise api_errors.ApiError(
            f"{text_}but got an object with {len(value)} properties instead.", "object_above_max_properties", path
        )
    for key in value:
        if len(key) > 64:
            raise api_errors.too_long(path, 64, len(key))


_RESPONSE = fields(
    {
        "conversation": one_of("auto", "none"),
        "input": nullable(array(check_input_item, "an array of objects")),
        "instructions": nullable(TEXT),
        "output_modalities": modalities,
        "audio": fields({"output": fields({"format": FORMAT, "voice": VOICE})}),
        "tools": TOOLS,
        "tool_choice": TOOL_CHOICE,
        "max_output_tokens": MAX_TOKENS,
        "metadata": nullable(_metadata),
        "prompt": PROMPT,
        "reasoning": REASONING,
        "parallel_tool_calls": boolean,
    }
)
_TYPE = {"type": TEXT, "event_id": nullable(TEXT)}
_ITEM_ID = fields(_TYPE | {"item_id": TEXT}, ["item_id"])
_BARE = fields(_TYPE)
_APPEND = fields(_TYPE | {"audio": TEXT}, ["audio"])

# In the order in which the API lists what it takes.
CLIENT_EVENTS: Mapping[str, Check] = {
    "session.update": fields(_TYPE | {"session": check_session}, ["session"]),
    "session.close": _BARE,
    "input_audio_buffer.append": _APPEND,
    "session.input_audio_buffer.append": _APPEND,  # as translation sessions write it
    "input_audio_buffer.commit": _BARE,
    "input_audio_buffer.clear": _BARE,
    "conversation.item.create": fields(_TYPE | {"item": check_item, "previous_item_id": nullable(TEXT)}, ["item"]),
    "conversation.item.truncate": fields(
        _TYPE | {"item_id": TEXT, "content_index": number(0, 10**6), "audio_end_ms": number(0, 10**9)},
        ["item_id", "content_index", "audio_end_ms"],
    ),
    "conversation.item.delete": _ITEM_ID,
    "conversation.item.retrieve": _ITEM_ID,
    "response.create": fields(_TYPE | {"response": nullable(_RESPONSE)}),
    "response.cancel": fields(_TYPE | {"response_id": nullable(TEXT)}),
}

CALL_EVENTS: Mapping[str, Check] = {**CLIENT_EVENTS, "output_audio_buffer.clear": _BARE}
"""What the clients of a call may send: the server plays its audio."""

TRANSLATION_EVENTS: Mapping[str, Check] = {
    "session.update": fields(_TYPE | {"session": check_translation}, ["session"]),
    "session.input_audio_buffer.append": _APPEND,
    "session.close": _BARE,
}
"""All that a translation session takes."""


def check_event(event: Mapping[str, Any], known: Mapping[str, Check] = CLIENT_EVENTS) -> None:
    """Refuse what the API would refuse of this event's type and shape."""
    kind_ = event.get("type")
    if "type" not in event:
        raise api_errors.missing_type()
    if not isinstance(kind_, str):
        raise api_errors.invalid_type("type", "a string", "something else")
    if kind_ not in known:
        raise api_errors.invalid_value("type", kind_, list(known))
    known[kind_](event, "")
