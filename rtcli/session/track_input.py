"""The microphone of a call: its audio goes over the track, and into the records in lines of 100 ms."""

from __future__ import annotations

from rtcli.protocol.record import Audio, Direction
from rtcli.session.link import Link
from rtcli.session.track_output import LINE_BYTES, RATE
from rtcli.transports import OpenAIRealtimeWebRTC


class TrackInput:
    """Takes 24 kHz PCM16."""

    def __init__(self, link: Link, transport: OpenAIRealtimeWebRTC) -> None:
        self._link, self._track = link, transport.audio
        self._unwritten = bytearray()
        transport.on("disconnected", lambda *_: self.flush())

    def __repr__(self) -> str:
        return f"<TrackInput, {self._track.dropped_bytes} bytes dropped>"

    def send(self, pcm: bytes) -> None:
        """Over the track, now. A file is played while the microphone is muted, too, which sends nothing then."""
        if not self._link.connected:
            return
        self._track.write(pcm, live=False)
        self._unwritten += pcm
        if len(self._unwritten) >= LINE_BYTES:
            self.flush()

    def flush(self) -> None:
        """What was sent is in the records."""
        if self._unwritten:
            data = bytes(self._unwritten)
            self._unwritten.clear()
            self._link.observe(Audio(self._link.now, Direction.SENT, data, RATE))
