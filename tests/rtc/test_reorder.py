"""The order of packets."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.rtc.reorder import Reorder


def through(numbers: list[int]) -> tuple[list[int], Reorder[int]]:
    order: Reorder[int] = Reorder()
    return [due for number in numbers for due in order.push(number % 65_536, number)], order


def test_packets_in_order_come_out_at_once() -> None:
    """None is held back, also where the numbers begin anew at 0."""
    order: Reorder[int] = Reorder()

    assert [order.push(number % 65_536, number) for number in range(65_500, 65_600)] == [
        [number] for number in range(65_500, 65_600)
    ]


@given(st.integers(0, 65_535), st.randoms(use_true_random=False))
def test_packets_that_overtook_each_other_come_in_order(start: int, chance: random.Random) -> None:
    """As long as none is more than three late."""
    numbers = list(range(start, start + 60))
    for place in range(1, 56, 4):
        window = numbers[place : place + 4]
        chance.shuffle(window)
        numbers[place : place + 4] = window

    assert through(numbers)[0] == [*range(start, start + 60)]


@given(st.lists(st.integers(1, 400), min_size=5, max_size=60, unique=True))
def test_each_packet_comes_out_once_and_later_ones_after_it(lost: list[int]) -> None:
    """Whatever was lost: three packets after a gap, nothing but what was lost is missing."""
    numbers = [number for number in range(500) if number not in lost]
    out, order = through(numbers)

    assert out == numbers
    assert order.missing == len(lost)
    assert order.late == 0


def test_a_gap_is_given_up_after_three_packets() -> None:
    """60 ms are enough to wait; the packet that comes after all is dropped, and so is one that comes twice."""
    order: Reorder[int] = Reorder()
    held = [order.push(number, number) for number in (1, 3, 4, 5, 6)]

    assert held == [[1], [], [], [], [3, 4, 5, 6]]
    assert order.push(2, 2) == []
    assert order.push(6, 6) == []
    assert (order.missing, order.late) == (1, 2)


@pytest.mark.parametrize("number", [40_000, 50_000, 64_000])
def test_another_stream_begins_where_it_begins(number: int) -> None:
    """Numbers far from the ones before are no late packets."""
    out, _ = through([*range(45_000, 45_010), *range(number, number + 10)])

    assert out == [*range(45_000, 45_010), *range(number, number + 10)]
