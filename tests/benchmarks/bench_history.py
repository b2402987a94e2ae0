"""What a history costs as it grows: `python -m tests.benchmarks.bench_history`.

The plan of a reset in which 3 % of the items differ, and one item_update, for 100 to 10,000 items. The last line gives
the growth exponents from 1,000 to 10,000 items: 1 is linear, 0 is no growth.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

from rtcli.protocol.history import History
from rtcli.protocol.items import MessageItem
from rtcli.protocol.reset import PendingEdits, plan_reset

SIZES = (100, 1_000, 5_000, 10_000)


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


def main() -> None:
    """Measure and print."""
    reset = {size: _reset_seconds(size) for size in SIZES}
    update = {size: _update_seconds(size) for size in SIZES}
    write = sys.stdout.write
    write("\n### History\n\n| items | plan of a reset, ms | one item_update, us |\n|---:|---:|---:|\n")
    for size in SIZES:
        write(f"| {size:,} | {reset[size] * 1e3:.2f} | {update[size] * 1e6:.2f} |\n")
    growth = [math.log10(seconds[10_000] / seconds[1_000]) for seconds in (reset, update)]
    write(f"| growth exponent | {growth[0]:.2f} | {growth[1]:.2f} |\n")


if __name__ == "__main__":
    main()
