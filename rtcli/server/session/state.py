"""The session object: what it is at the start, and how a `session.update` changes it, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.protocol.audio_formats import PCM16, parse_format
from rtcli.protocol.events import WireObject
from rtcli.protocol.models import DEFAULT_TRANSCRIBER, WITHOUT_TURN_DETECTION
from rtcli.server.session.weight import weight
from rtcli.server.validation import api_errors

MAX_SETTINGS = 32 * 2**20
"""Bytes of settings and MCP servers that one session keeps."""

MAX_MCP_SERVERS = 64
"""Of one session: each is an item of the conversation as well, and what it lists."""

STOCK_INSTRUCTIONS = (
    "You are the local test server of rtcli. You answer with a few built-in rules and are not a language model. "
    "Be friendly, be brief, and never pretend to know more than you do."
)
_NEW_DEFAULTS = ("gpt-realtime-2",)  # these models wait 500 ms and speak as marin; the older wait 200 ms, as alloy
_NO_REASONING = ("gpt-realtime-1.5", "gpt-realtime-mini", "gpt-realtime-2025", "gpt-4o", "gpt-audio")


def _is_new(model: str) -> bool:
    return model.startswith(_NEW_DEFAULTS)


def _turn_defaults(kind: str, model: str) -> WireObject:
    """A turn detection object of that type before anything is asked of it."""
    flags = {"create_response": True, "interrupt_response": True}
    if kind == "semantic_vad":
        return {"type": kind, "eagerness": "auto", **flags}
    silence = 500 if _is_new(model) else 200
    vad = {"type": kind, "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": silence}
    return {**vad, "idle_timeout_ms": None, **flags}


def _input_settings(turn: WireObject) -> WireObject:
    return {"format": PCM16.to_wire(), "transcription": None, "noise_reduction": None, "turn_detection": turn}


def realtime_session(session_id: str, model: str) -> WireObject:
    """A conversation session as `session.created` shows it, key for key; its end is known when it runs."""
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": STOCK_INSTRUCTIONS,
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": 0,
        "audio": {
            "input": _input_settings(_turn_defaults("server_vad", model)),
            "output": {
                "format": PCM16.to_wire(),
                "voice": "marin" if _is_new(model) else "alloy",
                "speed": 1.0,
            },
        },
        "include": None,
    }


def transcription_session(session_id: str) -> WireObject:
    """A transcription session as `session.created` shows it."""
    turn = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
    return {
        "type": "transcription",
        "object": "realtime.transcription_session",
        "id": session_id,
        "expires_at": 0,
        "audio": {"input": _input_settings(turn)},
        "include": None,
    }


class EffectiveSession:
    """The effective session, and the rules that need more than the shape of an update."""

    def __init__(self, session: WireObject) -> None:
        self.config = session
        self.voice_locked = False  # set once the assistant has spoken
        # a server_label that was defined once may be named alone afterwards
        self.mcp_servers: dict[str, WireObject] = {}
        self.mcp_servers = self.resolve_mcp(session.get("tools", ()), "session.tools")
        self._tracing_settled = False  # set by the first update that changes tracing: no later one may

    @property
    def transcribes_only(self) -> bool:
        """This session makes no responses."""
        return bool(self.config["type"] == "transcription")

    @property
    def input(self) -> WireObject:
        """`audio.input`."""
        value: WireObject = self.config["audio"]["input"]
        return value

    @property
    def turn_detection(self) -> WireObject | None:
        """None: the client commits and asks for responses itself."""
        value: WireObject | None = self.input["turn_detection"]
        return value

    def update(self, requested: Mapping[str, Any]) -> None:
        """Merge an update of the right shape. Raises ApiError and changes nothing where a rule forbids."""
        if requested["type"] != self.config["type"]:
            raise api_errors.session_type_locked(requested["type"])
        audio = {side: dict(settings) for side, settings in self.config["audio"].items()}
        taken = {key: value for key, value in requested.items() if key not in ("type", "model", "audio")}
        new = {**self.config, **taken, "audio": audio}  # another model is taken and ignored
        if new.get("reasoning", ...) is None:
            del new["reasoning"]  # null is how a client takes it back
        self._merge_audio(new["audio"], requested.get("audio", {}))
        self._check(requested, new)
        # nothing above has changed self: an update that is refused here leaves no trace
        servers = {**self.mcp_servers, **self.resolve_mcp(requested.get("tools", ()), "session.tools")}
        _check_size(new, servers)
        if "tracing" in requested and requested["tracing"] != self.config.get("tracing"):
            self._tracing_settled = True
        self.mcp_servers = servers
        self.config = new

    def define_servers(self, tools: Any) -> None:
        """Keep the MCP servers that a response brings. Raises ApiError as `resolve_mcp` does, and beyond the bounds."""
        servers = {**self.mcp_servers, **self.resolve_mcp(tools, "response.tools")}
        if servers != self.mcp_servers:
            _check_size(self.config, servers)
            self.mcp_servers = servers

    def resolve_mcp(self, tools: Any, path: str) -> dict[str, WireObject]:
        """The MCP servers that these tools define or name, by label. Raises ApiError for an undefined one."""
        found: dict[str, WireObject] = {}
        for index, tool in enumerate(tools):
            if tool["type"] != "mcp":
                continue
            label, where = tool["server_label"], f"{path}[{index}]"
            if label in found:
                text = f"Duplicate MCP server_label '{label}' found in '{path}'."  # inferred
                raise api_errors.ApiError(text, "invalid_value", f"{where}.server_label")
            defines = [key for key in ("server_url", "connector_id", "tunnel_id") if tool.get(key)]
            if not defines and label not in self.mcp_servers:
                raise api_errors.missing_parameter(f"{where}.server_url")
            if len(defines) > 1:
                text = f"Mutually exclusive parameters: '{where}.{defines[0]}' and '{where}.{defines[1]}'."  # inferred
                raise api_errors.ApiError(text, "mutually_exclusive_parameters", where)
            found[label] = {**self.mcp_servers.get(label, {}), **tool}
        return found

    def _merge_audio(self, audio: WireObject, requested: Mapping[str, Any]) -> None:
        for side, changes in requested.items():
            target = audio.setdefault(side, {})
            for key, value in changes.items():
                merge = _MERGES.get(key)
                target[key] = merge(value, target.get(key), self) if merge and value is not None else value

    def _check(self, requested: Mapping[str, Any], new: WireObject) -> None:
        if "tracing" in requested and self._tracing_settled and requested["tracing"] != self.config["tracing"]:
            raise api_errors.tracing_locked()
        old_voice = self.config["audio"].get("output", {}).get("voice")
        if self.voice_locked and new["audio"]["output"]["voice"] != old_voice:
            raise api_errors.voice_locked()
        model = str(new.get("model", ""))
        if "reasoning" in new and (model == "gpt-realtime" or model.startswith(_NO_REASONING)):
            text = "Unsupported parameter: 'session.reasoning' is not supported with this model."  # inferred
            raise api_errors.ApiError(text, "unsupported_parameter", "session.reasoning")
        transcriber = (new["audio"]["input"]["transcription"] or {}).get("model")
        if self.transcribes_only and transcriber in WITHOUT_TURN_DETECTION and new["audio"]["input"]["turn_detection"]:
            raise api_errors.no_turn_detection("session.audio.input.turn_detection")


def _check_size(config: WireObject, servers: Mapping[str, WireObject]) -> None:
    if len(servers) > MAX_MCP_SERVERS or weight([config, servers]) > MAX_SETTINGS:
        raise api_errors.settings_too_large(MAX_SETTINGS // 2**20, MAX_MCP_SERVERS)


def _merge_format(value: WireObject, old: WireObject | None, state: EffectiveSession) -> WireObject:
    """Only PCM names a rate."""
    return parse_format(value).to_wire()


def _merge_turn(value: WireObject, old: WireObject | None, state: EffectiveSession) -> WireObject:
    """What is missing becomes that type's default, not what it was."""
    turn = _turn_defaults(value["type"], str(state.config.get("model", ""))) | value
    if state.transcribes_only:  # there are no responses to create or interrupt
        turn = {k: v for k, v in turn.items() if k not in ("idle_timeout_ms", "create_response", "interrupt_response")}
    return turn


def _merge_transcription(value: WireObject, old: WireObject | None, state: EffectiveSession) -> WireObject:
    """model, language and prompt are always shown; the rest only where it was set."""
    extra = {k: v for k, v in value.items() if k not in ("model", "language", "prompt") and v is not None}
    model = value.get("model") or (old or {}).get("model") or DEFAULT_TRANSCRIBER
    return {"model": model, "language": value.get("language"), "prompt": value.get("prompt"), **extra}


def _merge_noise(value: WireObject, old: WireObject | None, state: EffectiveSession) -> WireObject:
    """A strength that is not named stays, or is 1 at first. It is shown only once a client has set it."""
    merged = {"type": value.get("type") or (old or {}).get("type", "near_field")}
    strength = value.get("strength")
    if strength is None:
        strength = (old or {}).get("strength")
    return merged if strength is None else {**merged, "strength": strength}


_MERGES = {
    "format": _merge_format,
    "turn_detection": _merge_turn,
    "transcription": _merge_transcription,
    "noise_reduction": _merge_noise,
}
