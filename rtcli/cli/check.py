"""`rtcli check`: judges a recorded session by the rules of the protocol."""

from typing import TYPE_CHECKING, Annotated

import typer

from rtcli.cli import completion, output, report
from rtcli.cli.options import settings_of
from rtcli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rtcli.lint import Finding


def check(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE|NAME|-", help="A recording: a file, a name, last, or stdin.")
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore",
            metavar="RULE",
            help="Leave this rule out; repeatable.",
            autocompletion=completion.rules,
        ),
    ] = None,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules, and check nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each finding.")] = False,
) -> ExitCode:
    """Check a recorded session by the rules of the protocol.

    \b
    rtcli check last
    rtcli check session.ndjson --json | jq -r .rule
    rtcli send-event events.json --both | rtcli check -

    It takes recordings, the output of --both and plain events. The exit code is 6 where something is wrong, 0 where
    there are warnings and notes at most. /check does the same at a prompt.
    """
    from rtcli.cli.recording_options import recording_path
    from rtcli.lint import RULES, Linter, Severity, rules_without
    from rtcli.recording.reader import open_recording
    from rtcli.views import Table

    if rules:
        rows = tuple((one.id, one.severity.value, one.sentence, one.prevents) for one in RULES)
        output.show(Table(("rule", "severity", "how it should be", "what it prevents"), rows))
        return ExitCode.OK
    if file is None:
        raise UsageError("no recording is named", hint="rtcli check last, or rtcli recordings list")
    linter = Linter(rules_without(ignore or []))
    with open_recording(recording_path(file, settings_of().get("recordings"))) as reader:
        for record in reader:
            linter.observe(record)
    # Only now: the reader knows what it had to pass over when it is at the end.
    for note in reader.notes:
        report.line(note)
    findings, more = linter.finish(), sum(linter.more.values())
    if json:
        for finding in findings:
            output.show_json(_as_json(finding))
    else:
        from rtcli.commands.findings import findings_views

        output.show(*findings_views(findings, more))
    wrong = any(finding.rule.severity is Severity.ERROR for finding in findings)
    return ExitCode.EXPECTATION if wrong else ExitCode.OK


def _as_json(finding: "Finding") -> dict[str, object]:
    return {
        "severity": finding.rule.severity.value,
        "rule": finding.rule.id,
        "n": finding.number,
        "t": finding.at,
        "finding": finding.text,
        "prevents": finding.rule.prevents,
    }
