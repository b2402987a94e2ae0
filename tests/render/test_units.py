"""Figures and ids as users read them."""

from __future__ import annotations

import pytest

from rtcli.render import units


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (units.duration, 340, "340 ms"),
        (units.duration, 2310, "2.3 s"),
        (units.duration, 64_000, "1:04"),
        (units.clock, 3600, "1:00:00"),
        (units.clock, 59.9, "0:59"),
        (units.size, 812, "812 B"),
        (units.size, 166_000, "166 kB"),
        (units.size, 2_400_000, "2.4 MB"),
        (units.since, 1.2341, "+1.234s"),
        (units.since, 62.345, "+1:02.345"),
    ],
)
def test_figures_have_their_unit(function: object, value: float, expected: str) -> None:
    """Each in the unit that keeps it short."""
    assert callable(function)
    assert function(value) == expected
