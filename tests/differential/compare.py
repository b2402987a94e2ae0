"""Plays recorded scenarios against ours and tells where the two differ."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.differential.reference import Reference, Scenario, running_reference
from tests.differential.shrink import shrink
from tests.kit.golden_judge import Judge
from tests.kit.golden_player import Player, Seen
from tests.kit.golden_server import GoldenServer

_PATIENCE = 20  # seconds for a whole scenario


@dataclass(frozen=True)
class Difference:
    """The first step of a scenario that is not as recorded, and in what."""

    scenario: Scenario
    number: int
    found: frozenset[str]
    seen: Seen | str

    @property
    def step(self) -> Mapping[str, Any]:
        step: Mapping[str, Any] = self.scenario["steps"][self.number]
        return step

    @property
    def kind(self) -> str:
        """Differences of one kind have the same action and differ in the same."""
        action = next(key for key in self.step if key not in ("as", "args", "setup", "do"))
        value = self.step[action] if action not in ("server_text", "server_binary") else ""
        name = value.get("type") if isinstance(value, dict) else value if isinstance(value, str) else ""
        item = value.get("item") if isinstance(value, dict) else None
        of_item = f" of {item.get('type')}" if isinstance(item, dict) else ""
        return f"{action} {name}{of_item}: {', '.join(sorted(self.found))}"


@dataclass
class Comparison:
    """Both sides of the comparison, and what was counted."""

    reference: Reference
    server: GoldenServer
    played: int = 0
    met: Counter[str] = field(default_factory=Counter)  # deliberate differences, by the number of their scenarios

    async def differences(self, scenarios: list[Scenario]) -> AsyncIterator[Difference]:
        """The scenarios that differ."""
        async for recorded in self.reference.record(scenarios):
            if "problem" in recorded:
                raise RuntimeError(recorded["problem"])
            self.played += 1
            difference = await self._play(recorded)
            if difference is not None:
                yield difference

    async def shortest(self, difference: Difference) -> Difference:
        """The shortest scenario that differs in the same way."""
        found = difference

        async def still_differs(scenario: Scenario) -> bool:
            nonlocal found
            async for recorded in self.reference.record([scenario]):
                smaller = None if "problem" in recorded else await self._play(recorded)
                if smaller is not None and smaller.kind == difference.kind:
                    found = smaller
                    return True
            return False

        await shrink(inputs_of(difference.scenario), still_differs)
        return found

    async def _play(self, recorded: Scenario) -> Difference | None:
        before = dict(os.environ)
        os.environ.update(recorded.get("env", {}))
        number = 0
        try:
            async with asyncio.timeout(_PATIENCE), Player(recorded, self.server).playing() as player:
                judge = Judge(player)
                for number, step in enumerate(recorded["steps"]):
                    seen = await player.step(step)
                    found = judge.judge(step, seen)
                    if found:
                        return Difference(recorded, number, frozenset(found), seen)
                self.met.update(judge.passed)
        except TimeoutError:
            return Difference(recorded, number, frozenset({"hangs"}), f"no end within {_PATIENCE} s")
        finally:
            os.environ.clear()
            os.environ.update(before)
        return None


def inputs_of(scenario: Scenario) -> Scenario:
    """A scenario without its results."""
    bare = {key: value for key, value in scenario.items() if not key.startswith("expect_") and key != "reference"}
    steps = [{key: value for key, value in step.items() if not key.startswith("expect_")} for step in scenario["steps"]]
    return {**bare, "steps": steps}


@asynccontextmanager
async def comparing() -> AsyncIterator[Comparison]:
    """Both sides run. Raises UnavailableError where the reference cannot be had."""
    logging.disable(logging.CRITICAL)
    try:
        async with running_reference() as reference, GoldenServer().running() as server:
            yield Comparison(reference, server)
    finally:
        logging.disable(logging.NOTSET)
