"""The shape of every client event and of what is in it: session, items, responses, tools."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rtcli.server import refusals
from rtcli.server.checks import (
    Check,
    anything,
    array,
    boolean,
    by,
    fields,
    kind,
    mapping,
    nullable,
    number,
    one_of,
    text,
)

VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
CALL_ID_LENGTH = 32
MAX_AUDIO_BYTES = 15 * 2**20
_TEXT = text()

# formats, tools -------------------------------------------------------------------------------------------------------

_RATE = number(24_000, 24_000)
_FORMAT = by(
    "type",
    {
        "audio/pcm": fields({"type": _TEXT, "rate": nullable(_RATE)}),
        "audio/pcmu": fields({"type": _TEXT, "rate": anything}),
        "audio/pcma": fields({"type": _TEXT, "rate": anything}),
    },
)
_VOICE = kind(string=one_of(*VOICES), object=fields({"id": _TEXT}, ["id"]))

_FUNCTION_TOOL = fields(
    {"type": _TEXT, "name": text(64), "description": _TEXT, "parameters": mapping(anything)}, ["name"]
)
_TOOL_NAMES = fields({"tool_names": array(_TEXT), "read_only": boolean})
_APPROVAL = kind(
    string=one_of("always", "never"),
    object=fields({"always": _TOOL_NAMES, "never": _TOOL_NAMES}),
)
_MCP_FIELDS: dict[str, Check] = {
    "type": _TEXT,
    "server_label": _TEXT,
    "server_url": _TEXT,
    "connector_id": _TEXT,
    "tunnel_id": _TEXT,
    "authorization": _TEXT,
    "headers": nullable(mapping(_TEXT)),
    "allowed_tools": nullable(kind(array=array(_TEXT), object=_TOOL_NAMES)),
    "require_approval": nullable(_APPROVAL),
    "server_description": _TEXT,
    "allowed_callers": nullable(array(one_of("direct", "programmatic"))),
    "defer_loading": boolean,
}
_TOOLS = array(
    by("type", {"function": _FUNCTION_TOOL, "mcp": fields(_MCP_FIELDS, ["server_label"])}), "an array of objects"
)
_TOOL_CHOICE = kind(
    string=one_of("none", "auto", "required"),
    object=by(
        "type",
        {
            "function": fields({"type": _TEXT, "name": _TEXT}, ["name"]),
            "mcp": fields({"type": _TEXT, "server_label": _TEXT, "name": nullable(_TEXT)}, ["server_label"]),
        },
    ),
)


def _modalities(value: Any, path: str) -> None:
    array(one_of("text", "audio"))(value, path)
    if len(value) != 1:
        shown = "[" + ", ".join(f"'{word}'" for word in value) + "]"
        known = "Supported combinations are: ['text'] and ['audio']."
        raise refusals.RefusedError(f"Invalid modalities: {shown}. {known}", "invalid_value", path)


_PROMPT = nullable(fields({"id": _TEXT, "version": nullable(_TEXT), "variables": nullable(mapping(anything))}, ["id"]))
_REASONING = nullable(fields({"effort": nullable(one_of("minimal", "low", "medium", "high", "xhigh"))}))
_MAX_TOKENS = kind(integer=number(1, 4096), string=one_of("inf"))

# session --------------------------------------------------------------------------------------------------------------

_TURN_FLAGS = {"type": _TEXT, "create_response": boolean, "interrupt_response": boolean}
_SERVER_VAD = {
    "threshold": number(0.0, 1.0),
    "prefix_padding_ms": number(0, 60_000),
    "silence_duration_ms": number(0, 60_000),
}
_TURN_DETECTION = nullable(
    by(
        "type",
        {
            "server_vad": fields(_TURN_FLAGS | _SERVER_VAD | {"idle_timeout_ms": nullable(number(5_000, 30_000))}),
            "semantic_vad": fields(_TURN_FLAGS | {"eagerness": one_of("low", "medium", "high", "auto")}),
        },
    )
)
_TRANSCRIPTION = nullable(
    fields(
        {
            "model": nullable(_TEXT),
            "language": nullable(_TEXT),
            "prompt": nullable(_TEXT),
            "languages": nullable(array(_TEXT)),
            "keywords": nullable(array(_TEXT)),
            "delay": nullable(one_of("minimal", "low", "medium", "high", "xhigh")),
        }
    )
)
_NOISE_REDUCTION = nullable(fields({"type": one_of("near_field", "far_field"), "strength": nullable(number(0.0, 1e6))}))
_AUDIO_INPUT = fields(
    {
        "format": _FORMAT,
        "transcription": _TRANSCRIPTION,
        "noise_reduction": _NOISE_REDUCTION,
        "turn_detection": _TURN_DETECTION,
    }
)
_AUDIO_OUTPUT = fields({"format": _FORMAT, "voice": _VOICE, "speed": number(0.25, 1.5)})
_TRACING = nullable(
    kind(
        string=one_of("auto"),
        object=fields({"workflow_name": _TEXT, "group_id": _TEXT, "metadata": anything}),
    )
)
_RETENTION = {"type": _TEXT, "retention_ratio": number(0.0, 1.0)}
_LIMITS = fields({"post_instructions": number(0, 10**9)})
_TRUNCATION = kind(
    string=one_of("auto", "disabled"),
    object=by("type", {"retention_ratio": fields(_RETENTION | {"token_limits": _LIMITS}, ["retention_ratio"])}),
)
_INCLUDE = nullable(array(one_of("item.input_audio_transcription.logprobs")))

_REALTIME_SESSION = fields(
    {
        "type": _TEXT,
        "model": _TEXT,
        "output_modalities": _modalities,
        "instructions": _TEXT,
        "tools": _TOOLS,
        "tool_choice": _TOOL_CHOICE,
        "max_output_tokens": _MAX_TOKENS,
        "tracing": _TRACING,
        "truncation": _TRUNCATION,
        "prompt": _PROMPT,
        "audio": fields({"input": _AUDIO_INPUT, "output": _AUDIO_OUTPUT}),
        "include": _INCLUDE,
        "reasoning": _REASONING,
        "parallel_tool_calls": boolean,
    }
)
_TRANSCRIPTION_SESSION = fields({"type": _TEXT, "audio": fields({"input": _AUDIO_INPUT}), "include": _INCLUDE})
check_session = by("type", {"realtime": _REALTIME_SESSION, "transcription": _TRANSCRIPTION_SESSION})

# items ----------------------------------------------------------------------------------------------------------------

_IMAGE_URL = re.compile(r"data:image/(png|jpe?g);base64,[A-Za-z0-9+/=\s]+\Z", re.IGNORECASE)


def _image_url(value: Any, path: str) -> None:
    _TEXT(value, path)
    if not value.startswith("data:"):
        raise refusals.bad_image(path, "got a value without the 'data:' prefix")
    if not _IMAGE_URL.match(value):
        raise refusals.bad_image(path, "got something else")


def _output_text(value: Any, path: str) -> None:
    fields({"type": _TEXT, "text": _TEXT}, ["text"])(value, path)


def _assistant_audio(value: Any, path: str) -> None:
    """Assistant audio cannot be seeded: it is read as text, and the text is missing."""
    if "text" not in value:
        raise refusals.missing_parameter(f"{path}.text")


_USER_CONTENT = by(
    "type",
    {
        "input_text": fields({"type": _TEXT, "text": _TEXT}, ["text"]),
        "input_audio": fields({"type": _TEXT, "audio": _TEXT, "transcript": nullable(_TEXT)}, ["audio"]),
        "input_image": fields(
            {"type": _TEXT, "image_url": _image_url, "detail": nullable(one_of("auto", "low", "high"))},
            ["image_url"],
        ),
    },
)
_SYSTEM_CONTENT = by("type", {"input_text": fields({"type": _TEXT, "text": _TEXT}, ["text"])})
_ASSISTANT_CONTENT = by("type", {"output_text": _output_text, "output_audio": _assistant_audio})
_ITEM = {
    "type": _TEXT,
    "id": nullable(_TEXT),
    "object": nullable(one_of("realtime.item")),
    "status": nullable(one_of("completed", "incomplete", "in_progress")),
}


def _message(content: Check) -> Check:
    known = _ITEM | {"role": _TEXT, "content": array(content, "an array of objects")}
    return fields(known, ["role", "content"])


_CALL_ID = text(CALL_ID_LENGTH)
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
        _ITEM | {"name": _TEXT, "call_id": nullable(_CALL_ID), "arguments": _TEXT}, ["name", "arguments"]
    ),
    "function_call_output": fields(_ITEM | {"call_id": _CALL_ID, "output": _TEXT}, ["call_id", "output"]),
    "mcp_approval_response": fields(
        _ITEM | {"approval_request_id": _TEXT, "approve": boolean, "reason": nullable(_TEXT)},
        ["approval_request_id", "approve"],
    ),
}
# The API names these four where an item's type is wrong, whatever else it takes or refuses.
_NAMED_KINDS = ("message", "function_call", "function_call_output", "item_reference")
_REFERENCE = {"item_reference": fields({"type": _TEXT, "id": _TEXT}, ["id"])}
check_item = by("type", _ITEM_KINDS, named=_NAMED_KINDS)
check_input_item = by("type", {**_ITEM_KINDS, **_REFERENCE}, named=_NAMED_KINDS)

# responses, and the table ---------------------------------------------------------------------------------------------


def _metadata(value: Any, path: str) -> None:
    mapping(text(512))(value, path)
    if len(value) > 16:
        text_ = f"Invalid '{path}': too many properties. Expected an object with at most 16 properties, "
        raise refusals.RefusedError(
            f"{text_}but got an object with {len(value)} properties instead.", "object_above_max_properties", path
        )
    for key in value:
        if len(key) > 64:
            raise refusals.too_long(path, 64, len(key))


_RESPONSE = fields(
    {
        "conversation": one_of("auto", "none"),
        "input": nullable(array(check_input_item, "an array of objects")),
        "instructions": nullable(_TEXT),
        "output_modalities": _modalities,
        "audio": fields({"output": fields({"format": _FORMAT, "voice": _VOICE})}),
        "tools": _TOOLS,
        "tool_choice": _TOOL_CHOICE,
        "max_output_tokens": _MAX_TOKENS,
        "metadata": nullable(_metadata),
        "prompt": _PROMPT,
        "reasoning": _REASONING,
        "parallel_tool_calls": boolean,
    }
)
_TYPE = {"type": _TEXT, "event_id": nullable(_TEXT)}
_ITEM_ID = fields(_TYPE | {"item_id": _TEXT}, ["item_id"])
_BARE = fields(_TYPE)
_APPEND = fields(_TYPE | {"audio": _TEXT}, ["audio"])

# In the order in which the API lists what it takes.
CLIENT_EVENTS: Mapping[str, Check] = {
    "session.update": fields(_TYPE | {"session": check_session}, ["session"]),
    "session.close": _BARE,
    "input_audio_buffer.append": _APPEND,
    "session.input_audio_buffer.append": _APPEND,
    "input_audio_buffer.commit": _BARE,
    "input_audio_buffer.clear": _BARE,
    "conversation.item.create": fields(_TYPE | {"item": check_item, "previous_item_id": nullable(_TEXT)}, ["item"]),
    "conversation.item.truncate": fields(
        _TYPE | {"item_id": _TEXT, "content_index": number(0, 10**6), "audio_end_ms": number(0, 10**9)},
        ["item_id", "content_index", "audio_end_ms"],
    ),
    "conversation.item.delete": _ITEM_ID,
    "conversation.item.retrieve": _ITEM_ID,
    "response.create": fields(_TYPE | {"response": nullable(_RESPONSE)}),
    "response.cancel": fields(_TYPE | {"response_id": nullable(_TEXT)}),
}


def check_event(event: Mapping[str, Any]) -> None:
    """Refuse what the API would refuse of this event's type and shape."""
    kind_ = event.get("type")
    if "type" not in event:
        raise refusals.missing_type()
    if not isinstance(kind_, str):
        raise refusals.invalid_type("type", "a string", "something else")
    if kind_ not in CLIENT_EVENTS:
        raise refusals.invalid_value("type", kind_, list(CLIENT_EVENTS))
    CLIENT_EVENTS[kind_](event, "")
