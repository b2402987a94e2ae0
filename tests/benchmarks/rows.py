"""A row of the one table of the measurements, and the fixed loop by which figures of two machines are compared."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`met` is None where nothing is promised."""

    what: str
    figure: str
    beside: str = ""  # what it is a ratio to, or stands beside
    bound: str = ""
    met: bool | None = None


def row(
    what: str,
    value: float,
    unit: str = "",
    beside: str = "",
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Row:
    """A figure with its unit, and whether it is within its bound."""
    figure = f"{digits(value)} {unit}".strip()
    if at_most is not None:
        return Row(what, figure, beside, f"at most {at_most:g} {unit}".strip(), value <= at_most)
    if at_least is not None:
        return Row(what, figure, beside, f"at least {at_least:g} {unit}".strip(), value >= at_least)
    return Row(what, figure, beside)


def digits(value: float) -> str:
    """Three digits, or the whole number."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def exponent(seconds: Mapping[int, float]) -> float:
    """How a cost grows from the smallest size to the largest: 1 is linear, 0 is no growth."""
    first, last = min(seconds), max(seconds)
    return math.log(seconds[last] / seconds[first]) / math.log(last / first)


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def spin_ms() -> float:
    """Milliseconds that 500,000 rounds of a loop in pure Python take; the least disturbed of five."""
    best, total = math.inf, 0
    for _ in range(5):
        began = time.perf_counter()
        for turn in range(500_000):
            total += turn * turn % 7
        best = min(best, time.perf_counter() - began)
    return best * 1000
