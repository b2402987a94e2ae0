"""python -m tests.differential --seed S --count N: plays N made-up scenarios against the reference and ours."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.differential.compare import Comparison, Difference, comparing, inputs_of
from tests.differential.reference import Scenario
from tests.differential.scenarios import AREAS
from tests.differential.subjects import SUBJECTS, counted

_BATCH = 250  # scenarios that are made, then played
_SHARES = {
    "mixed": 4,
    "interrupt": 3,
    **dict.fromkeys(("build_payload", "tracing", "history", "sequencer", "emitter"), 2),
}


def make(area: str, number: int, count: int) -> list[Scenario]:
    """`count` scenarios of an area; the same for the same number."""
    made: list[Scenario] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(AREAS[area])
    def collect(scenario: Scenario) -> None:
        made.append({"name": f"{area}-{number}-{len(made)}", **scenario})

    collect()
    return made


def plan(count: int, number: int) -> list[tuple[str, int, int]]:
    """(area, seed, count) of each batch: every area gets its share, those with the most to go wrong several."""
    shares = [area for area in AREAS for _ in range(_SHARES.get(area, 1))]
    batches = []
    for index, area in enumerate(shares):
        left = count * (index + 1) // len(shares) - count * index // len(shares)
        for part in range(0, left, _BATCH):
            batches.append((area, number * 10_000 + index * 100 + part // _BATCH, min(_BATCH, left - part)))
    return batches


async def run(count: int, number: int, shown: int, keep: Path | None) -> int:
    """Play them all, and print each kind of difference with its shortest scenario."""
    first: dict[str, Difference] = {}
    counts: dict[str, int] = {}
    subjects: Counter[str] = Counter()
    distinct: set[str] = set()
    begin = time.monotonic()
    async with comparing() as comparison:
        for area, own, part in plan(count, number):
            made = make(area, own, part)
            subjects += counted(made)
            distinct |= {json.dumps({**scenario, "name": ""}) for scenario in made}
            async for difference in comparison.differences(made):
                counts[difference.kind] = counts.get(difference.kind, 0) + 1
                first.setdefault(difference.kind, difference)
        took = time.monotonic() - begin
        for kind in sorted(first, key=lambda kind: -counts[kind])[:shown]:
            await show(comparison, first[kind], counts[kind], keep)
    print("scenarios about each subject:")
    for name in SUBJECTS:
        print(f"{subjects[name]:7} {name}")
    print("differences:")
    for kind in sorted(counts):
        print(f"{counts[kind]:7} {kind}")
    print("on purpose:", ", ".join(f"{name} {times}" for name, times in sorted(comparison.met.items())))
    differ = sum(counts.values())
    played = f"{comparison.played} scenarios ({len(distinct)} distinct)"
    print(f"seed {number}: {played} in {took:.0f} s, {differ} differ")
    return 1 if counts else 0


async def show(comparison: Comparison, difference: Difference, times: int, keep: Path | None) -> None:
    """The shortest scenario of a kind, as a file or as text."""
    shortest = await comparison.shortest(difference)
    print(f"== {times} x {shortest.kind}")
    for step in inputs_of(shortest.scenario)["steps"][: shortest.number + 1]:
        print("  ", json.dumps(step))
    for part in sorted(shortest.found):
        print(f"   {part} of the reference: {json.dumps(shortest.step.get(f'expect_{part}'))}")
        print(f"   {part} of ours: {getattr(shortest.seen, part, shortest.seen)}")
    if keep is not None:
        name = "".join(letter if letter.isalnum() else "-" for letter in shortest.kind)
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{name}.json").write_text(json.dumps(shortest.scenario, indent=2), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--shown", type=int, default=20, help="kinds of difference that are shrunk and shown")
    parser.add_argument("--keep", type=Path, help="a folder for the shortest scenarios")
    options = parser.parse_args()
    return asyncio.run(run(options.count, options.seed, options.shown, options.keep))


if __name__ == "__main__":
    sys.exit(main())
