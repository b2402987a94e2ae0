"""The recorded behavior of the reference, played against ours: what differs is listed, and differs on purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kit.golden_differences import DELIBERATE
from tests.kit.golden_judge import Judge
from tests.kit.golden_player import Player
from tests.kit.golden_server import GoldenServer

# The one scenario that is about a method with an underscore, which ours does not have.
NOT_OFFERED = {"interrupt-direct-underscore-no-audio"}
SCENARIOS = sorted((Path(__file__).parents[1] / "golden" / "scenarios").glob("*.json"))


def load(path: Path) -> dict[str, Any]:
    scenario: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return scenario


@pytest.mark.parametrize(
    "path", [path for path in SCENARIOS if path.stem not in NOT_OFFERED], ids=lambda path: str(path.stem)
)
async def test_ours_does_what_the_reference_does(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step by step: on the wire, in what is emitted, raised and returned, and in the state afterwards."""
    scenario = load(path)
    for name, value in scenario.get("env", {}).items():
        monkeypatch.setenv(name, value)
    async with GoldenServer().running() as server, Player(scenario, server).playing() as player:
        judge = Judge(player)
        for number, step in enumerate(scenario["steps"]):
            seen = await player.step(step)
            found = judge.judge(step, seen)
            assert not found, f"step {number} differs in {found}\nrecorded: {step}\nseen: {seen}"
        assert judge.passed <= {*scenario.get("differs", ())}, "it differs on purpose where it did not before"


def table() -> dict[str, str]:
    """The deliberate differences of tests/golden/README.md, with the test that shows each."""
    text = (SCENARIOS[0].parents[1] / "README.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0].strip(): row[3].strip(" `") for row in rows[1:]}


def test_every_deliberate_difference_has_its_reason_and_its_test() -> None:
    """The table of the readme and the judge's are one, and the tests that it names are there."""
    names = list(dict.fromkeys(difference.name for difference in DELIBERATE))
    assert list(table()) == names
    assert {name for path in SCENARIOS for name in load(path).get("differs", ())} == {*names}
    for place in table().values():
        file, name = place.split("::")
        assert f"def {name}(" in (Path(__file__).parents[1] / file).read_text(encoding="utf-8"), place
