"""Engines that load when they are first needed, and the threads in which they work."""

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
    """An async context manager; engines are loaded in a thread, at the first audio or because a server asks."""

    def __init__(self, choice: str, engines: Engines | None = None) -> None:
        """`engines` are taken as they are; without them `choice` is loaded."""
        self._choice = choice
        self._engines = engines
        self._threads = ThreadPoolExecutor(_THREADS, "engine")
        self._loading: asyncio.Future[Engines] | None = None  # once they are needed

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

    async def work(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a blocking function of an engine in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
