"""The shape of a session in an update, and of those parts of it that a response.create may have too."""

from __future__ import annotations

import re
from typing import Any

from rtcli.server.validation import api_errors
from rtcli.server.validation.validators import (
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
TEXT = text()

# formats, tools -------------------------------------------------------------------------------------------------------

_RATE = number(24_000, 24_000)  # the API takes no other
FORMAT = by(
    "type",
    {
        "audio/pcm": fields({"type": TEXT, "rate": nullable(_RATE)}),
        "audio/pcmu": fields({"type": TEXT, "rate": anything}),  # 8 kHz whatever the client says
        "audio/pcma": fields({"type": TEXT, "rate": anything}),
    },
)
# an object names a custom voice: it is taken, and sounds like none of the ten
VOICE = kind(string=one_of(*VOICES), object=fields({"id": TEXT}, ["id"]))

_NAME = re.compile("[a-zA-Z0-9_-]+")
_FUNCTION_TOOL = fields(
    {"type": TEXT, "name": text(64, pattern=_NAME), "description": TEXT, "parameters": mapping(anything)},
    ["name"],
)
_TOOL_NAMES = fields({"tool_names": array(TEXT), "read_only": boolean})
_APPROVAL = kind(
    string=one_of("always", "never"),
    object=fields({"always": _TOOL_NAMES, "never": _TOOL_NAMES}),
)
_MCP_FIELDS: dict[str, Check] = {
    "type": TEXT,
    "server_label": TEXT,
    "server_url": TEXT,
    "connector_id": TEXT,
    "tunnel_id": TEXT,
    "authorization": TEXT,
    "headers": nullable(mapping(TEXT)),
    "allowed_tools": nullable(kind(array=array(TEXT), object=_TOOL_NAMES)),
    "require_approval": nullable(_APPROVAL),
    "server_description": TEXT,
    "allowed_callers": nullable(array(one_of("direct", "programmatic"))),
    "defer_loading": boolean,
}
TOOLS = array(
    by("type", {"function": _FUNCTION_TOOL, "mcp": fields(_MCP_FIELDS, ["server_label"])}), "an array of objects"
)
TOOL_CHOICE = kind(
    string=one_of("none", "auto", "required"),
    object=by(
        "type",
        {
            "function": fields({"type": TEXT, "name": TEXT}, ["name"]),
            "mcp": fields({"type": TEXT, "server_label": TEXT, "name": nullable(TEXT)}, ["server_label"]),
        },
    ),
)


def modalities(value: Any, path: str) -> None:
    """Text or audio, never both."""
    array(one_of("text", "audio"))(value, path)
    if len(value) != 1:  # audio comes with its transcript, so both together would say nothing new
        shown = "[" + ", ".join(f"'{word}'" for word in value) + "]"
        known = "Supported combinations are: ['text'] and ['audio']."
        raise api_errors.ApiError(f"Invalid modalities: {shown}. {known}", "invalid_value", path)


_FILE = {name: nullable(TEXT) for name in ("file_id", "file_data", "file_url", "filename")}
_IMAGE = {"detail": TEXT, "file_id": nullable(TEXT), "image_url": nullable(TEXT)}
_PROMPT_VARIABLE = kind(
    string=TEXT,
    object=by(
        "type",
        {
            "input_text": fields({"type": TEXT, "text": TEXT}, ["text"]),
            "input_image": fields({"type": TEXT, **_IMAGE}, ["detail"]),
            "input_file": fields({"type": TEXT, **_FILE}),
        },
    ),
)
PROMPT = nullable(
    fields({"id": TEXT, "version": nullable(TEXT), "variables": nullable(mapping(_PROMPT_VARIABLE))}, ["id"])
)
REASONING = nullable(fields({"effort": nullable(one_of("minimal", "low", "medium", "high", "xhigh"))}))
MAX_TOKENS = kind(integer=number(1, 4096), string=one_of("inf"))  # the API's own limit

# session --------------------------------------------------------------------------------------------------------------

# both kinds of detection have these
_TURN_FLAGS = {"type": TEXT, "create_response": boolean, "interrupt_response": boolean}
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
            "model": nullable(TEXT),
            "language": nullable(TEXT),
            "prompt": nullable(TEXT),
            "languages": nullable(array(TEXT)),
            "keywords": nullable(array(TEXT)),
            "delay": nullable(one_of("minimal", "low", "medium", "high", "xhigh")),
        }
    )
)
_NOISE_REDUCTION = nullable(fields({"type": one_of("near_field", "far_field"), "strength": nullable(number(0.0, 1e6))}))
_AUDIO_INPUT = fields(
    {
        "format": FORMAT,
        "transcription": _TRANSCRIPTION,
        "noise_reduction": _NOISE_REDUCTION,
        "turn_detection": _TURN_DETECTION,
    }
)
_AUDIO_OUTPUT = fields({"format": FORMAT, "voice": VOICE, "speed": number(0.25, 1.5)})
_TRACING = nullable(
    kind(
        string=one_of("auto"),
        object=fields({"workflow_name": TEXT, "group_id": TEXT, "metadata": anything}),
    )
)
_RETENTION = {"type": TEXT, "retention_ratio": number(0.0, 1.0)}
_LIMITS = fields({"post_instructions": number(0, 10**9)})
_TRUNCATION = kind(
    string=one_of("auto", "disabled"),
    object=by("type", {"retention_ratio": fields(_RETENTION | {"token_limits": _LIMITS}, ["retention_ratio"])}),
)
# taken and echoed; the local recognizer has no log-probabilities to give
_INCLUDE = nullable(array(one_of("item.input_audio_transcription.logprobs")))

_REALTIME_SESSION = fields(
    {
        "type": TEXT,
        "model": TEXT,
        "output_modalities": modalities,
        "instructions": TEXT,
        "tools": TOOLS,
        "tool_choice": TOOL_CHOICE,
        "max_output_tokens": MAX_TOKENS,
        "tracing": _TRACING,
        "truncation": _TRUNCATION,
        "prompt": PROMPT,
        "audio": fields({"input": _AUDIO_INPUT, "output": _AUDIO_OUTPUT}),
        "include": _INCLUDE,
        "reasoning": REASONING,
        "parallel_tool_calls": boolean,
    }
)
_TRANSCRIPTION_SESSION = fields({"type": TEXT, "audio": fields({"input": _AUDIO_INPUT}), "include": _INCLUDE})
check_translation = fields(
    {
        "type": one_of("translation"),
        "model": TEXT,
        "audio": fields(
            {
                "input": fields({"transcription": _TRANSCRIPTION, "noise_reduction": _NOISE_REDUCTION}),
                "output": fields({"language": TEXT}),
            }
        ),
    }
)
check_session = by("type", {"realtime": _REALTIME_SESSION, "transcription": _TRANSCRIPTION_SESSION})
