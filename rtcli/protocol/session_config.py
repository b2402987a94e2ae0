"""Session configuration: any accepted shape becomes a session.update payload, and what was asked for is remembered.

Accepted are the current shape (`output_modalities`, nested `audio`, `voice` ...), and the deprecated flat one
(`modalities`, `input_audio_format`, `turn_detection` ...): one such key makes the nested `audio` of the same config
count for nothing, as in the reference. Other fields of the API's session (`max_output_tokens`, `truncation` ...) go
under `provider_data`, in the wire's names. A key that is absent was not given; None is a value (null switches off
transcription, noise reduction, turn detection).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeAlias

from rtcli.protocol.audio_formats import PCM16, AudioFormat, format_named, parse_format
from rtcli.protocol.config_shapes import checked_config
from rtcli.protocol.events import value_at
from rtcli.protocol.items import as_mapping
from rtcli.protocol.models import REFERENCE_TRANSCRIBER
from rtcli.protocol.omissions import Omissions
from rtcli.protocol.refused_settings import without
from rtcli.protocol.tool_config import build_tool

Config: TypeAlias = Mapping[str, Any]
Payload: TypeAlias = dict[str, Any]

_DEFAULT_FORMAT = {"type": "audio/pcm", "rate": 24_000}
_DEFAULT_INPUT: Payload = {
    "format": _DEFAULT_FORMAT,
    "noise_reduction": None,
    "transcription": {"model": REFERENCE_TRANSCRIBER},
    "turn_detection": {"type": "semantic_vad"},
}
_DEFAULT_OUTPUT: Payload = {"format": _DEFAULT_FORMAT, "speed": 1}

_LEGACY_INPUT = {
    "input_audio_format": "format",
    "input_audio_noise_reduction": "noise_reduction",
    "input_audio_transcription": "transcription",
    "turn_detection": "turn_detection",
}
_WRITTEN_LAST = {"prompt", "tools"}  # provider_data has no say in these where a config names them
_LEGACY_KEYS = ("modalities", "output_audio_format", "speed", *_LEGACY_INPUT)

# These go out under their own names, when given; None is kept.
_PLAIN_KEYS = ("instructions", "parallel_tool_calls")


def build_turn_detection(value: Config | None) -> Payload | None:
    """A turn detection for the wire. None switches it off; an empty one says nothing and gives None as well."""
    # the reference tests for truth here: an empty object disappears
    return dict(value) if value else None


def build_format(value: object) -> Payload | None:
    """An audio format for the wire: objects pass as they are, texts are deprecated names, the rest is PCM16.

    None for one that says nothing. A PCM rate that is not a number JSON can write counts as the API's default.
    """
    if not _says_something(value):
        return None
    if not isinstance(value, Mapping):
        return format_named(str(value)).to_wire()
    rate = value.get("rate")
    broken = isinstance(rate, float) and not math.isfinite(rate) and value.get("type") == PCM16.type
    return PCM16.to_wire() if broken else dict(value)


def _says_something(value: object) -> bool:
    """Whether a config's value counts: an empty object does, empty text, zero and None do not."""
    return isinstance(value, Mapping) or bool(value)


def _given_input(config: Config) -> Payload:
    nested = (config.get("audio") or {}).get("input") or {}
    given: Payload = {}
    if (named := build_format(nested.get("format"))) is not None:
        given["format"] = named
    given |= {key: nested[key] for key in ("noise_reduction", "transcription") if key in nested}
    # {} says nothing; null switches it off and has to go out
    if "turn_detection" in nested and nested["turn_detection"] != {}:
        given["turn_detection"] = build_turn_detection(nested["turn_detection"])
    return given


def _given_output(config: Config) -> Payload:
    nested = (config.get("audio") or {}).get("output") or {}
    given: Payload = {}
    if (named := build_format(nested.get("format"))) is not None:
        given["format"] = named
    voice = nested.get("voice") if nested.get("voice") is not None else config.get("voice")
    if voice is not None:
        given["voice"] = voice
    if nested.get("speed") is not None:
        given["speed"] = nested["speed"]
    return given


