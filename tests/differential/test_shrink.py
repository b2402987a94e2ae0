"""A scenario is made as small as it gets."""

from __future__ import annotations

import json
from typing import Any

from tests.differential.shrink import shrink

SCENARIO: dict[str, Any] = {
    "area": "mixed",
    "steps": [
        {"call": "connect", "args": [{"apiKey": "sk", "url": "$SERVER"}], "setup": True},
        {"call": "sendMessage", "args": ["hello", {"event_id": "mine"}]},
        {
            "server": {
                "type": "response.done",
                "event_id": "e",
                "response": {"id": "r1", "output": [{"a": 1}, {"b": 2}]},
            }
        },
        {"clock_ms": 5},
        {"call": "interrupt", "args": []},
    ],
}


async def test_only_what_matters_is_left() -> None:
    """Steps, fields and entries that the question does not need are gone; what it needs is there."""

    async def needs_the_second_entry(scenario: dict[str, Any]) -> bool:
        return '"b": 2' in json.dumps(scenario)

    smallest = await shrink(SCENARIO, needs_the_second_entry)

    assert smallest["steps"] == [{"server": {"type": "response.done", "response": {"output": [{"b": 2}]}}}]


async def test_a_preamble_and_the_kind_of_a_step_are_kept_whole() -> None:
    """A connect without its address, or an event without its type, would be another scenario."""
    seen: list[dict[str, Any]] = []

    async def never(scenario: dict[str, Any]) -> bool:
        seen.append(scenario)
        return False

    assert await shrink(SCENARIO, never) == SCENARIO
    for step in (step for scenario in seen for step in scenario["steps"]):
        assert step.keys() & {"call", "server", "clock_ms"}
        assert step.get("call") != "connect" or step == SCENARIO["steps"][0]
        assert "server" not in step or step["server"]["type"] == "response.done"
