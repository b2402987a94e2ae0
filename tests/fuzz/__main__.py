"""Hostile frames against the transport, the terminal and the server: `python -m tests.fuzz [--seed N] [--frames N]`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from tests.fuzz.campaigns import CAMPAIGNS


def main() -> int:
    """A line for each campaign, and its first failures; 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=30_000)
    options = parser.parse_args()
    logging.getLogger("rtcli").addHandler(logging.NullHandler())  # each broken frame is logged
    logging.getLogger("rtcli").propagate = False
    failed = False
    for campaign in CAMPAIGNS.values():
        outcome = asyncio.run(campaign(options.seed, options.frames))
        sys.stdout.write(f"{outcome} (seed {options.seed})\n")
        for failure in outcome.failures[:10]:
            sys.stdout.write(f"  {failure}\n")
        sys.stdout.flush()
        failed = failed or bool(outcome.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
