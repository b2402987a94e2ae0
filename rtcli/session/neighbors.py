"""Sessions that are no conversation: what each begins with, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtcli.errors import UsageError
from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.models import (
    DEFAULT_LIVE,
    DEFAULT_TRANSCRIBER,
    TRANSLATION_TRANSCRIBER,
    WITHOUT_TURN_DETECTION,
)
from rtcli.protocol.session_config import given_part, merge
from rtcli.protocol.session_kind import SessionKind
from rtcli.views import Notice

_LIVE_FIELDS = ("instructions", "input", "delegation", "triggers", "store", "safety_identifier")


@dataclass(frozen=True, slots=True)
class Neighbor:
    """What a kind of session is for its user: its name, what is said of it first, how audio is sent, what ends it.

    `speaks`: audio comes back. `turns`: audio is committed.
    """

    name: str
    about: Notice
    append: str
    speaks: bool
    turns: bool


NEIGHBORS: Mapping[SessionKind, Neighbor] = {
    SessionKind.TRANSCRIPTION: Neighbor(
        "a dictation",
        Notice("dictation: what you say is written down, and nothing answers", hint="/unmute or /play FILE"),
        "input_audio_buffer.append",
        speaks=False,
        turns=True,
    ),
    SessionKind.TRANSLATION: Neighbor(
        "a translation",
        Notice(
            "translation: what you say is spoken in another language",
            hint="/unmute or /play FILE; /set audio.output.language=CODE",
        ),
        "session.input_audio_buffer.append",
        speaks=True,
        turns=False,
    ),
    SessionKind.LIVE: Neighbor(
        "a GPT-Live session",
        Notice(
            "GPT-Live: voice and raw events alone",
            why="typed messages, images, turns, items, /respond and /interrupt are not supported",
            hint="/unmute or /play FILE; {...} sends an event",
        ),
        "session.input_audio.append",
        speaks=True,
        turns=False,
    ),
}


def append_type(kind: SessionKind) -> str:
    """The event that carries audio to the server."""
    return NEIGHBORS[kind].append if kind in NEIGHBORS else "input_audio_buffer.append"


def require_conversation(kind: SessionKind) -> None:
    """Raise UsageError where there are no messages, items and responses."""
    if kind in NEIGHBORS:
        neighbor = NEIGHBORS[kind]
        raise UsageError(f"{neighbor.name} takes no messages, items or responses", hint="speak: /unmute or /play FILE")


def require_turns(kind: SessionKind) -> None:
    """Raise UsageError where audio is not committed."""
    if kind in NEIGHBORS and not NEIGHBORS[kind].turns:
        raise UsageError(f"{NEIGHBORS[kind].name} has no turns", why="its audio runs on", hint="/unmute and /mute")


def first_session(kind: SessionKind, config: Mapping[str, Any], model: str | None) -> tuple[dict[str, Any], list[str]]:
    """The `session` that a neighbor begins with, and the names of what it has no place for.

    `config` is any shape that the transport takes. Raises KeyError for a conversation.
    """
    given = given_part(config)
    source = (given.get("audio") or {}).get("input") or {}
    output = (config.get("audio") or {}).get("output") or {}  # a translation's language is nothing a conversation has
    session, taken = _FIRST[kind](given, source, output, model)
    named = {name for name in given if name != "audio"} | {f"audio.output.{name}" for name in output}
    return session, sorted(named - taken)


_Made = tuple[dict[str, Any], set[str]]


def _transcription(
    given: Mapping[str, Any], source: Mapping[str, Any], output: Mapping[str, Any], model: str | None
) -> _Made:
    transcription = {"model": DEFAULT_TRANSCRIBER, **(source.get("transcription") or {})}
    transcription |= {"model": model} if model else {}
    detects = transcription["model"] not in WITHOUT_TURN_DETECTION
    defaults = {"format": PCM16.to_wire(), "turn_detection": {"type": "server_vad"} if detects else None}
    session = {"type": "transcription", "audio": {"input": {**defaults, **source, "transcription": transcription}}}
    return session | ({"include": given["include"]} if "include" in given else {}), {"include"}


def _translation(
    given: Mapping[str, Any], source: Mapping[str, Any], output: Mapping[str, Any], model: str | None
) -> _Made:
    audio: dict[str, Any] = {"input": {"transcription": {"model": TRANSLATION_TRANSCRIBER}}}
    kept = {name: source[name] for name in ("transcription", "noise_reduction") if name in source}
    audio = merge({"audio": audio}, {"audio": {"input": kept}})["audio"]
    if "language" in output:
        audio["output"] = {"language": output["language"]}
    return {"audio": audio}, {"audio.output.language"}


def _live(given: Mapping[str, Any], source: Mapping[str, Any], output: Mapping[str, Any], model: str | None) -> _Made:
    audio: dict[str, Any] = {"format": PCM16.to_wire()}
    if "voice" in output:
        audio["output"] = {"voice": output["voice"]}
    fields = {name: given[name] for name in _LIVE_FIELDS if name in given}
    return {"model": model or DEFAULT_LIVE, **fields, "audio": audio}, {*_LIVE_FIELDS, "audio.output.voice"}


_FIRST = {
    SessionKind.TRANSCRIPTION: _transcription,
    SessionKind.TRANSLATION: _translation,
    SessionKind.LIVE: _live,
}
