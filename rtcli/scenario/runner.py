"""Plays a scenario on a session: step after step, until one fails; at the end the bounds of the whole run."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any

from rtcli.errors import ExitCode, RtcliError, worst
from rtcli.lint import Linter
from rtcli.protocol.differences import NOTHING
from rtcli.protocol.record import Connected, Frame
from rtcli.recording.reader import open_recording
from rtcli.scenario.actions import Actions
from rtcli.scenario.facts import SceneFacts
from rtcli.scenario.judging import judge, unexpected
from rtcli.scenario.language import Scenario, ScenarioStep
from rtcli.scenario.parsing import filled
from rtcli.scenario.settling import NotSettledError, Settling
from rtcli.scenario.stage import Stage
from rtcli.scenario.verdict import StepProblem, StepResult
from rtcli.views import Level, Notice, View

_CONNECT_SECONDS = 10.0


class ScenarioRunner:
    """One run of one scenario. `told` is called with each result as it comes; `results` has them all."""

    def __init__(self, scenario: Scenario, stage: Stage, told: Callable[[StepResult], object]) -> None:
        self.scenario = scenario
        self.results: list[StepResult] = []
        self.captured: dict[str, Any] = {}
        self._stage = stage
        self._told = told
        self._facts = SceneFacts()
        self._settling = Settling(stage, self._facts)
        self._actions = Actions(scenario, stage, self._facts, self._settling)
        self._errors: list[str] = []  # what the session has said went wrong
        stage.session.subscribe(self._on_view)

    def __repr__(self) -> str:
        return f"<ScenarioRunner {self.scenario.name!r}: {len(self.results)} results>"

    def _on_view(self, view: View) -> None:
        if isinstance(view, Frame):
            self._facts.observe(view)
        elif isinstance(view, Notice) and view.level is Level.ERROR:
            self._errors.append(": ".join(filter(None, (view.what, view.why))))
        self._settling.moved.set()

    async def run(self) -> list[StepResult]:
        """Play it, and close the session. What goes wrong is in the results."""
        try:
            if await self._do("connect", 0, self._connect):
                await self._play()
        finally:
            await self._stage.session.close()
        # After the close: only then is the last record of the session in its recording, and in its figures.
        if not self._failed:
            await self._judge_whole()
        return self.results

    @property
    def _failed(self) -> bool:
        return any(result.problem is not None for result in self.results)

    async def _play(self) -> None:
        steps = iter(self.scenario.steps)
        for step in steps:
            if not await self._do(step.text, step.at.line, partial(self._carry_out, step)):
                for left in steps:
                    self._keep(StepResult(left.text, line=left.at.line, skipped=True))
                return
        if self.scenario.steps[-1].kind != "expect":  # what was asked for last is answered before the end
            await self._do("end", 0, self._end)

    async def _do(self, name: str, line: int, action: Callable[[], Awaitable[StepProblem | None]]) -> bool:
        began = time.monotonic()
        try:
            problem = await action()
        except RtcliError as error:
            problem = StepProblem(str(error), (error.hint,) if error.hint else (), error.exit_code)
        # What broke the run comes first: it explains whatever the step itself complains of.
        found = [one for one in (self._broken(), problem) if one is not None]
        self._keep(StepResult(name, time.monotonic() - began, _joined(found), line))
        return self.results[-1].problem is None

    def _keep(self, result: StepResult) -> None:
        self.results.append(result)
        self._told(result)

    # -- steps -------------------------------------------------------------------------------------

    async def _connect(self) -> StepProblem | None:
        session = self._stage.session
        await session.start(_CONNECT_SECONDS)
        if session.exit_code is not ExitCode.OK:
            return StepProblem("the session did not begin as requested", tuple(self._errors), session.exit_code)
        return None

    async def _carry_out(self, step: ScenarioStep) -> StepProblem | None:
        step = filled(step, self.captured)
        if step.kind == "expect":
            return await self._expect(step)
        if step.kind == "capture":
            return self._capture(step.values["capture"])
        return await self._actions.carry_out(step)

    async def _expect(self, step: ScenarioStep) -> StepProblem | None:
        expected, ordered = step.values["expect"], step.values.get("ordered", False)
        late: StepProblem | None = None
        try:
            await self._settling.settle(step.values.get("timeout", self.scenario.timeout), expected, ordered=ordered)
        except NotSettledError as error:
            late = error.problem
        # Of an answer that is late, what did come is judged too: it says how far the server got.
        problems = [judge(expected, self._facts, ordered=ordered), late, unexpected(self._facts, expected)]
        return _joined([problem for problem in problems if problem is not None])

    def _capture(self, paths: Mapping[str, str]) -> StepProblem | None:
        for name, path in paths.items():
            value = self._facts.captured(path)
            if value is NOTHING:
                return StepProblem(f"no event since the user's turn has {path}", (f"it was to be captured as {name}",))
            self.captured[name] = value
        return None

    async def _end(self) -> StepProblem | None:
        try:
            await self._settling.settle(self.scenario.timeout)
        except NotSettledError as error:
            return error.problem
        return unexpected(self._facts)

    def _broken(self) -> StepProblem | None:
        """What keeps the run from going on, whatever a step was about."""
        session = self._stage.session
        if session.state.connection is Connected.LOST:
            return StepProblem("the connection was lost", tuple(self._errors[-1:]), ExitCode.CONNECTION)
        if session.exit_code is ExitCode.UNEXPECTED:
            return StepProblem("internal error in rtcli", tuple(self._errors), ExitCode.UNEXPECTED)
        if (mismatch := self._stage.mismatch()) is not None:
            return StepProblem("the run deviates from the recording", tuple(str(mismatch).splitlines()))
        return None

    # -- the whole ---------------------------------------------------------------------------------

    async def _judge_whole(self) -> None:
        """Everything at the end, whether or not something before it failed."""
        turns = self._stage.turns
        for bound in self.scenario.bounds:
            problem = bound.judge(turns, self._stage.cost)
            self._keep(StepResult(f"bound {bound.name} {bound.text}", problem=problem, line=bound.line))
        if (lint := self.scenario.lint) is not None:
            problem = lint.judge(self._findings())
            self._keep(StepResult(f"bound lint {lint.severity}", problem=problem, line=lint.line))

    def _findings(self) -> Iterator[Any]:
        # From the file, not from the session's own log, which evicts audio and could not answer the rules about it.
        path = self._stage.session.recorder.path
        linter = Linter()
        if path is not None:
            with open_recording(str(path)) as reader:
                for record in reader:
                    linter.observe(record)
        yield from linter.finish()


def _joined(problems: list[StepProblem]) -> StepProblem | None:
    if len(problems) < 2:
        return problems[0] if problems else None
    first, *rest = problems
    more = tuple(line for problem in rest for line in problem.text.splitlines())
    return StepProblem(first.message, (*first.details, *more), worst(*(problem.code for problem in problems)))
