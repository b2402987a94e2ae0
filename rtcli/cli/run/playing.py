"""Plays all cases of a run, several at a time, and writes what came of them: also when it is interrupted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import rtcli
from rtcli.cli import output
from rtcli.cli.run.comparison import tables
from rtcli.cli.run.progress import RunProgress
from rtcli.errors import ExitCode
from rtcli.files import expanded, write_file
from rtcli.recording.folder import RecordingFolder
from rtcli.scenario.junit import junit_xml
from rtcli.scenario.verdict import SuiteResult
from rtcli.testing.build import ScenarioTarget, serving
from rtcli.testing.cases import Case, PlayedCase, not_played, play_case


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be played, and how; `server` are options of the built-in server."""

    cases: Sequence[Case]
    target: ScenarioTarget
    folder: RecordingFolder | None
    server: Mapping[str, Any]
    jobs: int = 1
    keep: bool = False
    junit: str | None = None
    json: bool = False
    quiet: bool = False


async def play_all(plan: Plan) -> ExitCode:
    """The worst of all cases. Raises UsageError where the built-in server cannot be had, InputError for the JUnit file.

    When it is cancelled, what was played until then is written before that goes on.
    """
    run = _Run(plan)
    try:
        async with serving(plan.target, **plan.server) as target:
            await run.play(target)
    finally:
        suite = run.conclude()
    return suite.exit_code


class _Run:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._began, self._started = time.monotonic(), datetime.now(UTC)
        self._progress = RunProgress(len(plan.cases), jobs=plan.jobs, json=plan.json, quiet=plan.quiet)
        self._played: dict[int, PlayedCase] = {}  # by the position of the case
        # One iterator for all jobs: each takes from it, so a long case does not leave the other jobs without work.
        self._next = iter(range(len(plan.cases)))

    async def play(self, target: ScenarioTarget) -> None:
        """Play all; each job takes the next case that is left."""
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._plan.jobs, len(self._plan.cases))):
                group.create_task(self._work(target))

    async def _work(self, target: ScenarioTarget) -> None:
        for index in self._next:
            await play_case(
                self._plan.cases[index],
                target,
                self._plan.folder,
                keep=self._plan.keep,
                told=self._progress.step,
                ended=partial(self._ended, index),
            )

    def _ended(self, index: int, played: PlayedCase) -> None:
        self._played[index] = played
        self._progress.case(played)

    def conclude(self) -> SuiteResult:
        """Write everything that there is to say. Raises InputError for a JUnit file that cannot be written."""
        plan = self._plan
        played = [self._played.get(index) or not_played(case) for index, case in enumerate(plan.cases)]
        facts = {
            "endpoint": plan.target.endpoint.label,
            "model": plan.target.endpoint.model or "",
            "rtcli": rtcli.__version__,
        }
        seconds = time.monotonic() - self._began
        suite = SuiteResult("rtcli run", self._started, [one.result for one in played], seconds, facts)
        if not plan.json:
            output.show(*tables(played, plan.target.cost))
        self._progress.end(suite)
        if plan.folder is not None and any(one.result.recording for one in played):
            # Only where something was kept: a run that passes must not delete older recordings.
            plan.folder.prune()
        if plan.junit is not None:
            write_file(expanded(plan.junit), junit_xml([suite]), replace=True)
        return suite
