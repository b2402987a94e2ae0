"""CallAudio: what a call sends over its track, and who gets what it brings."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

from rtcli.rtc.pace import SendQueue
from rtcli.rtc.peer import AudioSource

AudioSink: TypeAlias = Callable[[bytes, int], object]
"""Takes PCM16 at 24 kHz, mono, and the number of its first sample in the stream."""

logger = logging.getLogger("rtcli.transports")


class CallAudio:
    """`source` is asked for what is sent; without one `write` says it. `on_error` hears of a sink that fails."""

    def __init__(
        self, source: AudioSource | None, sink: AudioSink | None, on_error: Callable[[Exception], object]
    ) -> None:
        self.sink = sink
        self.muted = False
        self._source = source
        self._on_error = on_error
        self._queue = SendQueue()

    @property
    def dropped_bytes(self) -> int:
        """What was too old to be sent."""
        return self._queue.dropped_bytes

    def write(self, pcm: bytes, *, live: bool = True) -> None:
        """PCM16 at 24 kHz, mono, in the time that it takes; `live` audio, a microphone's, only while it is not muted.

        What waits for longer than 200 ms is dropped.
        """
        if not (live and self.muted):
            self._queue.write(pcm)

    def mute(self, muted: bool) -> None:
        """Send silence from now on, or not; what waits is not sent."""
        self.muted = muted
        self._queue.clear()

    def frame(self) -> bytes | None:
        """The next 20 ms for the track; None: silence."""
        if self._source is None:
            return self._queue.frame()
        frame = self._source()  # also while it is muted: what it holds is not to be sent later
        return None if self.muted else frame

    def heard(self, pcm: bytes, start: int) -> None:
        """Audio came over the track."""
        if self.sink is None:
            return
        try:
            self.sink(pcm, start)
        except Exception as error:
            logger.warning("the audio output failed", exc_info=error)
            self.sink = None  # it would fail fifty times a second
            self._on_error(error)
