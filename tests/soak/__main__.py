"""A long run of sessions against the built-in server: `python -m tests.soak [--minutes M] [--sessions N]`.

It prints one line of figures, then the first problems, and ends with 1 if an event was lost, reordered or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time

from tests.soak.conversation import Account, Conversation
from tests.soak.measures import Gauges, slope

_TURNS = 25  # of one connection


async def soak(minutes: float, sessions: int) -> tuple[Account, Gauges]:
    """Keep so many sessions talking for so long."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.soak.server_program", stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    url = (await server.stdout.readline()).decode().strip()
    account, gauges = Account(), Gauges(os.getpid(), server.pid)
    ends = time.monotonic() + 60 * minutes

    async def one(name: str) -> None:
        rounds = 0
        while time.monotonic() < ends:
            rounds += 1
            await Conversation(url, f"{name}.{rounds}", account).run(_TURNS)

    watching = asyncio.create_task(gauges.watch())
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(sessions):
                group.create_task(one(f"s{number}"))
        gauges.sample(60 * minutes)  # with every connection closed
    finally:
        watching.cancel()
        server.terminate()
        await server.wait()
    return account, gauges


def line(account: Account, gauges: Gauges) -> str:
    """The figures. The slopes are those of the second half: a process that has just begun grows."""
    counts = account.counts
    half = len(gauges.client_rss) // 2
    slopes = [slope(rss[half:]) for rss in (gauges.client_rss, gauges.server_rss)]
    return (
        f"soak: {counts['turns']:,} turns, {counts['events']:,} events, {counts['lost']} lost, "
        f"{counts['reordered']} reordered, {counts['doubled']} doubled, "
        f"RSS {gauges.client_rss[-1][1]:.0f} MB {slopes[0]:+.2f} MB/min (server "
        f"{gauges.server_rss[-1][1]:.0f} MB {slopes[1]:+.2f} MB/min), "
        f"descriptors {gauges.open_files[0]} to {gauges.open_files[-1]}, "
        f"threads {gauges.threads[0]} to {gauges.threads[-1]}, loop lag at most {1000 * gauges.worst_lag:.0f} ms"
    )


def main() -> int:
    """The run that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--sessions", type=int, default=8)
    options = parser.parse_args()
    account, gauges = asyncio.run(soak(options.minutes, options.sessions))
    sys.stdout.write(line(account, gauges) + "\n")
    for problem in account.problems:
        sys.stdout.write(f"  {problem}\n")
    return 1 if account.problems else 0


if __name__ == "__main__":
    sys.exit(main())
