"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

DEADLINE = 10.0


async def until(condition: Callable[[], object], seconds: float = DEADLINE) -> None:
    """Look at a condition that nothing announces, until it holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - devices and processes set no event
            await asyncio.sleep(0.005)


def until_holds(condition: Callable[[], object], seconds: float = DEADLINE) -> None:
    """The same without a loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not true after {seconds:g} s")
        time.sleep(0.02)
