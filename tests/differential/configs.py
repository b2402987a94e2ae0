"""Session configs: the current shape, the deprecated one, both at once, with tools, prompts and odd values."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.differential.values import (
    FLAG,
    FORMAT,
    MAYBE_TEXT,
    NUMBERS_APART,
    ODD,
    PLAIN_OBJECT,
    SPEED,
    UNDEFINED,
    VOICE,
    Values,
    few,
    mapping,
    one,
    rarely,
)

_MILLISECONDS = one(0, 300, 500, None, UNDEFINED, *NUMBERS_APART)
_MAYBE_FLAG = one(True, False, None, UNDEFINED)
TURN_DETECTION = st.one_of(
    one(None, {}, UNDEFINED, {"type": "semantic_vad"}, {"type": "server_vad", "threshold": 0.5}),
    mapping(
        {},
        {
            "type": one("server_vad", "semantic_vad", None, UNDEFINED),
            "createResponse": _MAYBE_FLAG,
            "create_response": _MAYBE_FLAG,
            "interruptResponse": _MAYBE_FLAG,
            "interrupt_response": _MAYBE_FLAG,
            "prefixPaddingMs": _MILLISECONDS,
            "prefix_padding_ms": _MILLISECONDS,
            "silenceDurationMs": _MILLISECONDS,
            "silence_duration_ms": _MILLISECONDS,
            "idleTimeoutMs": _MILLISECONDS,
            "idle_timeout_ms": _MILLISECONDS,
            "modelVersion": one("v1", None, UNDEFINED),
            "model_version": one("v2", None, UNDEFINED),
            "eagerness": one("low", "auto", None, UNDEFINED),
            "threshold": one(0, 0.5, None, UNDEFINED),
            "future_field": one({"a": 1}, None, "x"),
        },
    ),
)
_TRANSCRIPTION = one(
    None, UNDEFINED, {}, {"model": "whisper-1"}, {"model": "gpt-transcribe", "language": "de", "prompt": None}
)
_NOISE = one(None, UNDEFINED, {}, {"type": "near_field"}, {"type": "far_field", "strength": 0.5})
_AUDIO_INPUT = mapping(
    {},
    {"format": FORMAT, "noiseReduction": _NOISE, "transcription": _TRANSCRIPTION, "turnDetection": TURN_DETECTION},
)
_AUDIO_OUTPUT = mapping({}, {"format": FORMAT, "voice": rarely(one(UNDEFINED), VOICE), "speed": SPEED})
_AUDIO = st.one_of(
    one(None, UNDEFINED, {}, {"input": None}, {"output": None}, {"input": {}, "output": {}}),
    mapping({}, {"input": _AUDIO_INPUT, "output": _AUDIO_OUTPUT}),
)

_NAMES = one([], ["a"], ["b", "c"], ["a", "b"], [""], [1], None, "a")
_FILTER = st.one_of(
    one(None, {}, [], "a", {"other": 1}),
    mapping({}, {"toolNames": _NAMES, "tool_names": _NAMES}),
    mapping({}, {"readOnly": one(True, False, None, 1), "read_only": one(True, False, None, "x")}),
    mapping({}, {"toolNames": _NAMES, "readOnly": FLAG}),
    mapping({"tool_names": one(["a"], ["b"])}, {"read_only": FLAG}),
)
_APPROVAL = st.one_of(
    one("always", "never", "", "sometimes", None, UNDEFINED, {}, [], 0, True),
    mapping({}, {"always": _FILTER, "never": _FILTER}),
    mapping({"always": _FILTER}, {"other": ODD}),
)
_MCP_TOOL = mapping(
    {"type": one("mcp")},
    {
        "server_label": one("docs", "", None, UNDEFINED),
        "serverLabel": one("docs2"),
        "server_url": one("https://example.com/mcp", "", UNDEFINED),
        "server_description": MAYBE_TEXT,
        "connector_id": one("connector_x", None),
        "tunnel_id": one("tunnel"),
        "authorization": one("token", "", None),
        "headers": one({"x-a": "b"}, {}, None),
        "allowed_tools": one(["a"], [], None, {"tool_names": ["a"]}, {"toolNames": ["a"]}, {"read_only": True}),
        "require_approval": _APPROVAL,
        "requireApproval": one("never"),
        "defer_loading": FLAG,
    },
)
_FUNCTION_TOOL = mapping(
    {"type": rarely(one("custom", None, UNDEFINED, "web_search"), one("function"))},
    {
        "name": one("look", "", None, UNDEFINED),
        "description": MAYBE_TEXT,
        "parameters": one({}, {"type": "object", "properties": {"camelCase": {"type": "string"}}}, None, UNDEFINED),
        "strict": FLAG,
        "needsApproval": FLAG,
        "invoke": one("x"),
    },
)
TOOLS = st.one_of(
    one([], None, UNDEFINED), few(st.one_of(_FUNCTION_TOOL, _MCP_TOOL)), _MCP_TOOL.map(lambda tool: [tool])
)

_PROMPT = st.one_of(
    one(None, UNDEFINED, {}),
    mapping(
        {},
        {
            "promptId": one("pmpt_1", "", UNDEFINED),
            "version": one("2", None, UNDEFINED),
            "variables": one({"camelCase": "x"}, {}, None, UNDEFINED),
        },
    ),
)
_PROVIDER_DATA = st.one_of(
    one(None, UNDEFINED, {}),
    mapping(
        {},
        {
            "max_output_tokens": one(100, "inf", None),
            "truncation": one("auto", {"type": "retention_ratio", "retention_ratio": 0.5}),
            "audio": one({}, None, {"output": {"voice": "x"}}),
            "output_modalities": one(["text"], []),
            "instructions": one("other", "", None),
            "model": one("m-provider"),
            "prompt": one({"id": "p"}, None),
            "tools": one([], [{"type": "function", "name": "n"}]),
            "tool_choice": one("none", None),
            "camelCase": PLAIN_OBJECT,
            "type": one("transcription"),
            "tracing": one("auto", None),
            "include": one(["item.input_audio_transcription.logprobs"]),
        },
    ),
)
TRACING = one(
    None, UNDEFINED, "auto", {}, {"workflow_name": "w"}, {"workflow_name": "w", "group_id": "g", "metadata": {"k": 1}}
)

_COMMON: dict[str, Values] = {
    "instructions": MAYBE_TEXT,
    "type": one("realtime", "transcription", "translation", None),
    "model": one("m-config", None, UNDEFINED),
    "toolChoice": one("auto", "none", "", None, UNDEFINED, {"type": "function", "name": "look"}),
    "tools": TOOLS,
    "parallelToolCalls": one(True, False, None, UNDEFINED),
    "reasoning": one({"effort": "low"}, {}, None, UNDEFINED, "", 0),
    "tracing": TRACING,
    "providerData": _PROVIDER_DATA,
    "prompt": _PROMPT,
    "voice": rarely(one(UNDEFINED), VOICE),
    "unknownKey": PLAIN_OBJECT,
}
_MODALITIES = one(["audio"], ["text"], ["text", "audio"], [], None, UNDEFINED)
_CURRENT: dict[str, Values] = {"outputModalities": _MODALITIES, "audio": _AUDIO}
_DEPRECATED: dict[str, Values] = {
    "modalities": _MODALITIES,
    "inputAudioFormat": FORMAT,
    "outputAudioFormat": FORMAT,
    "inputAudioTranscription": _TRANSCRIPTION,
    "inputAudioNoiseReduction": _NOISE,
    "turnDetection": TURN_DETECTION,
    "speed": SPEED,
}
_POLICY = mapping({"type": one("mcp"), "server_label": one("docs"), "require_approval": _APPROVAL})
CONFIG = st.one_of(
    mapping({}, _COMMON | _CURRENT),
    mapping({}, _COMMON | _DEPRECATED),
    mapping({}, _COMMON | _CURRENT | _DEPRECATED),
    mapping({"tools": TOOLS}, {"instructions": MAYBE_TEXT}),
    mapping({"tools": few(st.one_of(_POLICY, _FUNCTION_TOOL), 2)}),
    mapping({"audio": _AUDIO}, {"voice": VOICE}),
    mapping({"audio": mapping({"output": mapping({"voice": VOICE}, {"speed": SPEED})}), "voice": VOICE}),
    mapping({}, {name: _COMMON[name] for name in ("toolChoice", "reasoning", "tracing", "prompt", "type")}),
)
# For sessions in which the config is not the point.
SMALL_CONFIG = one(
    {}, {"instructions": "Be brief."}, {"outputModalities": ["text"]}, {"tracing": None}, {"voice": "marin"}
)
