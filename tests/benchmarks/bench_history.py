"""What a history costs from 100 to 10,000 items: the plan of a reset in which 3 % differ, and one item_update."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from rtcli.protocol.history import History
from rtcli.protocol.items import MessageItem
from rtcli.protocol.reset import PendingEdits, plan_reset
from tests.benchmarks.rows import Row, digits, exponent, row

SIZES = (100, 1_000, 10_000)


def _item(number: int, text: str = "some words of a turn") -> MessageItem:
    role, kind = ("user", "input_text") if number % 2 == 0 else ("assistant", "output_text")
    return MessageItem(f"item_{number:08}", role, "completed", [{"type": kind, "text": f"{text} {number}"}])


def _best(action: Callable[[], object], repeat: int) -> float:
    """Seconds of processor time: the least disturbed of five runs."""
    best = math.inf
    for _ in range(5):
        begun = time.process_time()
        for _ in range(repeat):
            action()
        best = min(best, (time.process_time() - begun) / repeat)
    return best


def _reset_seconds(size: int) -> float:
    """Equal items are equal, not the same: as when both histories came out of a file."""
    old = [_item(number) for number in range(size)]
    new = [_item(number, "changed" if number % 33 == 0 else "some words of a turn") for number in range(size)]
    return _best(lambda: plan_reset(old, new, PendingEdits(), {}), max(1, 2_000 // size))


def _update_seconds(size: int) -> float:
    history = History()
    for number in range(size):
        history.update(_item(number))
    newer = _item(size // 2, "a newer state")
    return _best(lambda: history.update(newer), 20_000)


def rows() -> Iterator[Row]:
    costs = (
        ("plan of a reset, 3 % differ", _reset_seconds, 1e3, "ms", 1.2),
        ("item_update", _update_seconds, 1e6, "us", 0.1),
    )
    for name, seconds_of, times, unit, bound in costs:
        seconds = {size: seconds_of(size) for size in SIZES}
        each = ", ".join(f"{size:,} items {digits(one * times)} {unit}" for size, one in seconds.items())
        yield row(f"{name}: growth exponent", exponent(seconds), "", each, at_most=bound)
