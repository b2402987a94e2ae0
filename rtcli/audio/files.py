"""WAV files in the place of devices: a microphone that plays one, a speaker that writes one, both in real time."""

from __future__ import annotations

import asyncio
import time
import wave
from collections.abc import Callable
from pathlib import Path

from rtcli.audio.microphone import CHUNK_BYTES, CHUNK_MS, Capture
from rtcli.audio.speaker import SOURCE_RATE, QueuedPlayer
from rtcli.audio.stream import BLOCK_MS
from rtcli.dsp.wav import read_speech
from rtcli.errors import InputError

_SECONDS = BLOCK_MS / 1000


class _Pacer:
    """Calls `tick` once for each block of time that passes, and catches up where the loop was late."""

    def __init__(self, tick: Callable[[], None], seconds: float) -> None:
        self._tick = tick
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def start(self, name: str) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=name)

    async def _run(self) -> None:
        due = time.monotonic()
        while True:
            due += self._seconds
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._tick()

    def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()


class WavSpeaker(QueuedPlayer):
    """Writes what a speaker would play, silence included, as 24 kHz PCM16 mono."""

    def __init__(self, path: Path | str, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._path = Path(path)
        self._file: wave.Wave_write | None = None
        self._pacer = _Pacer(self._write, _SECONDS)

    @property
    def name(self) -> str:
        """The file's."""
        return self._path.name

    def open(self) -> None:
        """Make the file. Raises InputError where that cannot be done."""
        if self._file is not None:
            return
        try:
            handle = self._path.open("wb")
        except OSError as error:
            raise InputError(str(self._path), error.strerror or str(error)) from error
        self._file = wave.open(handle, "wb")  # noqa: SIM115 - lives as long as the session; close() ends it
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(SOURCE_RATE)
        self._handle = handle
        self._pacer.start("wav-speaker")

    def _write(self) -> None:
        if self._file is not None:
            self._file.writeframes(self._next_block(SOURCE_RATE * BLOCK_MS // 1000, 0.0))

    def close(self) -> None:
        """Finish the file."""
        self._pacer.stop()
        file, self._file = self._file, None
        if file is not None:
            file.close()
            self._handle.close()


class WavMicrophone(Capture):
    """Plays a WAV file into the session at the pace of speech, then silence, as a quiet room would."""

    def __init__(self, path: Path | str, on_chunk: Callable[[bytes], None] | None = None) -> None:
        super().__init__(on_chunk)
        self._path = Path(path)
        self._pcm = b""
        self._pacer = _Pacer(self._next, CHUNK_MS / 1000)
        self.ended = False

    @property
    def name(self) -> str:
        """The file's."""
        return self._path.name

    def open(self) -> None:
        """Read the file and start. Raises InputError."""
        self._pcm = read_speech(self._path)
        self._pacer.start("wav-microphone")

    def _next(self) -> None:
        chunk, self._pcm = self._pcm[:CHUNK_BYTES], self._pcm[CHUNK_BYTES:]
        self.ended = not chunk
        self._captured(chunk.ljust(CHUNK_BYTES, b"\0"))

    def close(self) -> None:
        """Stop."""
        self._pacer.stop()
