"""Scenarios as tests of pytest: each file is one, played like `rtcli run` plays it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from rtcli import __version__
from rtcli.config.endpoints import resolve_endpoint
from rtcli.config.settings import load_settings
from rtcli.errors import RtcliError
from rtcli.recording.folder import RecordingFolder
from rtcli.scenario.language import Scenario
from rtcli.scenario.parsing import load_scenario
from rtcli.scenario.verdict import CaseResult, Outcome
from rtcli.testing.background_loop import BackgroundLoop
from rtcli.testing.build import ScenarioTarget, serving
from rtcli.testing.cases import Case, play_case
from rtcli.testing.fixtures import chosen_endpoint, told


class ScenarioFile(pytest.File):
    """A file with a scenario."""

    def collect(self) -> Iterator[ScenarioItem]:
        """Its one test. What is wrong with the file is told with its place, and no traceback."""
        try:
            scenario = load_scenario(self.path)
        except RtcliError as error:
            raise self.CollectError(told(error)) from error
        yield ScenarioItem.from_parent(self, name=scenario.name, scenario=scenario)


class ScenarioItem(pytest.Item):
    """One scenario to play."""

    def __init__(self, *, scenario: Scenario, **options: Any) -> None:
        super().__init__(**options)
        self._scenario = scenario

    def runtest(self) -> None:
        """Play it; it fails with the step, what it expected, what came, and the recording."""
        # Made by the first scenario: a run that collects none starts neither a thread nor a server.
        stage = self.config.stash.get(_STAGE, None)
        if stage is None:
            stage = self.config.stash[_STAGE] = _Stage(self.config)
            self.config.add_cleanup(stage.close)
        try:
            result = stage.play(self._scenario)
        except RtcliError as error:
            pytest.fail(told(error), pytrace=False)
        if result.exit_code:
            pytest.fail(
                failure_text(result, Path(os.path.relpath(self.path, self.config.invocation_params.dir))), pytrace=False
            )

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands."""
        return self.path, None, f"scenario {self.name}"


_STAGE = pytest.StashKey["_Stage"]()


class _Stage:
    """Where all scenarios of a process are played: one loop, and the built-in server in it unless another is named."""

    def __init__(self, config: pytest.Config) -> None:
        """Raises UsageError for an endpoint that cannot be used."""
        pace = config.getoption("--realtime-pace")
        endpoint = chosen_endpoint(config) or resolve_endpoint(local=True, environ={})
        prices = load_settings().get("prices") or {}
        self._target = ScenarioTarget(endpoint, pace=1.0 if pace is None else pace, prices=prices, program=__version__)
        # An Item has no fixtures, and pytest offers the factory nowhere else.
        factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined]
        self._folder = RecordingFolder(factory.mktemp("scenarios"))
        self._serves = False  # the server is started by the first scenario, inside the loop
        self._loop = BackgroundLoop("rtcli-scenarios")
        self._held = AsyncExitStack()  # what ends with the stage: the server

    def play(self, scenario: Scenario) -> CaseResult:
        """What became of it."""
        return self._loop.run(self._play(scenario))

    async def _play(self, scenario: Scenario) -> CaseResult:
        if not self._serves:
            self._target = await self._held.enter_async_context(serving(self._target))
            self._serves = True
        return (await play_case(Case(scenario), self._target, self._folder)).result

    def close(self) -> None:
        """End the server and the loop."""
        self._loop.run(self._held.aclose())
        self._loop.stop()


def failure_text(result: CaseResult, path: Path) -> str:
    """What went wrong, each step with its place, what went well before it, and the recording."""
    lines: list[str] = []
    passed = [step.name for step in result.steps if step.outcome is Outcome.PASSED]
    for step, problem in result.problems:
        place = f"{path}:{step.line}" if step.line else str(path)
        lines += [f"{place}: {step.name}", *(f"  {line}" for line in problem.text.splitlines())]
    if passed:
        lines.append(f"before that: {'; '.join(passed)}")
    if result.recording:
        lines.append(f"recording: {result.recording}")
    return "\n".join(lines)
