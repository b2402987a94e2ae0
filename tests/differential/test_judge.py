"""The judge of recorded scenarios sees what is not as recorded, and takes nothing for deliberate that is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.golden_judge import Judge
from tests.kit.golden_player import Player
from tests.kit.golden_server import GoldenServer

SCENARIOS = Path(__file__).parents[1] / "golden" / "scenarios"


async def judged(scenario: dict[str, Any]) -> list[set[str]]:
    """What is found in each step."""
    async with GoldenServer().running() as server, Player(scenario, server).playing() as player:
        judge = Judge(player)
        return [judge.judge(step, await player.step(step)) for step in scenario["steps"]]


def spoil(step: dict[str, Any], part: str, change: Callable[[Any], Any]) -> None:
    step[f"expect_{part}"] = change(step.get(f"expect_{part}", []))


@pytest.mark.parametrize(
    ("name", "number", "part", "change"),
    [
        ("sequencer-two-auto", 1, "wire", lambda frames: frames[1:]),
        ("sequencer-two-auto", 1, "wire", lambda frames: [{**frames[0], "response": {}}]),
        ("found-truncate-empty-delta", 2, "wire", lambda frames: [{**f, "audio_end_ms": 7} for f in frames]),
        ("events_response-function-call", 2, "emitted", lambda entries: entries[:-1]),
        ("events_response-function-call", 2, "emitted", lambda entries: [*entries, entries[-1]]),
        ("events_conversation-user-message", 1, "emitted", lambda entries: entries[::-1]),
        (
            "found-message-parts-of-others",
            1,
            "emitted",
            lambda e: json.loads(json.dumps(e).replace('"text": "a"', '"text": "b"')),
        ),
        ("build_payload-legacy-formats", 0, "return", lambda session: {**session, "instructions": "x"}),
        ("found-mcp-approval-in-an-update", 1, "error", lambda error: None),
        ("connect_url-url-from-constructor", 0, "state", lambda state: {**state, "status": "connecting"}),
    ],
)
async def test_a_recording_that_ours_does_not_match_is_found(name: str, number: int, part: str, change: Any) -> None:
    """In the step that differs, and only there."""
    scenario = json.loads((SCENARIOS / f"{name}.json").read_text(encoding="utf-8"))
    assert not any(await judged(scenario))

    spoiled = copy.deepcopy(scenario)
    step = spoiled["steps"][number]
    if part == "error":
        del step["expect_error"]
    else:
        spoil(step, part, change)
    found = await judged(spoiled)

    assert found[:number] == [set()] * number
    assert found[number] == {{"return": "result"}.get(part, part)}
