"""BackgroundLoop: an event loop in a thread of its own, so that tests without one can use what needs one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_STOP_SECONDS = 30.0


class BackgroundLoop:
    """Runs from the first `run` to `stop`. The thread is a daemon: it holds up nobody's end."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)

    def __repr__(self) -> str:
        return f"<BackgroundLoop {self._thread.name}: {'running' if self.running else 'stopped'}>"

    @property
    def running(self) -> bool:
        """It has been started and not stopped."""
        return self._thread.is_alive()

    def run(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """What the coroutine returns or raises. It is cancelled when `seconds` have passed, and on Ctrl+C."""
        if not self.running:
            self._thread.start()
        ended = threading.Event()

        async def whole() -> T:
            try:
                return await work
            finally:
                ended.set()

        future = asyncio.run_coroutine_threadsafe(whole(), self._loop)
        try:
            return future.result(seconds)
        # A test that times out or is interrupted must not leave its coroutine running beside the next test, so its
        # `finally` blocks are waited for here. future.cancel() alone only asks the other thread.
        except BaseException:
            future.cancel()
            ended.wait(_STOP_SECONDS)
            raise

    def stop(self) -> None:
        """End the loop, once what still runs in it has been cancelled."""
        if self.running:
            # While the loop still runs: a task can only be cancelled by the loop that drives it.
            self.run(_cancel_others(), _STOP_SECONDS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_STOP_SECONDS)
        self._loop.close()


async def _cancel_others() -> None:
    """As asyncio.run ends."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    loop = asyncio.get_running_loop()
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()
    await asyncio.sleep(0)  # transports that were aborted close their sockets at the loop's next turn
