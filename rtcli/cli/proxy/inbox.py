"""Hands things from another thread to the loop, and leaves out what the loop does not take in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_WAITING = 16 * 2**20  # bytes: some seconds of all that a busy app sends, and no more memory than that


class Inbox(Generic[T]):
    """`take` gets each thing on the loop on which this was made. `left_out` counts those that it never got."""

    def __init__(self, take: Callable[[T], object]) -> None:
        self._take = take
        self._loop = asyncio.get_running_loop()
        # each counter has one thread that changes it
        self._put = self._taken = 0  # bytes
        self.left_out = 0

    def put(self, thing: T, size: int) -> None:
        """For another thread: never waits. `size` is in bytes."""
        if self._put - self._taken > MAX_WAITING:
            self.left_out += 1
            return
        self._put += size
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._arrived, thing, size)

    def _arrived(self, thing: T, size: int) -> None:
        try:
            self._take(thing)
        # Also of one that could not be taken: its bytes would otherwise count as waiting for ever.
        finally:
            self._taken += size
