"""What receiving costs, beside the peers: `python -m tests.benchmarks.bench_receive [rounds]`.

20,000 mixed events at full speed, then 500 a second; each contestant in a process of its own, in turn, against one
server. What each has seen is compared with what was sent before any figure is printed.
"""

from __future__ import annotations

import sys

from tests.benchmarks.load import expected
from tests.benchmarks.rounds import available, play, rounds_asked, table

CONTESTANTS = ("rtcli", "rtcli-fast", "raw", "json", "orjson", "openai", "agents", "agents-js")
BLAST, PACED, RATE = 20_000, 2_000, 500


def main() -> None:
    """Play both, check equal work, print the tables."""
    names = available(CONTESTANTS)
    for title, mode, count, query in (
        ("20,000 events at full speed", "receive", BLAST, ""),
        (f"{PACED:,} events at {RATE} a second", "paced", PACED, f"&rate={RATE}"),
    ):
        played = play(names, mode, count, rounds_asked(5), query)
        wanted = expected(count)
        for name in names:
            fields = ("events",) if name == "raw" else tuple(wanted)
            for round_ in played:
                seen = {key: round_[name][key] for key in fields}
                assert seen == {key: wanted[key] for key in fields}, f"{name} saw {seen}, not {wanted}"
        sys.stdout.write(f"\n### Receive: {title}\n\n{table(played, count)}\n")


if __name__ == "__main__":
    main()
