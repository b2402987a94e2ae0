"""The audio of a replay: what the assistant said, played as it came and stopped where it was cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from rtcli.audio.playout import PendingPlayback
from rtcli.dsp.codec import Decoder
from rtcli.errors import AudioUnavailableError
from rtcli.protocol.audio_formats import PCM16, AudioFormat, decode_base64
from rtcli.protocol.dialects import Dialect
from rtcli.protocol.playback import PartKey, part_of
from rtcli.protocol.record import Audio, Direction, Frame, Record
from rtcli.session.audio_output import SpeakerLike
from rtcli.views import Level, Notice

_CALL: PartKey = ("", 0)  # audio that crossed beside the events belongs to no part

_ENDS = frozenset({"conversation.item.truncate", "output_audio_buffer.clear"})
"""Events of ours that cut an answer where it was heard."""


class ReplayAudio:
    """Fed with the records that a replay shows, in their time. `open` comes first, lest the first audio be late.

    Without a device the replay goes on in silence, and `show` is told with the first audio.
    """

    def __init__(self, speaker: SpeakerLike, show: Callable[[Notice], None]) -> None:
        self._speaker: SpeakerLike | None = speaker
        self._show = show
        self._opened = False
        self._missing: AudioUnavailableError | None = None  # why there is no device; None once it was told
        self._dialect = Dialect()
        self._decoder: tuple[PartKey, Decoder] | None = None  # of the part that is arriving
        self._held: PendingPlayback | None = None  # what is left to be played after a pause

    def __repr__(self) -> str:
        return f"<ReplayAudio on {self._speaker.name if self._speaker else 'no device'}>"

    def open(self) -> None:
        """Start the device, if it can be had."""
        if self._opened or self._speaker is None:
            return
        try:
            self._speaker.open()
        except AudioUnavailableError as error:
            self._speaker, self._missing = None, error
        else:
            self._opened = True
            self._speaker.on_lost = self._tell

    def observe(self, record: Record, output_format: AudioFormat) -> None:
        """Play what a record brings; `output_format` is that of the session at this point."""
        if isinstance(record, Audio) and record.direction is Direction.RECEIVED:
            self._play((record.item_id or _CALL[0], 0), record.data, AudioFormat(PCM16.type, record.rate, 2))
        elif isinstance(record, Frame) and record.event is not None:
            if record.direction is Direction.SENT:
                if record.event.get("type") in _ENDS:
                    self.stop()
                return
            event = dict(record.event)
            for read in self._dialect.read(event) or (event,):
                self._hear(read, output_format)

    def _hear(self, event: Mapping[str, Any], output_format: AudioFormat) -> None:
        kind = event.get("type")
        if kind == "response.output_audio.delta" and isinstance(event.get("delta"), str):
            with suppress(ValueError):  # not base64: the live session could not play it either
                self._play(part_of(event), decode_base64(event["delta"]), output_format)
        elif kind == "response.output_audio.done" and self._speaker is not None and self._opened:
            if self._decoder is not None and self._decoder[0] == part_of(event):
                self._speaker.play(*self._decoder[0], self._decoder[1].flush())
                self._decoder = None
            self._speaker.finish(*part_of(event))

    def _play(self, part: PartKey, data: bytes, format_: AudioFormat) -> None:
        self.open()
        if self._missing is not None:
            missing, self._missing = self._missing, None
            self._tell(missing)
        if self._speaker is None:
            return
        if self._decoder is None or self._decoder[0] != part:
            self._decoder = (part, Decoder(format_))
        self._speaker.play(*part, self._decoder[1].decode(data))

    def _tell(self, error: AudioUnavailableError) -> None:
        self._speaker = None
        self._show(Notice(f"{error.what}: the replay is silent", error.why, error.hint, Level.WARNING))

    def hold(self, held: bool) -> None:
        """Fall silent while the replay is paused, and go on where it stopped."""
        if self._speaker is None or not self._opened:
            return
        if held and self._held is None:
            self._held = self._speaker.export()
        elif not held and self._held is not None:
            rest, self._held = self._held, None
            self._speaker.resume(rest)

    def stop(self) -> None:
        """Drop what is left: an answer was cut, or the replay goes elsewhere."""
        self._decoder = self._held = None
        if self._speaker is not None and self._opened:
            self._speaker.stop()

    def close(self) -> None:
        """Give the device back."""
        if self._speaker is not None:
            self._speaker.close()
