"""Measuring again where a busy machine spoilt the sound."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from tests.kit.sound_card import SoundCard
from tests.kit.waveforms import SpoiltError

F = TypeVar("F", bound=Callable[..., Any])
_TRIES = 3


class LostError(SpoiltError):
    """Something did not come over the card as it should: a busy machine may have lost it once, and only once."""


@contextlib.contextmanager
def over_the_card() -> Iterator[None]:
    """What is judged inside has come over the card. Raises LostError where it is not as it should be, or not there."""
    try:
        yield
    except (AssertionError, TimeoutError, ValueError) as error:
        raise LostError(str(error)) from error


def retry_on_glitch(test: F) -> F:
    """A test that may be run again from its beginning, twice at most; it is skipped if no recording was whole.

    A recording with gaps is a reason, and what a gap may have caused (`over_the_card`), which fails at the third time.
    What was measured and is wrong fails at once.
    """

    def spoilt(number: int, reason: SpoiltError, card: SoundCard) -> None:
        card.hush()
        if number == _TRIES:
            if isinstance(reason, LostError):
                raise reason
            pytest.skip(f"this machine is too busy for sound: {reason}")

    async def run_async(**fixtures: Any) -> None:
        for number in range(1, _TRIES + 1):
            try:
                await test(**fixtures)
            except SpoiltError as reason:
                spoilt(number, reason, fixtures["card"])
            else:
                return

    def run(**fixtures: Any) -> None:
        for number in range(1, _TRIES + 1):
            try:
                test(**fixtures)
            except SpoiltError as reason:
                spoilt(number, reason, fixtures["card"])
            else:
                return

    return functools.wraps(test)(run_async if inspect.iscoroutinefunction(test) else run)  # type: ignore[return-value]
