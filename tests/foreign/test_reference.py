"""The reference itself: what is recorded of it still holds, and scenarios that nobody wrote find no new difference."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.differential.__main__ import make
from tests.differential.compare import Comparison, comparing, inputs_of
from tests.differential.scenarios import AREAS
from tests.kit.foreign import UnavailableError

pytestmark = pytest.mark.foreign

SCENARIOS = sorted((Path(__file__).parents[1] / "golden" / "scenarios").glob("*.json"))
_EACH = 8  # scenarios of each area


@pytest.fixture
async def comparison() -> AsyncIterator[Comparison]:
    """Both sides of the comparison."""
    try:
        async with comparing() as both:
            yield both
    except UnavailableError as reason:
        pytest.skip(str(reason))


def results_of(value: Any) -> Any:
    """What is compared of a recording: no texts of the engine's own, and of the headers the key."""
    if isinstance(value, dict):
        left = {key: entry for key, entry in value.items() if not key.startswith("info_") and key not in _UNCOMPARED}
        return {key: results_of(entry) for key, entry in left.items()}
    return [results_of(entry) for entry in value] if isinstance(value, list) else value


_UNCOMPARED = {"message", "code", "via", "user-agent", "x-openai-agents-sdk", "reference"}


async def test_the_recordings_are_what_the_reference_does(comparison: Comparison) -> None:
    """Up to the first exception that nothing catches, where the recorder stops."""
    recorded = [json.loads(path.read_text(encoding="utf-8")) for path in SCENARIOS]
    again = [result async for result in comparison.reference.record([inputs_of(one) for one in recorded])]

    for one, other in zip(recorded, again, strict=True):
        steps = len(other["steps"])
        assert results_of(other["steps"]) == results_of(one["steps"][:steps]), one["name"]
        assert steps == len(one["steps"]) or "expect_uncaught" in other["steps"][-1]


@pytest.mark.parametrize("area", AREAS)
async def test_scenarios_that_nobody_wrote_find_no_difference(comparison: Comparison, area: str) -> None:
    """A few of each area; `make differential` plays thousands."""
    found = [difference async for difference in comparison.differences(make(area, 1, _EACH))]

    assert [(difference.kind, inputs_of(difference.scenario)) for difference in found] == []
