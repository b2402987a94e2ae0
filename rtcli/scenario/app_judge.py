"""Judges an application by the sessions that it had with a server: by what was expected of it, and by the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rtcli.lint import RULES, Finding, Linter, Rule, Severity
from rtcli.lint.rule import AT_END
from rtcli.protocol.differences import Mismatch
from rtcli.protocol.record import Connected, Connection, Direction, Frame, Record
from rtcli.scenario.verdict import CaseResult, StepProblem, StepResult


@dataclass(slots=True)
class JudgedConnection:
    """One connection of the application, as far as its records have come."""

    linter: Linter
    began: float | None = None  # seconds; None: it has not been opened
    ended: float = 0.0
    joined: bool = True  # no session began on it: what is left undone in the session may be others' to do

    def observe(self, record: Record) -> None:
        """Look at one record."""
        if isinstance(record, Connection) and record.state is Connected.OPEN:
            self.began = record.at
        if isinstance(record, Frame) and record.direction is Direction.RECEIVED and record.event is not None:
            # A side channel of a call gets no session.created. What such a client leaves open, another one may close.
            self.joined = self.joined and record.event.get("type") != "session.created"
        self.ended = record.at
        self.linter.observe(record)

    def findings(self) -> list[Finding]:
        """What was found, as if the connection ended now."""
        return [one for one in self.linter.finish() if not (self.joined and AT_END in one.rule.on)]


@dataclass(slots=True)
class AppJudge:
    """Sees each connection of a server, and is told how its clients deviated from what is expected of them."""

    rules: Iterable[Rule] = RULES
    mismatches: list[Mismatch] = field(default_factory=list)
    _seen: list[JudgedConnection] = field(default_factory=list)

    def connection(self, _address: str) -> Callable[[Record], None]:
        """Takes the records of the next connection; for `RealtimeServer(observe=)`."""
        one = JudgedConnection(Linter(self.rules))
        self._seen.append(one)
        return one.observe

    @property
    def connections(self) -> list[JudgedConnection]:
        """Those that were opened, in order; plain HTTP requests are none."""
        return [one for one in self._seen if one.began is not None]

    def findings(self) -> Iterator[tuple[int, Finding]]:
        """What the rules say, with the number of the connection, which counts from 1."""
        for number, connection in enumerate(self.connections, 1):
            yield from ((number, finding) for finding in connection.findings())

    def cases(self, expected: str, recordings: Sequence[str] = ()) -> list[CaseResult]:
        """What `expected` (a script's name; "" for none) has against the application, and the rules, by connection.

        `recordings` are the paths of those that were kept, in the order of the connections.
        """
        # One case for the script, whatever connection it was broken on: a script may span several of them.
        cases = [self._expected(expected, next(iter(recordings), ""))] if expected or self.mismatches else []
        found = list(self.findings())
        for number, connection in enumerate(self.connections, 1):
            steps = [
                StepResult(one.rule.id, problem=_broken(one)) for n, one in found if n == number and _is_error(one)
            ]
            # Fewer than connections where recording could not begin, on a full disk for instance.
            recording = recordings[number - 1] if number <= len(recordings) else ""
            seconds = connection.ended - (connection.began or 0.0)
            cases.append(CaseResult(f"connection {number}", "rules", steps, seconds, recording))
        return cases

    def _expected(self, name: str, recording: str) -> CaseResult:
        name = name or "expectations"
        steps = [StepResult(name, problem=_deviation(one)) for one in self.mismatches]
        return CaseResult(name, "script", steps, recording=recording if steps else "")


def _is_error(finding: Finding) -> bool:
    return finding.rule.severity is Severity.ERROR


def _broken(finding: Finding) -> StepProblem:
    place = f"event #{finding.number}: " if finding.number else ""
    return StepProblem(f"{place}{finding.text}", (f"prevents: {finding.rule.prevents}",))


def _deviation(mismatch: Mismatch) -> StepProblem:
    first, *rest = str(mismatch).splitlines()
    return StepProblem(first, tuple(rest))
