"""What sending live audio costs, beside the peers: 20,000 appends of 20 ms each.

The server answers with a digest of the audio it got, and every contestant checks it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.rounds import play, rows_of
from tests.benchmarks.rows import Row

CONTESTANTS = ("rtcli", "rtcli-fast", "raw", "json", "orjson", "openai", "agents", "agents-js")
COUNT = 20_000
TIMES_LESS = {"openai": 20.0, "agents": 2.5, "agents-js": 5.0}
OWN_US = 4.0


def rows() -> Iterator[Row]:
    yield from rows_of(f"{COUNT:,} appends", play(CONTESTANTS, "send", COUNT, 5), peers=TIMES_LESS, own=OWN_US)
