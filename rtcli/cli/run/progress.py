"""What a run tells while it goes on: a line for each step as text or NDJSON, and a summary at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rtcli.cli import output
from rtcli.scenario.verdict import CaseResult, Outcome, StepResult, SuiteResult
from rtcli.testing.cases import Case, PlayedCase
from rtcli.views import Text

_SIGNS = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.ERROR: "ERROR", Outcome.SKIPPED: "skipped"}
_SLOWEST = 3
_MAX_NAME = 70


class RunProgress:
    """Tells of `count` cases. With several `jobs` a case is told when it is over: its lines stay together.

    `quiet` tells in text of what failed alone.
    """

    def __init__(self, count: int, *, jobs: int, json: bool, quiet: bool) -> None:
        self._count = count
        self._at_once = jobs == 1 and not quiet
        self._json = json
        self._quiet = quiet
        self._done = 0
        self._begun: Case | None = None  # whose head was written

    def step(self, case: Case, step: StepResult) -> None:
        """A step has ended."""
        if self._json:
            output.show_json(_step_json(case, step))
        elif self._at_once:
            if self._begun is not case:
                self._begun = case
                output.show(Text(self._head(case)))
            output.show(Text("\n".join(_step_lines(step))))

    def case(self, played: PlayedCase) -> None:
        """A case is over."""
        self._done += 1
        case, result = played.case, played.result
        if self._json:
            output.show_json(_case_json(result))
            return
        lines: list[str] = []
        if not self._at_once and (not self._quiet or result.outcome is not Outcome.PASSED):
            lines = [self._head(case, self._done), *(line for step in result.steps for line in _step_lines(step))]
        if result.recording:
            lines.append(f"  recording: {result.recording}")
        if lines:
            output.show(Text("\n".join(lines)))

    def _head(self, case: Case, number: int | None = None) -> str:
        at = f"[{self._done + 1 if number is None else number}/{self._count}] " if self._count > 1 else ""
        return f"{at}{case.name} ({Path(case.scenario.file).name})"

    def end(self, suite: SuiteResult) -> None:
        """All are over, or the run was ended."""
        if self._json:
            output.show_json({"summary": _summary_json(suite)})
        else:
            output.show(Text("\n".join(_summary(suite))))


def _step_lines(step: StepResult) -> Iterator[str]:
    name = step.name if len(step.name) <= _MAX_NAME else f"{step.name[: _MAX_NAME - 1]}…"
    line = f", line {step.line}" if step.problem is not None and step.line else ""
    # less than a hundredth of a second reads as 0.00
    time = f" ({step.seconds:.2f} s{line})" if step.seconds >= 0.005 or line else ""
    yield f"  {_SIGNS[step.outcome]:<8}{name}{time}"
    if step.problem is not None:
        yield from (f"          {text}" for text in step.problem.text.splitlines())


def _summary(suite: SuiteResult) -> Iterator[str]:
    counts = ((suite.count(outcome), outcome) for outcome in Outcome)
    words = ", ".join(f"{count} {_WORDS[outcome]}" for count, outcome in counts if count) or "nothing was played"
    yield f"{words} in {suite.seconds:.1f} s"
    slowest = _slowest(suite)
    if len(suite.cases) > 1 and slowest:
        yield "slowest: " + ", ".join(f"{case.name} {case.seconds:.2f} s" for case in slowest)
    failed = [case for case in suite.cases if case.outcome in (Outcome.FAILED, Outcome.ERROR)]
    if len(suite.cases) > 1:
        for case in failed:
            first = next((problem.message for _, problem in case.problems), "")
            yield f"{_SIGNS[case.outcome].lower()}: {case.name}: {first}"


_WORDS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ERROR: "could not be played",
    Outcome.SKIPPED: "left out",
}


def _slowest(suite: SuiteResult) -> Sequence[CaseResult]:
    played = (case for case in suite.cases if case.steps)
    return sorted(played, key=lambda case: case.seconds, reverse=True)[:_SLOWEST]


def _step_json(case: Case, step: StepResult) -> dict[str, Any]:
    told: dict[str, Any] = {
        "scenario": case.scenario.name,
        "file": case.scenario.file,
        **({"set": case.variant} if case.variant else {}),
        "step": step.name,
        "line": step.line or None,
        "outcome": step.outcome.value,
        "seconds": round(step.seconds, 6),
    }
    if (problem := step.problem) is not None:
        told["problem"] = {"message": problem.message, "details": list(problem.details), "code": int(problem.code)}
    return told


def _case_json(result: CaseResult) -> dict[str, Any]:
    return {
        "case": result.name,
        "file": result.group,
        "outcome": result.outcome.value,
        "seconds": round(result.seconds, 6),
        "recording": result.recording or None,
        **({"reason": result.reason} if result.reason else {}),
    }


def _summary_json(suite: SuiteResult) -> dict[str, Any]:
    return {
        **{outcome.value: suite.count(outcome) for outcome in Outcome},
        "seconds": round(suite.seconds, 6),
        "slowest": [{"case": case.name, "seconds": round(case.seconds, 6)} for case in _slowest(suite)],
        "exit_code": int(suite.exit_code),
    }
