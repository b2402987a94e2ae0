"""The speaker: 24 kHz audio in, the device's own rate out, and a count of what was really heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

from rtcli.audio.device_clock import BlockTime, DeviceClock
from rtcli.audio.devices import AudioDevice, choose, list_devices
from rtcli.audio.playout import PendingPlayback, PlayQueue
from rtcli.audio.stream import BLOCK_MS, DeviceStream, Lost, StreamClock, rescan_devices
from rtcli.dsp.levels import SILENCE_DB, rms_db
from rtcli.dsp.resample import Resampler, resample
from rtcli.errors import AudioUnavailableError
from rtcli.protocol.playback import PartKey

SOURCE_RATE = 24_000  # samples per second of what `play` takes, as the API sends PCM16


OnBlock: TypeAlias = Callable[[bytes, int, BlockTime], None]
"""Takes mono PCM16, its rate, and when it is heard."""


class QueuedPlayer:
    """What every speaker shares: a queue at the device's rate, one resampler for each content part, the counts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.on_lost: Lost | None = None  # told once if the device ends by itself
        self.on_block: OnBlock | None = None  # given each block as a device takes it, in the device's thread
        self._clock = clock  # the session's, so that "first heard" and "first sent" can be subtracted
        self._queue = PlayQueue(SOURCE_RATE)
        # of the part that is being queued; state carries over from delta to delta
        self._resampler: tuple[PartKey, Resampler] | None = None
        self._block = b""  # what was given out last, for the level

    def _run_at(self, rate: int) -> None:
        self._queue = PlayQueue(rate)  # at the device's rate: counts of heard frames need no conversion on the way
        self._resampler = None

    def play(self, item_id: str, content_index: int, pcm: bytes) -> None:
        """Queue 24 kHz PCM16 mono that belongs to a content part of an item."""
        key = (item_id, content_index)
        if self._resampler is None or self._resampler[0] != key:
            self._flush()  # the last few milliseconds of the part before are still in its resampler
            self._resampler = (key, Resampler(SOURCE_RATE, self._queue.rate))
        self._queue.put(key, self._resampler[1].process(pcm))

    def finish(self, item_id: str, content_index: int) -> None:
        """All audio of this part was handed over."""
        if self._resampler and self._resampler[0] == (item_id, content_index):
            self._flush()
        self._queue.finish((item_id, content_index))

    def _flush(self) -> None:
        if self._resampler:
            key, resampler = self._resampler
            self._queue.put(key, resampler.flush())
            self._resampler = None  # its tail is dropped with the rest

    def stop(self) -> None:
        """Fade within 12 ms and drop the rest."""
        self._resampler = None
        self._queue.stop()

    def export(self) -> PendingPlayback:
        """Stop at once; what is left is for another speaker to `resume`."""
        self._flush()
        rest, rate = self._queue.export(), self._queue.rate
        return PendingPlayback(
            {key: round(consumed * SOURCE_RATE / rate) for key, consumed in rest.consumed.items()},
            [(key, resample(pcm, rate, SOURCE_RATE)) for key, pcm in rest.waiting],
            rest.open,
        )

    def resume(self, rest: PendingPlayback) -> None:
        """Go on where another speaker stopped. Its counts go on too: what it took counts as heard."""
        self._queue.count_elsewhere(
            {key: round(consumed * self._queue.rate / SOURCE_RATE) for key, consumed in rest.consumed.items()}
        )
        for key, pcm in rest.waiting:
            self.play(*key, pcm)
        if rest.waiting and rest.open != rest.waiting[-1][0]:
            self.finish(*rest.waiting[-1][0])

    def heard_ms(self, item_id: str, content_index: int) -> int | None:
        """Milliseconds of this part that left the device; None: none of it was ever queued.

        To the nearest: another rate has no whole number of frames for what was sent, and a part that was heard to its
        end must not seem to lack a millisecond.
        """
        frames = self._queue.heard((item_id, content_index))
        return None if frames is None else round(frames * 1000 / self._queue.rate)

    def first_heard_at(self, item_id: str, content_index: int) -> float | None:
        """When its first sample left the device, on the session's clock; None: not yet."""
        return self._queue.first_heard_at((item_id, content_index))

    @property
    def audible(self) -> bool:
        """Audio waits to be played or is leaving the device."""
        return self._queue.audible

    @property
    def current(self) -> PartKey | None:
        """(item_id, content_index) of what is heard now."""
        return self._queue.current

    @property
    def level_db(self) -> float:
        """How loud the block is that was given out last, in dBFS."""
        block = self._block  # compared first: silence is what an open speaker gives out nearly always
        return SILENCE_DB if block == bytes(len(block)) else rms_db(block)

    def consumed_ms(self, item_id: str, content_index: int) -> int:
        """Milliseconds of this part that the device took, whether or not they have left it."""
        return self._queue.consumed((item_id, content_index)) * 1000 // self._queue.rate

    @property
    def latency_ms(self) -> int:
        """How long a sample takes through the device."""
        return self._queue.latency * 1000 // self._queue.rate

    @property
    def underruns(self) -> int:
        """How often an answer ran dry while more of it was to come."""
        return self._queue.underruns

    def _next_block(self, frames: int, latency: float) -> bytes:
        """For the device: the next frames, which will be heard after `latency` seconds."""
        self._queue.latency = round(latency * self._queue.rate)
        self._block = self._queue.read(frames, self._clock() + latency)
        return self._block


