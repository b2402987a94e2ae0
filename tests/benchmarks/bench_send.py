"""What sending live audio costs, beside the peers: `python -m tests.benchmarks.bench_send [rounds]`.

20,000 appends of 20 ms each; the server answers with a digest of the sound it got, and every contestant checks it.
"""

from __future__ import annotations

import sys

from tests.benchmarks.rounds import available, play, rounds_asked, table

CONTESTANTS = ("rtcli", "rtcli-fast", "raw", "json", "orjson", "openai", "agents", "agents-js")
COUNT = 20_000


def main() -> None:
    """Play and print."""
    played = play(available(CONTESTANTS), "send", COUNT, rounds_asked(5))
    sys.stdout.write(f"\n### Send: {COUNT:,} appends of 20 ms\n\n{table(played, COUNT)}\n")


if __name__ == "__main__":
    main()