def _given_legacy(config: Config) -> tuple[Payload, Payload]:
    inputs: Payload = {}
    for legacy, key in _LEGACY_INPUT.items():
        value = config.get(legacy)
        if legacy not in config or (legacy == "turn_detection" and value == {}):
            continue
        if key != "format":
            inputs[key] = value
        elif (named := build_format(value)) is not None:
            inputs[key] = named
    output: Payload = {}
    if (named := build_format(config.get("output_audio_format"))) is not None:
        output["format"] = named
    if config.get("voice") is not None:
        output["voice"] = config["voice"]
    if config.get("speed") is not None:
        output["speed"] = config["speed"]
    return inputs, output


def _given_prompt(prompt: Any) -> Payload | None:
    if prompt is None:
        return None
    prompt = as_mapping(prompt)
    written = {"id": prompt["prompt_id"]} if "prompt_id" in prompt else {}
    return written | {key: prompt[key] for key in ("id", "version", "variables") if key in prompt}


def given_part(config: Config) -> Payload:
    """Only what a config says, in the wire's shape, without defaults."""
    # present with None counts, too
    legacy = any(key in config for key in _LEGACY_KEYS)
    modalities = config.get("modalities") if legacy else config.get("output_modalities")
    inputs, output = _given_legacy(config) if legacy else (_given_input(config), _given_output(config))
    given: Payload = {key: config[key] for key in _PLAIN_KEYS if key in config}
    if config.get("tool_choice") is not None:
        given["tool_choice"] = config["tool_choice"]
    if _says_something(config.get("reasoning")):
        given["reasoning"] = config["reasoning"]
    if modalities is not None:
        given["output_modalities"] = modalities
    if inputs or output:
        given["audio"] = {side: part for side, part in (("input", inputs), ("output", output)) if part}
    if "model" in config and config["model"] is not None:
        given["model"] = config["model"]
    given |= config.get("provider_data") or {}
    if config.get("prompt") is not None:
        given["prompt"] = _given_prompt(config["prompt"])
    tools = config.get("tools")
    if tools is not None:
        given["tools"] = [build_tool(tool) for tool in tools]
    return given


def merge(base: Payload, update: Config) -> Payload:
    """`update` over `base` as the server merges: nested `audio` key by key, everything else whole."""
    merged = {**base, **update}
    old, new = base.get("audio"), update.get("audio")
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        audio: Payload = {**old, **new}
        for side in ("input", "output"):
            if isinstance(old.get(side), Mapping) and isinstance(new.get(side), Mapping):
                audio[side] = {**old[side], **new[side]}
        merged["audio"] = audio
    return merged


def default_payload(model: str) -> Payload:
    """What a session.update says when nothing was configured."""
    return {
        "type": "realtime",
        "model": model,
        "output_modalities": ["audio"],
        "audio": {"input": deepcopy(_DEFAULT_INPUT), "output": deepcopy(_DEFAULT_OUTPUT)},
    }


def build_payload(config: Config, model: str) -> Payload:
    """The whole session.update payload of one config: defaults, then what it says.

    Empty `tools` are left out here (there is nothing to clear); `provider_data` replaces whole top-level keys, but for
    `prompt` and `tools`. Raises UsageError for a config of another shape.
    """
    payload = merge(default_payload(model), given_part({**checked_config(config), "provider_data": None}))
    provider = dict(config.get("provider_data") or {})
    own = {key: payload[key] for key in _WRITTEN_LAST if payload.get(key) not in (None, [])}
    payload = {**payload, **provider, **own}
    if not payload.get("tools") and "tools" not in provider:
        payload.pop("tools", None)
    if payload.get("prompt") is None and "prompt" not in provider:
        payload.pop("prompt", None)
    return payload


