"""Scenarios in tests: from text, and played against a server in this process."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from rtcli.config.endpoints import resolve_endpoint
from rtcli.protocol.yaml_reader import read_yaml_places
from rtcli.recording.folder import RecordingFolder
from rtcli.scenario.language import Scenario
from rtcli.scenario.parsing import parse_scenario
from rtcli.scenario.places import At
from rtcli.scenario.verdict import CaseResult
from rtcli.testing.build import ScenarioTarget, recorded_endpoint, serving
from rtcli.testing.cases import Case, play_case

TEXT = "session: {output_modalities: [text]}\n"


def scenario(text: str, folder: Path = Path()) -> Scenario:
    """What a file with this text says. Raises InputError."""
    value, places = read_yaml_places(textwrap.dedent(text), "test.scenario.yaml")
    return parse_scenario(value, At("test.scenario.yaml", places), folder / "test.scenario.yaml")


async def played(text: str, folder: Path, *, pace: float = 0, keep: bool = False, **server: Any) -> CaseResult:
    """Play it against the built-in server; recordings go to `folder`."""
    target = ScenarioTarget(resolve_endpoint(local=True, environ={}), pace=pace)
    async with serving(target, **{"voice": "tone", **server}) as served:
        one = await play_case(Case(scenario(text, folder)), served, RecordingFolder(folder / "recordings"), keep=keep)
    return one.result


async def played_from(text: str, recording: str | Path, folder: Path) -> CaseResult:
    """Play it against a recording."""
    path = Path(recording)
    target = ScenarioTarget(recorded_endpoint(path), recording=path)
    return (await play_case(Case(scenario(text, folder)), target, RecordingFolder(folder / "again"))).result


def outcomes(result: CaseResult) -> list[str]:
    """Each step with how it ended."""
    return [f"{step.outcome} {step.name}" for step in result.steps]


def problem(result: CaseResult) -> str:
    """All that went wrong in it, "" for nothing."""
    return "\n".join(one.text for _, one in result.problems)