class Speaker(QueuedPlayer):
    """An audio device that plays. `device` is an index, a part of its name, or None for the default."""

    def __init__(self, device: int | str | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._requested = device  # as the user wrote it
        self._stream: DeviceStream | None = None  # while it plays
        self._device_clock, self._stream_clock = DeviceClock(SOURCE_RATE, BLOCK_MS), StreamClock()  # of the stream
        # the one that was opened last; kept after close, so that it can be named
        self.device: AudioDevice | None = None

    @property
    def name(self) -> str:
        """The device's name; before it is open, what was asked for."""
        return self.device.name if self.device is not None else str(self._requested or "default")

    def __repr__(self) -> str:
        state = "open" if self._stream is not None else "closed"
        return f"<Speaker {self._requested!r} {state}, {self._queue.queued} frames queued>"

    def open(self) -> None:
        """Start the device; nothing happens if it runs. Raises AudioUnavailableError."""
        if self._stream is not None:
            return
        rescan_devices()
        device = choose(list_devices(), "output", self._requested)
        self._run_at(device.rate)
        self._device_clock, self._stream_clock = DeviceClock(device.rate, BLOCK_MS), StreamClock()
        self._stream, self.device = DeviceStream("output", device, self._fill, self._lost), device

    def _lost(self, error: AudioUnavailableError) -> None:
        self.close()
        if self.on_lost:
            self.on_lost(error)

    def close(self) -> None:
        """Stop the device; what was heard stays known."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
            self._queue.export()  # nobody will play it

    def _fill(self, out: Any, frames: int, times: Any, status: Any) -> None:
        """Runs in PortAudio's thread."""
        # seconds until this block is in the air, as the device tells
        latency = times.outputBufferDacTime - times.currentTime
        if not 0 < latency < 2:  # some systems do not tell; the stream's own estimate is the next best
            latency = self._stream.latency if self._stream is not None else 0.0
        block = self._next_block(frames, latency)
        told = self._stream_clock.moment(times.outputBufferDacTime, times.currentTime)
        heard = self._device_clock.place(frames, told, broken=bool(status.output_underflow))
        if self.on_block is not None:
            self.on_block(block, self._queue.rate, heard)
        # a device without mono gets the same sample on every channel
        out[:] = block if len(out) == len(block) else _spread(block, len(out) // len(block))


def _spread(block: bytes, channels: int) -> bytes:
    import numpy as np

    return bytes(np.repeat(np.frombuffer(block, "<i2"), channels).tobytes())
