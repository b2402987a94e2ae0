"""Plays scenarios as tests: each with a recording that is kept where it failed, several at a time if asked."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rtcli.errors import ExitCode, RtcliError
from rtcli.recording.folder import RecordingFolder
from rtcli.scenario.language import Scenario
from rtcli.scenario.runner import ScenarioRunner
from rtcli.scenario.stage import SceneTurns, Stage
from rtcli.scenario.verdict import CaseResult, StepProblem, StepResult
from rtcli.testing.build import ScenarioTarget


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario to play, and what tests call it; `variant` says what is set otherwise than in its file."""

    scenario: Scenario
    variant: str = ""

    @property
    def name(self) -> str:
        """Its name, with what was set."""
        return f"{self.scenario.name} [{self.variant}]" if self.variant else self.scenario.name


@dataclass(frozen=True, slots=True)
class PlayedCase:
    """A case that was played, and the turns of its session."""

    case: Case
    result: CaseResult
    turns: SceneTurns = ()


Told = Callable[[Case, StepResult], object]
"""Is told of each step as it ends."""


async def play_case(
    case: Case,
    target: ScenarioTarget,
    folder: RecordingFolder | None = None,
    *,
    keep: bool = False,
    told: Told = lambda case, step: None,
    ended: Callable[[PlayedCase], object] = lambda played: None,
) -> PlayedCase:
    """Play a scenario once. A recording of it goes to `folder`, and stays there where it fails, or with `keep`.

    What goes wrong is in the result, which `ended` is told as well: also of a case that is cancelled.
    """
    run = _CaseRun(case, target, folder, told)
    try:
        await run.play()
    # It did not even begin: an endpoint that is down is a result as well, and the other cases are still played.
    except RtcliError as error:
        run.fail("begin", StepProblem(str(error), (error.hint,) if error.hint else (), error.exit_code))
    except asyncio.CancelledError:
        run.fail("run", StepProblem("it was interrupted", code=ExitCode.INTERRUPTED))
        # Before the cancellation goes on: it ends the whole run, and nobody would report this case any more.
        ended(run.end(keep=True))
        raise
    played = run.end(keep=keep)
    ended(played)
    return played


class _CaseRun:
    """One case that is played."""

    def __init__(self, case: Case, target: ScenarioTarget, folder: RecordingFolder | None, told: Told) -> None:
        self._case, self._target, self._folder, self._told = case, target, folder, told
        self._began = time.monotonic()
        self._steps: list[StepResult] = []
        self._stage: Stage | None = None
        self._recording: Path | None = None

    async def play(self) -> None:
        stage = self._stage = self._target.stage(self._case.scenario)
        if self._folder is not None:
            path = self._folder.new_path(f"run-{_slug(self._case.name)}", datetime.now().astimezone())
            self._recording = stage.session.recorder.start(path)
        await ScenarioRunner(self._case.scenario, stage, self._keep).run()

    def _keep(self, step: StepResult) -> None:
        self._steps.append(step)
        self._told(self._case, step)

    def fail(self, name: str, problem: StepProblem) -> None:
        self._keep(StepResult(name, problem=problem))

    def end(self, *, keep: bool) -> PlayedCase:
        passed = all(step.problem is None for step in self._steps)
        # Recorded in any case: whether a run is worth keeping is known only when it is over.
        if self._recording is not None and passed and not keep:
            self._recording.unlink(missing_ok=True)
            self._recording = None
        case, seconds = self._case, time.monotonic() - self._began
        recording = str(self._recording) if self._recording is not None else ""
        result = CaseResult(case.name, case.scenario.file, self._steps, seconds, recording)
        return PlayedCase(case, result, self._stage.turns if self._stage is not None else ())


def _slug(name: str) -> str:
    # a name may be of any length, and file systems take 255 bytes
    return re.sub(r"[^\w.-]+", "-", name)[:60].strip("-") or "scenario"


def not_played(case: Case) -> PlayedCase:
    """A case that was left out, because the run was interrupted."""
    return PlayedCase(case, CaseResult(case.name, case.scenario.file, reason="interrupted"))
