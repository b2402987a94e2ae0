"""`rtcli diff`: two recorded sessions side by side."""

from typing import TYPE_CHECKING, Annotated

import typer

from rtcli.cli import completion, output, report
from rtcli.cli.options import settings_of
from rtcli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rtcli.config.settings import Settings
    from rtcli.timeline.timeline import Timeline

_FILE = "A recording: a file, a name, last, or stdin."


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=_FILE)],
    b: Annotated[str, typer.Argument(metavar="B", help="The recording to compare it with.")],
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="WHAT[=PERCENT]",
            help="Exit with 6 if words, tools, status or turns differ, or latency, tokens or cost grew.",
            autocompletion=completion.conditions,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> ExitCode:
    """Compare two recorded sessions, turn by turn.

    \b
    rtcli diff before.ndjson after.ndjson
    rtcli diff before.ndjson last --fail-on tools --fail-on latency=10%
    rtcli diff before.ndjson after.ndjson --json | jq .totals.voice_to_ear

    Turns in which the same was said are compared: words, tool calls, latencies, tokens, cost. The exit code is 0
    whatever differs, and 6 where --fail-on says so; a latency counts as grown from 20% and 20 ms on, if no other
    percentage is given. --fail-on any is all of them.
    """
    # The second reader would find the input at its end.
    if a == b == "-":
        raise UsageError("only one of both can be standard input")
    from rtcli.commands.differences import Comparison
    from rtcli.config.prices import cost_by
    from rtcli.timeline.conditions import broken, parse_conditions

    conditions = parse_conditions(fail_on or [])
    settings = settings_of()
    left, right = _timeline(a, settings), _timeline(b, settings)
    found = Comparison(left.turns, right.turns, cost_by(settings.get("prices")))
    if json:
        output.show_json(found.as_json())
    else:
        output.show(*found.views())
    # On stderr, after the tables: stdout stays what a program reads.
    problems = list(broken(conditions, found.changes, found.totals))
    for problem in problems:
        report.line(problem)
    return ExitCode.EXPECTATION if problems else ExitCode.OK


def _timeline(file: str, settings: "Settings") -> "Timeline":
    """The turns of a recording. Raises InputError."""
    from rtcli.cli.recording_options import recording_path
    from rtcli.recording.reader import open_recording
    from rtcli.timeline.timeline import read

    with open_recording(recording_path(file, settings.get("recordings"))) as reader:
        timeline = read(reader)
        for note in reader.notes:
            report.line(f"{reader.name}: {note}")
    return timeline
