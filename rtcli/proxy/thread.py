"""The relay in a thread with a loop of its own, so that nothing that is shown, typed or written can delay a frame."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from rtcli.proxy.proxy import RealtimeProxy

T = TypeVar("T")

_SWITCH_SECONDS = 0.0005
"""How long another thread may compute before the relay has its turn; the interpreter's own 5 ms would be a delay."""


class RelayThread:
    """Runs a proxy from `start` to `stop`; both are awaited on the caller's loop."""

    def __init__(self, proxy: RealtimeProxy) -> None:
        self.proxy = proxy
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._listening: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, name="rtcli-relay", daemon=True)

    async def start(self) -> None:
        """Listen. Raises UsageError."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        # A full collection would hold every thread for tens of milliseconds: what is loaded by now stays out of it.
        gc.collect()
        gc.freeze()
        self._thread.start()
        await asyncio.wrap_future(self._listening)

    async def stop(self) -> None:
        """Close every connection, and end the thread."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        await asyncio.to_thread(self._thread.join)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Call something on the relay's loop; what it returns or raises."""

        async def calling() -> T:
            return function(*args)

        assert self._loop is not None, "the relay has not been started"
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(calling(), self._loop))

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  the caller of start() is told, whatever it is
            if not self._listening.done():
                self._listening.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self.proxy:
            self._listening.set_result(None)
            await self._stop.wait()
