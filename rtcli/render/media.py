"""Audio and images inside events, said in a few words instead of base64."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rtcli.protocol.audio_formats import PCM16, AudioFormat, base64_length, decode_base64, parse_format
from rtcli.protocol.audio_levels import level_db

# shorter ones may be words
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{256,}={0,2}\s*")
_DATA_URI = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w=-]+)*;base64,")


@dataclass(slots=True)
class WireFormats:
    """The audio formats of a session, as far as its own frames have said them."""

    input: AudioFormat = PCM16
    output: AudioFormat = PCM16

    def observe(self, event: Mapping[str, Any]) -> None:
        """Learn from a `session.*` event; any other says nothing."""
        session = event.get("session")
        audio = session.get("audio") if isinstance(session, Mapping) else None
        if not isinstance(audio, Mapping) or event.get("type") == "session.update":
            return  # what was asked for holds only once the server confirms it
        for side in ("input", "output"):
            part = audio.get(side)
            if isinstance(part, Mapping) and "format" in part:
                setattr(self, side, parse_format(part["format"]))

    def of(self, type_: str) -> AudioFormat:
        """The format of the audio that an event of this type carries."""
        return self.input if "input_audio" in type_ else self.output


def audio_note(text: str, format_: AudioFormat = PCM16) -> str:
    """Base64 audio as `<9600 B audio, 200 ms, -21 dBFS>`."""
    try:
        data = decode_base64(text)
    except ValueError:
        return f"<{len(text)} characters that are not base64 audio>"
    level = level_db(data, format_)
    loud = "silence" if level is None else f"{round(level)} dBFS"
    return f"<{len(data)} B audio, {format_.milliseconds(len(data))} ms, {loud}>"


def image_note(uri: str) -> str:
    """A data URI as `<48,213 B image/png>`."""
    match = _DATA_URI.match(uri)
    if match is None:
        return uri
    return f"<{base64_length(uri[match.end() :])} B {match['type'] or 'data'}>"


@dataclass(frozen=True, slots=True)
class MediaElider:
    """Replaces audio and images in a JSON value by notes; the rest stays as it is."""

    formats: WireFormats = field(default_factory=WireFormats)

    def of(self, value: Any) -> Any:
        """A copy of the value (of an event, of anything that holds events or items) without base64."""
        type_ = str(value.get("type", "")) if isinstance(value, Mapping) else ""
        return self._walk(value, "", type_)

    def _walk(self, value: Any, key: str, type_: str) -> Any:
        if isinstance(value, Mapping):
            # an item inside of an event says by its own type what its audio is
            inner = str(value.get("type") or type_)
            return {name: self._walk(part, name, inner) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [self._walk(part, key, type_) for part in value]
        return self._text(value, key, type_) if isinstance(value, str) else value

    def _text(self, text: str, key: str, type_: str) -> str:
        # a delta of text may look like base64, too
        if key == "audio" or (key == "delta" and type_.endswith("audio.delta")):
            return audio_note(text, self.formats.of(type_))
        if text.startswith("data:"):
            return image_note(text)
        if len(text) >= 256 and _BASE64.fullmatch(text):
            return f"<{base64_length(text)} B base64>"
        return text
