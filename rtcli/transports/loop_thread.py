"""The thread of a loop: work from it is done at once, work from any other thread is handed over, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import get_ident
from typing import Any


class LoopThread:
    """`on_error` gets, on the loop, the exceptions of work that was handed over: its caller has gone on."""

    def __init__(self, on_error: Callable[[Exception], object]) -> None:
        self._on_error = on_error
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    def bind(self) -> None:
        """The loop that is running here is the one."""
        self._loop, self._thread = asyncio.get_running_loop(), get_ident()

    @property
    def is_here(self) -> bool:
        """Whether this is the loop's thread, or there is none yet."""
        return get_ident() == self._thread or self._loop is None

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        """Call `function` on the loop, soon: for a thread that is another one."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._handed_over, function, args)

    def _handed_over(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            function(*args)
        except Exception as error:  # noqa: BLE001  whatever the caller did wrong
            self._on_error(error)
