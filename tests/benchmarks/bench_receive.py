"""What receiving costs, beside the peers: 20,000 mixed events at full speed.

Each contestant runs in a process of its own, in turn, against one server. What each has seen is compared with what was
sent before any figure is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.benchmarks.load import expected
from tests.benchmarks.rounds import Played, play, rows_of
from tests.benchmarks.rows import Row

CONTESTANTS = ("rtcli", "rtcli-fast", "raw", "json", "orjson", "openai", "agents", "agents-js")
COUNT = 20_000
TIMES_LESS = {"openai": 8.0, "agents": 4.0, "agents-js": 4.0}
OWN_US = 4.0


def received(names: Sequence[str], mode: str, count: int, rounds: int, query: str = "") -> Played:
    """The rounds, in which everybody has seen what was sent."""
    played, sent = play(names, mode, count, rounds, query), expected(count)
    for round_ in played.rounds:
        for name, seen in round_.items():
            fields = ("events",) if name == "raw" else tuple(sent)
            assert all(seen[key] == sent[key] for key in fields), f"{name} saw {seen}, not {sent}"
    return played


def rows() -> Iterator[Row]:
    yield from rows_of(f"{COUNT:,} events", received(CONTESTANTS, "receive", COUNT, 5), peers=TIMES_LESS, own=OWN_US)
