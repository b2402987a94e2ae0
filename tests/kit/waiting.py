"""Waiting for a condition, with the one deadline that all tests share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 60.0
"""Seconds. Only a test that fails ever waits so long: a loaded machine may be twenty times as slow as a quiet one."""


async def until(condition: Callable[[], T], what: str = "the condition", *, seconds: float = DEADLINE) -> T:
    """Wait until `condition()` is true and return it. Raises TimeoutError, with what was waited for."""
    try:
        async with asyncio.timeout(seconds):
            while not (value := condition()):  # noqa: ASYNC110  any condition, also of objects that know no events
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise TimeoutError(f"{what} did not come true within {seconds:g} s") from None
    return value


def until_holds(condition: Callable[[], T], what: str = "the condition", *, seconds: float = DEADLINE) -> T:
    """The same without a loop."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {seconds:g} s")
        time.sleep(0.02)
    return value
