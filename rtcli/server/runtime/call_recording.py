"""The audio of a call as lines of a recording: what crosses beside the events, 100 ms at a time."""

from __future__ import annotations

from collections.abc import Callable

from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.record import Audio, Direction

_LINE = PCM16.byte_length(100)


class CallRecording:
    """Both directions of one call, as its caller would record them. Audio is 24 kHz PCM16, mono."""

    def __init__(self, add: Callable[[Audio], None], now: Callable[[], float]) -> None:
        self._add = add
        self._now = now
        self._said, self._heard = bytearray(), bytearray()  # by the caller: less than a line of each
        self._item_id: str | None = None  # of what the caller hears

    def said(self, pcm: bytes) -> None:
        """The caller says this."""
        self._said += pcm
        while len(self._said) >= _LINE:
            self._write(Direction.SENT, self._said)

    def heard(self, pcm: bytes, item_id: str | None) -> None:
        """The caller hears this, of that item; silence between answers (None) is not recorded."""
        if item_id != self._item_id:
            self._write(Direction.RECEIVED, self._heard)
            self._item_id = item_id
        if item_id is not None:
            self._heard += pcm
            while len(self._heard) >= _LINE:
                self._write(Direction.RECEIVED, self._heard)

    def end(self) -> None:
        """What is left."""
        self._write(Direction.RECEIVED, self._heard)
        self._write(Direction.SENT, self._said)

    def _write(self, direction: Direction, waiting: bytearray) -> None:
        if pcm := bytes(waiting[:_LINE]):
            del waiting[:_LINE]
            item_id = self._item_id if direction is Direction.RECEIVED else None
            self._add(Audio(self._now(), direction, pcm, PCM16.rate, item_id))
