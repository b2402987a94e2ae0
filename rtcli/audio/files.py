"""WAV files in the place of devices: a microphone that plays one, a speaker that writes one, both in real time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from rtcli.audio.microphone import CHUNK_BYTES, CHUNK_MS, Capture
from rtcli.audio.speaker import SOURCE_RATE, QueuedPlayer
from rtcli.audio.stream import BLOCK_MS
from rtcli.dsp.wav import read_speech, wav_header
from rtcli.errors import AudioFileError
from rtcli.files import open_stream, unwritable, write_all

_SECONDS = BLOCK_MS / 1000  # of one block
_UNKNOWN = 2**32
"""The length in the header while the file grows: readers then go on to its end, also after a kill."""


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
            due += self._seconds  # from the time it was due, not from now: lateness must not add up
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._tick()

    def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()


class WavSpeaker(QueuedPlayer):
    """Writes what a speaker would play, silence included, as 24 kHz PCM16 mono.

    A file that can take no more is given up like a device that was unplugged: what fits stays, and can be played.
    """

    def __init__(self, path: Path | str, *, replace: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._path = Path(path)
        self._replace = replace
        self._descriptor: int | None = None  # while the file is open
        self._written = 0  # bytes of audio
        self._pacer = _Pacer(self._write, _SECONDS)

    @property
    def name(self) -> str:
        """The file's."""
        return self._path.name

    def open(self) -> None:
        """Make the file. Raises InputError where that cannot be done."""
        if self._descriptor is not None:
            return
        descriptor = open_stream(self._path, replace=self._replace)
        try:
            write_all(descriptor, wav_header(_UNKNOWN))
        except OSError as error:
            os.close(descriptor)
            raise unwritable(self._path, error) from error
        self._descriptor = descriptor
        self._pacer.start("wav-speaker")

    def _write(self) -> None:
        if self._descriptor is None:
            return
        block = self._next_block(SOURCE_RATE * BLOCK_MS // 1000, 0.0)
        try:
            write_all(self._descriptor, block)
        except OSError as error:
            self.close()
            self._queue.export()  # nobody will play it
            if self.on_lost:
                self.on_lost(AudioFileError(f"{self._path} ends here", why=unwritable(self._path, error).why))
            return
        self._written += len(block)

    def close(self) -> None:
        """Finish the file: its header says how much there is."""
        self._pacer.stop()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with contextlib.suppress(OSError):  # a pipe, which keeps the header that it got
            # The header was written with an unknown length; now it is known.
            os.lseek(descriptor, 0, os.SEEK_SET)
            write_all(descriptor, wav_header(self._written))
            os.ftruncate(descriptor, len(wav_header(0)) + self._written)  # half a block of a full disk
        os.close(descriptor)


class WavMicrophone(Capture):
    """Plays a WAV file into the session at the pace of speech, then silence, as a quiet room would."""

    def __init__(self, path: Path | str, on_chunk: Callable[[bytes], None] | None = None) -> None:
        super().__init__(on_chunk)
        self._path = Path(path)
        self._pcm = b""  # what has not been played yet, 24 kHz PCM16 mono
        self._pacer = _Pacer(self._next, CHUNK_MS / 1000)
        self.ended = False  # the file is over and silence goes out

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
        self._captured(chunk.ljust(CHUNK_BYTES, b"\0"), time.monotonic() - CHUNK_MS / 1000)

    def close(self) -> None:
        """Stop."""
        self._pacer.stop()
