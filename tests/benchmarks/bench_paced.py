"""What receiving costs at the pace of a conversation, 500 events a second: there waking up is most of it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.bench_receive import received
from tests.benchmarks.rounds import OURS, PEERS, rows_of
from tests.benchmarks.rows import Row

COUNT, RATE = 1_500, 500


def rows() -> Iterator[Row]:
    yield from rows_of(f"{RATE} events/s", received((*OURS, "raw", *PEERS), "paced", COUNT, 3, f"&rate={RATE}"))