@dataclass(frozen=True, slots=True)
class Update:
    """A session.update that may go out: its `payload`, and what counts as asked for once it did."""

    payload: Payload
    given: Payload
    provider: Payload


class RequestedSession:
    """What was asked of the session so far, and what the server confirmed last.

    `omissions` are what a planned update does not say.
    """

    def __init__(self, omissions: Omissions | None = None) -> None:
        self._omissions = omissions or Omissions()
        self._requested: Payload = {}
        self._provider: Payload = {}  # replaces whole keys of the payload, as long as nothing newer names them
        self.confirmed: Payload | None = None
        self.input_format = self.output_format = PCM16
        self.named_output_format: AudioFormat | None = None  # None: the session has not said it

    def __repr__(self) -> str:
        state = "confirmed" if self.confirmed is not None else "not confirmed"
        return f"<RequestedSession {', '.join({**self._requested, **self._provider}) or 'nothing'}: {state}>"

    @property
    def requested(self) -> Payload:
        """What was asked for, in the wire's shape and without defaults."""
        return deepcopy({**self._requested, **self._provider})

    def plan(self, config: Config, model: str) -> Update:
        """What to send for a config: defaults < asked before < this one. Nothing is remembered yet.

        Raises UsageError for a config of another shape.
        """
        structured = given_part({**checked_config(config), "provider_data": None})
        now = {**(config.get("provider_data") or {})}
        for key in _WRITTEN_LAST & structured.keys():
            if structured[key] not in (None, []):
                now.pop(key, None)
        given, provider = self._settled(structured.keys() - now.keys())
        counted = {key: value for key, value in structured.items() if key not in now}
        given, provider = merge(given, counted), {**provider, **now}
        named = given.pop("model", model)  # it belongs to the connection, not to later updates
        if self._omissions.defaults:
            payload = {"type": "realtime", **given, **provider}
        else:
            payload = {**merge(default_payload(model), given), "model": named, **provider}
        for path in sorted(self._omissions.settings):
            payload = without(payload, path)
        return Update(*deepcopy((payload, given, provider)))

    def remember(self, update: Update) -> None:
        """A planned update was sent."""
        self._requested, self._provider = update.given, update.provider

    def merge_sent(self, session: object) -> None:
        """A session.update that was sent by hand counts as asked for; tracing travels alone and is left out."""
        if isinstance(session, Mapping):
            update = {k: v for k, v in session.items() if k not in ("type", "model", "tracing")}
            given, self._provider = self._settled(update.keys())
            # the caller's object may change after it was sent
            self._requested = merge(given, deepcopy(update))
            # who asks for it by hand wants it said, also on the next connection
            self._omissions.settings -= {p for p in self._omissions.settings if value_at(session, p) is not None}

    def forget_setting(self, path: str) -> None:
        """Forget that the setting at a dotted path was asked for."""
        for asked in (self._requested, self._provider):
            *parents, name = path.split(".")
            place: Any = asked
            for parent in parents:
                place = place.get(parent) if isinstance(place, dict) else None
            if isinstance(place, dict):
                place.pop(name, None)

    def _settled(self, newer: Iterable[str]) -> tuple[Payload, Payload]:
        """`_requested` and `_provider` before these keys are set again: what the latter holds of them is older."""
        given, provider = self._requested, dict(self._provider)
        for key in newer:
            if key in provider:
                given = merge(given, {key: provider.pop(key)})
        return given, provider

    def forget_connection(self) -> None:
        """A new connection knows nothing yet of what was confirmed on the old one."""
        self.confirmed, self.named_output_format = None, None
        self.input_format = self.output_format = PCM16

    def confirm(self, session: object) -> None:
        """The server's session.created or session.updated."""
        if isinstance(session, dict):
            self.confirmed = session
            self.input_format = parse_format(value_at(session, "audio.input.format"))
            named = value_at(session, "audio.output.format")
            self.output_format = parse_format(named)
            self.named_output_format = None if named is None else self.output_format
