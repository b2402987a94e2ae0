"""One stream of an audio device, from its start to its end, which the device may bring about itself."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from rtcli.audio.devices import AudioDevice, Kind, device_errors, portaudio
from rtcli.errors import AudioUnavailableError

BLOCK_MS = 20  # short enough to stop at once, long enough for a callback in Python
_CALLBACKS = 50  # 1 s
_MAX_LATENCY = 2.0  # seconds; what is more is none

Lost: TypeAlias = Callable[[AudioUnavailableError], None]
"""Called on the loop, once, with what happened."""

_VERBS = {"input": "record from", "output": "play on"}
_NAMES = {"input": "microphone", "output": "speaker"}


class StreamClock:
    """Times of one stream's own clock as times of `time.monotonic`, which all streams share."""

    def __init__(self) -> None:
        self._apart: deque[float] = deque(maxlen=_CALLBACKS)

    def moment(self, device_time: float, current: float) -> float:
        """To be called in the callback; `current` is the stream's own now.

        A callback may be called late, and never early: so the least of what was seen lately is how far they are apart.
        """
        now = time.monotonic()
        if not abs(device_time - current) < _MAX_LATENCY:  # the device does not tell
            return now
        self._apart.append(now - current)
        return device_time + min(self._apart)


class DeviceStream:
    """Mono PCM16 where the device can do that, in blocks of 20 ms at the device's own rate.

    `callback` is PortAudio's and runs in its thread. `on_lost` is called if the device ends the stream.
    """

    _running = 0  # streams open in this process: PortAudio may be restarted only when there are none

    def __init__(self, kind: Kind, device: AudioDevice, callback: Callable[..., None], on_lost: Lost) -> None:
        """Starts it. Raises AudioUnavailableError."""
        sounddevice = portaudio()
        make = sounddevice.RawInputStream if kind == "input" else sounddevice.RawOutputStream
        self._name = f"the {_NAMES[kind]} {device.name!r}"
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()  # where `on_lost` is called
        # None until it runs and after `close`, which is how an end by the device is told from ours
        self._stream: Any = None
        self.channels = 1 if kind == "input" else _mono_if_possible(sounddevice, device)
        with device_errors(f"cannot {_VERBS[kind]} {device.name!r}"):
            stream = make(
                samplerate=device.rate,
                blocksize=device.rate * BLOCK_MS // 1000,
                device=device.index,
                channels=self.channels,
                dtype="int16",
                latency="low",
                callback=callback,
                finished_callback=self._finished,
            )
            try:
                stream.start()
            except BaseException:
                stream.close()  # a stream that did not start still holds the device
                raise
        self._stream = stream
        DeviceStream._running += 1

    @property
    def latency(self) -> float:
        """What the device says of itself, in seconds."""
        return float(self._stream.latency) if self._stream is not None else 0.0

    def _finished(self) -> None:
        """Runs in PortAudio's thread, at every end of a stream."""
        with contextlib.suppress(RuntimeError):  # the loop has closed before the device: nobody listens any more
            self._loop.call_soon_threadsafe(self._ended)

    def _ended(self) -> None:
        if self._stream is not None:  # nobody closed it
            self.close()
            self._on_lost(AudioUnavailableError(f"{self._name} was disconnected", why="the device ended its stream"))

    def close(self) -> None:
        """Give the device back; what it still holds is not played."""
        stream, self._stream = self._stream, None
        if stream is not None:
            DeviceStream._running -= 1
            stream.abort(ignore_errors=True)  # not stop(), which would wait until the buffers have been played
            stream.close(ignore_errors=True)

    @classmethod
    def any_running(cls) -> bool:
        """Whether a device is in use by this process."""
        return cls._running > 0


def rescan_devices() -> None:
    """Have PortAudio, which looks for devices once, see what was plugged in since. Not while a stream of ours runs."""
    sounddevice = sys.modules.get("sounddevice")
    if sounddevice is not None and not DeviceStream.any_running():
        with device_errors("cannot list audio devices"):
            sounddevice._terminate()  # private, but PortAudio has no other way to look again
            sounddevice._initialize()


def _mono_if_possible(sounddevice: Any, device: AudioDevice) -> int:
    try:
        sounddevice.check_output_settings(device.index, channels=1, dtype="int16", samplerate=device.rate)
    except sounddevice.PortAudioError:
        return min(2, device.outputs)
    return 1
