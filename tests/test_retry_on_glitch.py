"""What a busy machine may spoil is tried again, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.retry_on_glitch import LostError, over_the_card, retry_on_glitch
from tests.kit.waveforms import SpoiltError


class Card:
    """Counts how often it was hushed."""

    def __init__(self) -> None:
        self.hushed = 0

    def hush(self) -> None:
        self.hushed += 1


def lost() -> None:
    with over_the_card():
        raise TimeoutError("nobody answered")


def spoilt() -> None:
    raise SpoiltError("a recording with gaps")


def wrong() -> None:
    raise AssertionError("measured, and wrong")


def tried(*ends: Callable[[], None]) -> tuple[Card, Callable[[], Any]]:
    """A test that ends in these ways, one after the other."""
    card, left = Card(), list(ends)

    @retry_on_glitch
    def test(card: Card) -> None:
        left.pop(0)()

    return card, lambda: test(card=card)


@pytest.mark.parametrize("first", [lost, spoilt])
def test_what_went_wrong_twice_may_go_well(first: Callable[[], None]) -> None:
    """Each time in a room in which nobody speaks any more."""
    card, run = tried(first, first, lambda: None)
    run()
    assert card.hushed == 2


def test_what_is_lost_three_times_was_not_lost_by_the_machine() -> None:
    """It fails; recordings that had gaps three times say nothing, and are skipped."""
    _, run = tried(spoilt, lost, lost)
    with pytest.raises(LostError, match="nobody answered"):
        run()
    _, run = tried(lost, spoilt, spoilt)
    with pytest.raises(pytest.skip.Exception, match="gaps"):
        run()


def test_what_is_wrong_fails_at_once() -> None:
    """Outside of `over_the_card` nothing is forgiven."""
    card, run = tried(wrong)
    with pytest.raises(AssertionError, match="wrong"):
        run()
    assert card.hushed == 0
