"""What became of a run: each step with what went wrong in it, and what that amounts to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rtcli.errors import ExitCode, worst


class Outcome(StrEnum):
    """How a step or a case ended. FAILED: it is not as expected. ERROR: it could not be carried out."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


_FAILURES = frozenset({ExitCode.SERVER_ERROR, ExitCode.RESPONSE_FAILED, ExitCode.EXPECTATION})
"""What says that the tested program is at fault; any other code says that it could not be tested."""


@dataclass(frozen=True, slots=True)
class StepProblem:
    """What went wrong: `message` in a line, `details` in lines below it, and the exit code that it stands for."""

    message: str
    details: tuple[str, ...] = ()
    code: ExitCode = ExitCode.EXPECTATION

    @property
    def outcome(self) -> Outcome:
        """FAILED, or ERROR where nothing could be judged."""
        return Outcome.FAILED if self.code in _FAILURES else Outcome.ERROR

    @property
    def text(self) -> str:
        """All of it, in lines."""
        return "\n".join((self.message, *self.details))


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step, or one thing that is judged at the end. `line` is its place in the file, 0 where it has none."""

    name: str
    seconds: float = 0.0
    problem: StepProblem | None = None
    line: int = 0
    skipped: bool = False

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        # Before the problem is looked at: a step that was left out has none, and has not passed.
        if self.skipped:
            return Outcome.SKIPPED
        return self.problem.outcome if self.problem is not None else Outcome.PASSED


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One test: a scenario that was played once, or what was expected of an application that was served.

    `group` is what it belongs to, such as its file; `recording` the path of what was kept of it, "" for nothing.
    `reason` says why a case was skipped.
    """

    name: str
    group: str = ""
    steps: Sequence[StepResult] = ()
    seconds: float = 0.0
    recording: str = ""
    reason: str = ""

    @property
    def problems(self) -> Iterator[tuple[StepResult, StepProblem]]:
        """What went wrong, in order."""
        return ((step, step.problem) for step in self.steps if step.problem is not None)

    @property
    def outcome(self) -> Outcome:
        """An ERROR says more than a failure: what comes after it was not tested."""
        found = {problem.outcome for _, problem in self.problems}
        if found:
            return Outcome.ERROR if Outcome.ERROR in found else Outcome.FAILED
        return Outcome.SKIPPED if self.reason else Outcome.PASSED

    @property
    def exit_code(self) -> ExitCode:
        """The worst of its problems."""
        return worst(*(problem.code for _, problem in self.problems))


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """Cases that were run together, since `started`; `facts` says with what, such as the endpoint and the version."""

    name: str
    started: datetime
    cases: Sequence[CaseResult] = ()
    seconds: float = 0.0
    facts: dict[str, str] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> int:
        """How many cases ended so."""
        return sum(case.outcome is outcome for case in self.cases)

    @property
    def exit_code(self) -> ExitCode:
        """The worst of all cases."""
        return worst(*(case.exit_code for case in self.cases))
