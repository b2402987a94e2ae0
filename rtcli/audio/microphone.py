"""The microphone: the device's own rate in, 20 ms pieces of 24 kHz PCM16 out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import cache
from typing import Any

from rtcli.audio.device_clock import BlockTime, DeviceClock
from rtcli.audio.devices import AudioDevice, choose, list_devices
from rtcli.audio.stream import BLOCK_MS, DeviceStream, Lost, StreamClock, rescan_devices
from rtcli.dsp.levels import rms_db
from rtcli.dsp.resample import Resampler
from rtcli.errors import AudioUnavailableError

TARGET_RATE = 24_000  # samples per second of `audio/pcm`, the only rate the API takes for PCM16
CHUNK_MS = BLOCK_MS
CHUNK_BYTES = TARGET_RATE * CHUNK_MS // 1000 * 2  # two bytes a sample: 960

_PROBE_BLOCKS = 12


@cache
def _held_ms(rate: int) -> int:
    """How late the most punctual piece comes of a device that gives blocks of its rate: tried with silence."""
    resampler, block_ms = _converter(rate), delivery_ms(rate)
    made, late = 0, float("inf")
    for number in range(1, _PROBE_BLOCKS + 1):
        made += len(resampler.process(bytes(rate * block_ms // 1000 * 2)))
        if whole := made // CHUNK_BYTES:
            late = min(late, number * block_ms - whole * CHUNK_MS)
    return round(late) if late < float("inf") else 0


def delivery_ms(rate: int) -> int:
    """How much of a device the loop gets at once: waking it costs more than what is then done.

    A converter holds back so much that waiting for a second block makes no piece late.
    """
    return BLOCK_MS if rate == TARGET_RATE else 2 * BLOCK_MS


def _converter(rate: int) -> Resampler:
    """Of a device's rate. Where there is more than a voice needs, what is spoken comes sooner instead."""
    return Resampler(rate, TARGET_RATE, quick=rate > TARGET_RATE)


class Capture:
    """What every microphone shares: resampling, pieces of one length, the level, the mute."""

    def __init__(self, on_chunk: Callable[[bytes], None] | None = None) -> None:
        self.on_chunk = on_chunk  # takes each whole piece, on the loop
        self.on_lost: Lost | None = None  # told once if the device ends by itself
        self.level_db: float | None = None  # dBFS of the last piece; None before it, and once a device is closed
        self.captured = BlockTime(0.0, False)  # the last piece
        self.more = False  # of what came at once there is another piece
        self._rate = TARGET_RATE  # of the device
        self._clock = DeviceClock(TARGET_RATE, CHUNK_MS)  # of the device
        self._resampler = Resampler(TARGET_RATE, TARGET_RATE)
        self._rest = b""  # at TARGET_RATE, less than a piece

    def _run_at(self, rate: int) -> None:
        self._rate = rate
        self._clock = DeviceClock(rate, delivery_ms(rate))
        self._resampler = _converter(rate)
        self._rest = b""

    @property
    def held_ms(self) -> int:
        """For how long audio of the device waits for more, at least, before a piece is whole."""
        return _held_ms(self._rate)

    def discard(self) -> None:
        """Forget what was captured and makes no whole piece yet."""
        self._rest = b""

    def _captured(self, pcm: bytes, at: float, *, broken: bool = False) -> None:
        """Mono PCM16 at the device's rate, which it says to have heard from `at` on; `broken`: it lost some before."""
        frames = len(pcm) // 2
        time = self._clock.place(frames, at, broken=broken)
        self._rest += self._resampler.process(pcm)
        end = time.at + frames / self._rate - self._resampler.held
        while len(self._rest) >= CHUNK_BYTES:
            self.captured = time._replace(at=end - len(self._rest) / (2 * TARGET_RATE))
            chunk, self._rest = self._rest[:CHUNK_BYTES], self._rest[CHUNK_BYTES:]
            self.more = len(self._rest) >= CHUNK_BYTES
            self.level_db = rms_db(chunk)
            if self.on_chunk:
                self.on_chunk(chunk)


class Blocks:
    """Puts so many blocks of a device together, and delivers them.

    `deliver(pcm, at, broken)`: when the first of it was heard, and whether something was lost before it.
    """

    def __init__(self, count: int, deliver: Callable[[bytes, float, bool], None]) -> None:
        self._count, self._deliver = count, deliver
        self._waiting: list[bytes] = []
        self._first = (0.0, False)
        self._discard = False  # what waits when the next block comes; set by another thread

    def add(self, data: Any, at: float, broken: bool) -> None:
        """A block, whose buffer may be used again afterwards."""
        if self._discard:
            self._discard = False
            self._waiting.clear()
        if broken:  # what waits does not join on to it
            self._give()
        if not self._waiting:
            self._first = (at, broken)
        self._waiting.append(bytes(data))
        if len(self._waiting) >= self._count:
            self._give()

    def discard(self) -> None:
        """Forget what waits."""
        self._discard = True

    def _give(self) -> None:
        if self._waiting:
            pcm = b"".join(self._waiting)
            self._waiting.clear()
            self._deliver(pcm, *self._first)


class Microphone(Capture):
    """An audio device that records. `on_chunk` is called on the event loop that `open` was called on."""

    def __init__(self, on_chunk: Callable[[bytes], None] | None = None, device: int | str | None = None) -> None:
        super().__init__(on_chunk)
        self._requested = device  # as the user wrote it: a number or a part of a name; None is the default
        self._stream: DeviceStream | None = None  # while it records
        self._blocks: Blocks | None = None  # of the stream
        # the one that was opened last; kept after close, so that it can be named
        self.device: AudioDevice | None = None

    @property
    def name(self) -> str:
        """The device's name; before it is open, what was asked for."""
        return self.device.name if self.device is not None else str(self._requested or "default")

    def __repr__(self) -> str:
        state = "closed" if self._stream is None else "recording"
        return f"<Microphone {self._requested!r} {state}, {len(self._rest)} bytes held>"

    def open(self) -> None:
        """Start to record; nothing happens if it runs. Raises AudioUnavailableError."""
        if self._stream is not None:
            return
        rescan_devices()  # a headset may have been plugged in since PortAudio looked
        device = choose(list_devices(), "input", self._requested)
        loop, clock = asyncio.get_running_loop(), StreamClock()

        def deliver(pcm: bytes, at: float, broken: bool) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has closed before the device: nobody listens any more
                loop.call_soon_threadsafe(self._arrived, pcm, at, broken)

        self._blocks = blocks = Blocks(delivery_ms(device.rate) // BLOCK_MS, deliver)

        def arrived(data: Any, _frames: int, times: Any, status: Any) -> None:
            """Runs in PortAudio's thread."""
            at = clock.moment(times.inputBufferAdcTime, times.currentTime)
            blocks.add(data, at, bool(status.input_overflow))

        self._run_at(device.rate)
        self._stream, self.device = DeviceStream("input", device, arrived, self._lost), device

    def discard(self) -> None:
        super().discard()
        if self._blocks is not None:
            self._blocks.discard()

    def _arrived(self, pcm: bytes, at: float, broken: bool) -> None:
        if self._stream is not None:  # it was not closed meanwhile
            self._captured(pcm, at, broken=broken)

    def _lost(self, error: AudioUnavailableError) -> None:
        self.close()
        if self.on_lost:
            self.on_lost(error)

    def close(self) -> None:
        """Stop to record."""
        stream, self._stream = self._stream, None
        self.level_db = None
        if stream is not None:
            stream.close()
            self._run_at(self._rate)  # lets go of the converter, which is not Python's to free when the program ends
