"""Engines that load when they are first needed, and the threads in which they work: what is due first comes first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

from rtcli.server.engines import Engines, SpeaksAtOnce, SpokenChunk
from rtcli.server.voice.choice import load_engines

T = TypeVar("T")
SpokenPieces: TypeAlias = tuple[Iterator[SpokenChunk], SpokenChunk | None]
# onnxruntime and ctranslate2 release the GIL while they work; more of them than cores make all of them late
_THREADS = max(2, min(4, os.cpu_count() or 2))


class EnginePool:
    """An async context manager; engines are loaded in a thread, at the first audio or because a server asks."""

    def __init__(self, choice: str, engines: Engines | None = None) -> None:
        """`engines` are taken as they are; without them `choice` is loaded."""
        self._choice = choice
        self._engines = engines
        self._threads = ThreadPoolExecutor(_THREADS, "engine")
        self._loading: asyncio.Future[Engines] | None = None  # once they are needed
        self._working = 0  # jobs in the threads
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []  # a heap: those that are due first
        self._numbers = itertools.count()

    async def __aenter__(self) -> EnginePool:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loading is not None:
            await asyncio.wait([self._loading])
            if not self._loading.cancelled():
                self._loading.exception()  # retrieved, or asyncio would log it; who awaited the engines has got it
        self._threads.shutdown(wait=False, cancel_futures=True)  # a sentence that is being spoken ends by itself

    async def engines(self) -> Engines:
        """The engines, once they are loaded. Raises what loading raised."""
        if self._engines is None:
            if self._loading is None:
                self._loading = asyncio.get_running_loop().run_in_executor(self._threads, load_engines, self._choice)
            # a session that is cancelled must not cancel it for the others
            self._engines = await asyncio.shield(self._loading)
        return self._engines

    @property
    def loaded(self) -> Engines:
        """The engines, after `engines` has been awaited."""
        assert self._engines is not None, "nobody has awaited the engines"
        return self._engines

    async def work(self, function: Callable[..., T], *arguments: Any, due: float | None = None) -> T:
        """Run a blocking function of an engine in a thread.

        Of the jobs that wait for a thread the one that is due first is next (by the loop's clock; None: now): who has
        spoken first is answered first, and a sentence that nobody can hear yet waits.
        """
        loop = asyncio.get_running_loop()
        if self._working >= _THREADS:
            turn = loop.create_future()
            heapq.heappush(self._waiting, (loop.time() if due is None else due, next(self._numbers), turn))
            try:
                await turn  # a job that is done gives its place away
            except asyncio.CancelledError:
                if not turn.cancelled():  # it has the place already
                    self._next()
                raise
        else:
            self._working += 1
        try:
            return await loop.run_in_executor(self._threads, function, *arguments)
        finally:
            self._next()

    async def speak(self, text: str, voice: str, speed: float, due: float | None = None) -> SpokenPieces:
        """What a voice makes of a text, and the first chunk of it: one job, that waits once."""

        def begin() -> SpokenPieces:
            chunks = self.loaded.voice.speak(text, voice, speed)
            return chunks, next(chunks, None)

        await self.engines()
        return begin() if self._at_once else await self.work(begin, due=due)

    async def next_chunk(self, chunks: Iterator[SpokenChunk], due: float | None = None) -> SpokenChunk | None:
        """The next one that `speak` promised; None at the end."""
        return next(chunks, None) if self._at_once else await self.work(next, chunks, None, due=due)

    @property
    def _at_once(self) -> bool:
        return isinstance(self.loaded.voice, SpeaksAtOnce) and self.loaded.voice.instant

    def _next(self) -> None:
        """A place is free."""
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._working -= 1
