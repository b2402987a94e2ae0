"""How much audio crossed the wire and how much of it was heard, in milliseconds, counted from the frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rtcli.dsp.codec import to_pcm16
from rtcli.protocol.audio_formats import PCM16, AudioFormat, base64_length, decode_base64, session_format
from rtcli.protocol.ids import short_id
from rtcli.protocol.playback import PartKey, part_of
from rtcli.protocol.record import Audio, Connected, Connection, Direction, Frame, Heard
from rtcli.protocol.remember import remember
from rtcli.session.part import Part, moment, received, sent
from rtcli.views import Level, Notice

_MAX_PARTS = 256
_QUIET_PEAK = 32
"""-60 dBFS: an answer without a louder sample is heard by nobody."""

_ROUNDING = 1e-3  # of sums of pieces: 50 of 20 ms are a second
_MIN_SILENCE_MS = 200
"""Less than this may be a pause."""


@dataclass(slots=True)
class _Received:
    """One content part with audio. `heard_ms` is None until a player said something of it."""

    format: AudioFormat
    length: int = 0  # bytes
    heard_ms: int | None = None
    cut: bool = False
    loud: bool = False


class AudioMeter(Part):
    """Counts audio of both directions, and tells of spoken answers that nobody can hear."""

    def __init__(self) -> None:
        self.input_format = self.output_format = PCM16  # the API's default until the session says otherwise
        self._response_formats: dict[str, AudioFormat] = {}  # of responses that chose their own
        self._parts: dict[PartKey, _Received] = {}
        self._unsent_turn_seconds = 0.0  # the format may change within a turn
        self._on_wire = True  # the audio of a call goes another way

    def received_ms(self, item_id: str, content_index: int) -> int:
        """What has arrived of a part and was not cut by then; 0 for an unknown one."""
        part = self._parts.get((item_id, content_index))
        return part.format.milliseconds(part.length) if part else 0

    def heard_ms(self, item_id: str, content_index: int) -> int | None:
        """What a player has said last of a part; None: nothing."""
        part = self._parts.get((item_id, content_index))
        return part.heard_ms if part else None

    def cuts_at_heard(self, item_id: str, content_index: int, audio_end_ms: object) -> bool:
        """A truncation to this position is an interruption: it ends where the player stopped."""
        heard = self.heard_ms(item_id, content_index)
        return heard is not None and min(heard, self.received_ms(item_id, content_index)) == audio_end_ms

    @property
    def unsent_turn_ms(self) -> int:
        """What was sent since the input buffer was last committed or cleared by us."""
        return int(self._unsent_turn_seconds * 1000 + _ROUNDING)

    # -- formats -----------------------------------------------------------------------------------

    @received("session.created", "session.updated")
    def _on_session(self, event: Mapping[str, Any], _frame: Frame) -> None:
        if isinstance(session := event.get("session"), Mapping):
            self.input_format = session_format(session, "input")
            self.output_format = session_format(session, "output")

    @received("response.created")
    def _on_response_created(self, event: Mapping[str, Any], _frame: Frame) -> None:
        response = event.get("response")
        if isinstance(response, Mapping) and isinstance(response.get("audio"), Mapping):
            remember(self._response_formats, str(response.get("id")), session_format(response, "output"), _MAX_PARTS)

    @moment(Connection)
    def _on_connection(self, record: Connection) -> None:
        if record.state is Connected.DIALING:
            parts = urlsplit(record.url)
            self._on_wire = "call_id" not in parse_qs(parts.query) and not parts.path.endswith("/calls")
        self._parts.clear()
        self._unsent_turn_seconds = 0.0

    @property
    def on_wire(self) -> bool:
        """Whether audio is in the events, and all of an answer arrives before it is heard; not in a call."""
        return self._on_wire

    @moment(Audio)
    def _on_audio(self, record: Audio) -> None:
        """It came beside the events, as it was heard; or went so."""
        milliseconds = len(record.data) // 2 * 1000 // record.rate
        if record.direction is Direction.SENT:
            self._unsent_turn_seconds += milliseconds / 1000
        elif record.item_id:
            part = self._parts.get((record.item_id, 0))
            if part is None:
                part = _Received(self.output_format)
                remember(self._parts, (record.item_id, 0), part, _MAX_PARTS)
            part.length += part.format.byte_length(milliseconds)
            part.loud, part.heard_ms = True, part.format.milliseconds(part.length)

    # -- from us -----------------------------------------------------------------------------------

    @sent("input_audio_buffer.append")
    def _on_input_audio_buffer_append(self, event: Mapping[str, Any], _frame: Frame) -> None:
        self._unsent_turn_seconds += base64_length(event.get("audio")) / self.input_format.bytes_per_second

    @sent("input_audio_buffer.commit", "input_audio_buffer.clear")
    def _on_input_audio_buffer_emptied(self, _event: Mapping[str, Any], _frame: Frame) -> None:
        self._unsent_turn_seconds = 0.0

    @sent("conversation.item.truncate")
    def _on_conversation_item_truncate(self, event: Mapping[str, Any], _frame: Frame) -> None:
        """What arrives of a part after an interruption is late, and counts for nothing."""
        key = part_of(event)
        if self.cuts_at_heard(*key, event.get("audio_end_ms")):
            self._parts[key].cut = True

    @moment(Heard)
    def _on_heard(self, record: Heard) -> None:
        if part := self._parts.get((record.item_id, record.content_index)):
            part.heard_ms = record.ms

    # -- from the server ---------------------------------------------------------------------------

    @received("response.output_audio.delta")
    def _on_response_output_audio_delta(self, event: Mapping[str, Any], _frame: Frame) -> None:
        key, delta = part_of(event), event.get("delta")
        part = self._parts.get(key)
        if part is None:
            response_id = str(event.get("response_id"))
            audio_format = self._response_formats.get(response_id, self.output_format)
            part = _Received(audio_format)
            remember(self._parts, key, part, _MAX_PARTS)
        if not part.cut and isinstance(delta, str):
            part.length += base64_length(delta)
            part.loud = part.loud or _is_loud(delta, part.format)  # decoded only until something loud has come

    @received("response.output_audio.done")
    def _on_response_output_audio_done(self, event: Mapping[str, Any], _frame: Frame) -> Iterable[Notice]:
        key = part_of(event)
        part = self._parts.get(key)
        if part is None or part.loud or part.cut or self.received_ms(*key) < _MIN_SILENCE_MS:
            return ()
        what = f"the audio of {short_id(key[0])} is silence"
        hint = "look at the voice and the output format: /session get audio.output"
        return (Notice(what, "nothing in it is louder than -60 dBFS", hint, Level.WARNING),)

    @received("response.done")
    def _on_response_done(self, event: Mapping[str, Any], _frame: Frame) -> list[Notice]:
        response = event.get("response")
        if not self._on_wire or not isinstance(response, Mapping) or response.get("status") != "completed":
            return []
        heard = {item_id for item_id, _ in self._parts}
        return [
            Notice(
                f"no audio came for {short_id(item_id)}, although it is announced as spoken",
                hint="/modalities text asks for text instead",
                level=Level.WARNING,
            )
            for item_id in _spoken_items(response)
            if item_id not in heard
        ]


def _is_loud(delta: str, audio_format: AudioFormat) -> bool:
    try:
        data = decode_base64(delta)
    except ValueError:
        return False  # the transport reports it
    pcm = to_pcm16(data, audio_format)
    samples = memoryview(pcm[: len(pcm) // 2 * 2]).cast("h")
    return bool(samples) and (max(samples) > _QUIET_PEAK or min(samples) < -_QUIET_PEAK)


def _spoken_items(response: Mapping[str, Any]) -> list[str]:
    output = response.get("output")
    items = [item for item in (output if isinstance(output, list) else ()) if isinstance(item, Mapping)]
    return [str(item.get("id")) for item in items if _is_spoken(item.get("content"))]


def _is_spoken(content: object) -> bool:
    parts = content if isinstance(content, list) else ()
    return any(isinstance(part, Mapping) and part.get("type") in ("output_audio", "audio") for part in parts)
