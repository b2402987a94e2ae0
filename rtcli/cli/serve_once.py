"""`rtcli serve --once`: one application is served, judged by the script and the rules of `check`, and told of."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rtcli.cli.app_process import AppEnd, AppProcess, app_environ, authority_file
from rtcli.cli.options import not_negative, settings_of
from rtcli.errors import ExitCode, UsageError, worst
from rtcli.lint import rules_without
from rtcli.protocol.differences import Mismatch
from rtcli.protocol.record import Record
from rtcli.scenario.app_judge import AppJudge
from rtcli.scenario.verdict import CaseResult, StepProblem, StepResult, SuiteResult
from rtcli.server import RealtimeServer

_DEFAULT_SECONDS = 60.0

_Observer = Callable[[Record], None]


@dataclass(frozen=True, slots=True)
class OnceOptions:
    """What `--once` is asked for beside a server. `seconds` is None where the user names no limit."""

    command: Sequence[str] = ()
    seconds: float | None = None
    junit: str | None = None
    ignore: Sequence[str] = ()

    def require_once(self) -> None:
        """Raise UsageError for an option that means nothing without `--once`."""
        given = {
            "a COMMAND": self.command,
            "--timeout": self.seconds is not None,
            "--junit": self.junit,
            "--ignore": self.ignore,
        }
        for name in (name for name, value in given.items() if value):
            raise UsageError(f"{name} needs --once", why="only --once has a result")

    @property
    def limit(self) -> float:
        """Seconds, 0 for no limit. Raises UsageError."""
        if self.seconds is None:
            return _DEFAULT_SECONDS if self.command else 0.0
        return not_negative(self.seconds, "--timeout")


@dataclass(slots=True)
class OnceRun:
    """One run. `expected` names what clients are judged by, "" for nothing; `kept` keeps the recordings in any case."""

    server: RealtimeServer
    options: OnceOptions
    judge: AppJudge
    expected: str = ""
    kept: bool = False
    end: AppEnd | None = None  # of the program
    timed_out: bool = False
    stopped: bool = False  # by a signal
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def name(self) -> str:
        """How the program is told of; "" where clients come by themselves."""
        return shlex.join(self.options.command)

    async def until_over(self, *, key: str | None, certificate: str) -> None:
        """Until the program has ended, or the first client has left. Raises UsageError for one that does not start."""
        if self.options.command:
            with authority_file(os.environ, certificate) as authority:
                environ = app_environ(os.environ, self.server.url, key=key, authority=authority)
                self.end = await AppProcess(self.options.command, environ).run(self.options.limit)
            self.timed_out = self.end.code is None
            # The program has ended, and its last frames may still be on the way to us.
            await self.server.settled()
            return
        try:
            async with asyncio.timeout(self.options.limit or None):
                await self.server.connection_ended.wait()
        except TimeoutError:
            self.timed_out = True

    def result(self) -> SuiteResult:
        """What there is to say once the server has closed. Recordings of a run that went well are deleted."""
        if not self.stopped:  # what is missing of a run that was stopped says nothing
            self.server.judge_end()
        cases = self._cases(list(map(str, self.server.recordings)))
        if not self.kept and worst(*(case.exit_code for case in cases)) is ExitCode.OK:
            for path in self.server.recordings:
                path.unlink(missing_ok=True)
            # Made anew, without the paths of recordings that are gone now.
            cases = self._cases([])
        seconds = (datetime.now(UTC) - self.started).total_seconds()
        facts = {"endpoint": self.server.url, "replies": self.server.reply_name}
        return SuiteResult(self.expected or "rtcli serve", self.started, cases, seconds, facts)

    def _cases(self, recordings: list[str]) -> list[CaseResult]:
        return [*self._command(), *self.judge.cases(self.expected, recordings)]

    def _command(self) -> Iterator[CaseResult]:
        """The program itself, or nobody having come."""
        problems = list(self._problems())
        if self.name or problems:
            steps = [StepResult("command" if self.name else "wait", problem=one) for one in problems]
            seconds = self.end.seconds if self.end is not None else 0.0
            yield CaseResult(self.name or "clients", "command", steps, seconds)

    def _problems(self) -> Iterator[StepProblem]:
        if self.end is not None and (failure := self.end.failure):
            yield StepProblem(failure, code=ExitCode.UNEXPECTED)
        if self.stopped:
            yield StepProblem("it was stopped before it ended", code=ExitCode.INTERRUPTED)
        if self.timed_out:
            what = "it did not end" if self.name else "no client came and left"
            yield StepProblem(f"{what} within {self.options.limit:g} s", ("--timeout N gives it longer",))
        # A program that talked to OpenAI instead would pass every other test.
        if self.end is not None and self.end.code == 0 and not self.judge.connections:
            hint = "its address for the API is in OPENAI_BASE_URL, and that of the WebSocket in RTCLI_URL"
            yield StepProblem("it made no connection", (hint,))


def prepare(
    make: Callable[..., RealtimeServer],
    options: OnceOptions,
    *,
    script: str | None,
    recording: str | None,
    record: str | None,
    log: Callable[[str], _Observer] | None,
    tell: Callable[[Mismatch], None],
) -> OnceRun:
    """A run whose server is still to be started. Raises UsageError, or InputError, for what cannot be used.

    A client is judged by the rules where there is a script or a command; one that is served a recording is judged by
    that alone, which may hold what a rule objects to.
    """
    rules = rules_without(options.ignore)
    judge = AppJudge(rules if recording is None and (script is not None or options.command) else [])
    _ = options.limit  # now, so that a mistake shows before anything is started

    def observe(address: str) -> _Observer:
        observers = [one(address) for one in (judge.connection, log) if one is not None]

        def see(record: Record) -> None:
            for one in observers:
                one(record)

        return see

    folder = record or (_recordings() if judge.rules or options.command else None)
    server = make(record=folder, observe=observe)

    def deviated(mismatch: Mismatch) -> None:
        judge.mismatches.append(mismatch)
        tell(mismatch)

    server.on_mismatch = deviated
    return OnceRun(server, options, judge, Path(script or recording or "").name, kept=record is not None)


def _recordings() -> str | None:
    """The folder of recordings; None where the user wants none."""
    settings = settings_of()
    if settings.get("record") is False:
        return None
    from rtcli.cli.recording_options import folder_of

    return str(folder_of(settings.get("recordings")).path)
