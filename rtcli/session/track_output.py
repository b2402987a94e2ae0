"""Audio of a call: what its track brings goes to the speaker and into the records, under the part that is playing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.protocol.events import Event
from rtcli.protocol.playback import PartKey, part_of
from rtcli.protocol.record import Audio, Direction, Heard
from rtcli.protocol.remember import remember
from rtcli.rtc.live_stream import LiveStream
from rtcli.session.audio_output import AudioOutput
from rtcli.session.link import Link
from rtcli.transports import OpenAIRealtimeWebRTC

RATE = 24_000
LINE_BYTES = RATE // 10 * 2  # 100 ms: a line of a recording
_NOBODYS: PartKey = ("", 0)  # the server has not said what it is
_MAX_RESPONSES = 64


class TrackOutput:
    """The server itself plays and cuts the answers; its events say which one is heard, and where one was cut."""

    def __init__(self, link: Link, output: AudioOutput, transport: OpenAIRealtimeWebRTC) -> None:
        self._link, self._output = link, output
        self.stream = LiveStream()
        self._parts: dict[str, PartKey] = {}  # the spoken part of each response
        self._expected: set[str] = set()  # responses that have audio, and have not been played to their end
        self._key = _NOBODYS  # what is playing
        self._unwritten = bytearray()  # for the records
        transport.audio.sink = self._on_audio
        transport.on("response.content_part.added", self._on_content_part_added)
        transport.on("response.done", self._on_response_done)
        transport.on("output_audio_buffer.started", self._on_output_audio_buffer_started)
        transport.on("output_audio_buffer.stopped", self._on_output_audio_buffer_ended)
        transport.on("output_audio_buffer.cleared", self._on_output_audio_buffer_cleared)
        transport.on("conversation.item.truncated", self._on_conversation_item_truncated)
        transport.on("disconnected", self._on_disconnected)

    def __repr__(self) -> str:
        return f"<TrackOutput {'speaking' if self.stream.is_open else 'silent'}, {len(self._expected)} expected>"

    @property
    def audible(self) -> bool:
        """An answer is being heard, or will be."""
        return bool(self._expected) or self.stream.is_open

    def stop(self) -> None:
        """Play nothing more of what is being spoken."""
        self.stream.cut()
        self._write()

    # -- what the server says --------------------------------------------------------------------

    def _on_content_part_added(self, event: Event) -> None:
        part, response_id = event.get("part"), event.get("response_id")
        spoken = isinstance(part, Mapping) and part.get("type") in ("audio", "output_audio")
        if spoken and isinstance(response_id, str) and response_id not in self._parts:
            remember(self._parts, response_id, part_of(event), _MAX_RESPONSES)
            self._expected.add(response_id)

    def _on_response_done(self, event: Event) -> None:
        """What was cancelled before it was heard will not be."""
        response = event.get("response")
        if isinstance(response, Mapping) and response.get("status") != "completed":
            self._expected.discard(str(response.get("id")))

    def _on_output_audio_buffer_started(self, event: Event) -> None:
        self._write()
        self._key = self._parts.get(str(event.get("response_id")), _NOBODYS)

    def _on_output_audio_buffer_ended(self, event: Event) -> None:
        self._expected.discard(str(event.get("response_id")))
        self._link.changed.set()

    def _on_output_audio_buffer_cleared(self, event: Event) -> None:
        """What is on its way is not to be heard either."""
        self._on_output_audio_buffer_ended(event)
        self.stop()
        self._output.stop()

    def _on_conversation_item_truncated(self, event: Event) -> None:
        end_ms = event.get("audio_end_ms")
        if isinstance(end_ms, int):
            self._link.observe(Heard(self._link.now, *part_of(event), end_ms))

    def _on_disconnected(self, *_: Any) -> None:
        self._write()
        self.stream = LiveStream()  # another call counts from its own beginning
        self._expected.clear()
        self._key = _NOBODYS

    # -- what the track brings -------------------------------------------------------------------

    def _on_audio(self, pcm: bytes, start: int) -> None:
        spoke = self.stream.is_open
        played = self.stream.push(pcm, start, self._link.now)
        if played:
            if self._output.speaker is not None:
                self._output.speaker.play(*self._key, played)
            self._unwritten += played
            if len(self._unwritten) >= LINE_BYTES:
                self._write()
        elif spoke and not self.stream.is_open:
            if self._output.speaker is not None:
                self._output.speaker.finish(*self._key)
            self._write()

    def _write(self) -> None:
        if self._unwritten:
            data, item_id = bytes(self._unwritten), self._key[0] or None
            self._unwritten.clear()
            self._link.observe(Audio(self._link.now, Direction.RECEIVED, data, RATE, item_id))
