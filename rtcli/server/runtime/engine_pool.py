"""Engines that load while the first client connects, and the threads in which they work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

from rtcli.server.engines import Engines
from rtcli.server.voice.choice import load_engines

T = TypeVar("T")
_THREADS = 4  # onnxruntime and ctranslate2 release the GIL while they work


class EnginePool:
    """An async context manager; engines are loaded in a thread while it is entered already."""

    def __init__(self, choice: str, engines: Engines | None = None) -> None:
        """`engines` are taken as they are; without them `choice` is loaded."""
        self._choice = choice
        self._given = engines
        self._threads = ThreadPoolExecutor(_THREADS, "engine")
        self._loading: asyncio.Future[Engines] | None = None  # set once the pool is entered

    async def __aenter__(self) -> EnginePool:
        loop = asyncio.get_running_loop()
        if self._given is not None:
            self._loading = loop.create_future()
            self._loading.set_result(self._given)
        else:
            self._loading = loop.run_in_executor(self._threads, load_engines, self._choice)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loading is not None
        await asyncio.wait([self._loading])
        if not self._loading.cancelled():
            self._loading.exception()  # retrieved, or asyncio would log it; who awaited the engines has got it
        self._threads.shutdown(wait=False, cancel_futures=True)  # a sentence that is being spoken ends by itself

    async def engines(self) -> Engines:
        """The engines, once they are loaded. Raises what loading raised."""
        assert self._loading is not None, "the engine pool is not entered"
        return await asyncio.shield(self._loading)  # a session that is cancelled must not cancel it for the others

    @property
    def loaded(self) -> Engines:
        """The engines, after `engines` has been awaited."""
        assert self._loading is not None, "the engine pool is not entered"
        return self._loading.result()

    async def work(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a blocking function of an engine in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
