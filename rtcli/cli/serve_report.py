"""What `rtcli serve --once` says at its end: findings, recordings, what became of the program, and JUnit XML."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from rtcli.cli import output
from rtcli.cli.serve_once import OnceRun
from rtcli.errors import ExitCode
from rtcli.files import write_file
from rtcli.lint import Finding
from rtcli.scenario.junit import junit_xml
from rtcli.scenario.verdict import SuiteResult
from rtcli.views import DisplaySettings, Level, Notice, Table, View, counted


def conclude(run: OnceRun) -> ExitCode:
    """Judge the run, which is over, and tell on stderr; one without a command that went well has nothing to say.

    Raises InputError for a JUnit file that cannot be written.
    """
    result = run.result()
    if run.name or result.exit_code is not ExitCode.OK:
        # stderr, since stdout is the program's own; a reader of it that has left changes no verdict.
        writer = output.plain_writer(DisplaySettings(), None, lambda problem: None, sys.stderr)
        for view in _views(run, result):
            writer.write(view)
        writer.close()
    if run.options.junit is not None:
        write_file(Path(run.options.junit), junit_xml([result]), replace=True)
    return result.exit_code


def _views(run: OnceRun, result: SuiteResult) -> Iterator[View]:
    found = list(run.judge.findings())
    if found:
        yield _table(found)
    for path in dict.fromkeys(case.recording for case in result.cases if case.recording):
        yield Notice(f"recording: {path}")
    passed = result.exit_code is ExitCode.OK
    for case in result.cases:
        if case.group == "command":
            for _, problem in case.problems:
                yield Notice(f"{case.name}: {problem.message}", hint=", ".join(problem.details), level=Level.ERROR)
    if run.name:
        what = f"{'passed' if passed else 'failed'}: {run.name}"
        yield Notice(what, ", ".join(_counts(run, result)), level=Level.OK if passed else Level.ERROR)


def _counts(run: OnceRun, result: SuiteResult) -> Iterator[str]:
    broken = sum(1 for case in result.cases if case.group == "rules" for _ in case.problems)
    yield counted(len(run.judge.connections), "connection")
    if run.judge.mismatches:
        yield counted(len(run.judge.mismatches), "mismatch", "mismatches")
    if broken:
        yield f"{counted(broken, 'breach', 'breaches')} of a rule"


def _table(found: list[tuple[int, Finding]]) -> Table:
    rows = tuple(
        (one.rule.severity.value, str(number), f"#{one.number}" if one.number else "", one.rule.id, one.text)
        for number, one in found
    )
    return Table(("", "connection", "event", "rule", "finding"), rows)
