"""`rtcli recordings`: list, search and delete the sessions that were recorded."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtcli.cli import options, output, report
from rtcli.cli.recording_options import Recordings, folder_of
from rtcli.errors import ExitCode, InputError, UsageError
from rtcli.protocol.units import size
from rtcli.views import Level, Notice, Table, counted

if TYPE_CHECKING:
    from rtcli.protocol.record import Frame
    from rtcli.recording.folder import RecordingFile, RecordingFolder

_HELP = """List, search and delete recorded sessions.

\b
rtcli recordings list
rtcli recordings search error
rtcli recordings delete 2026-11-26T10-00-00-chat-a1b2
"""

app = options.group(_HELP)

_Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
_MAX_MATCHES = 200  # that are shown; all are counted


def _folder(directory: str | None) -> "RecordingFolder":
    return folder_of(directory or options.settings_of().get("recordings"))


@app.command("list")
def list_recordings(recordings: Recordings = None, json: _Json = False) -> ExitCode:
    """List the recordings, the newest first.

    \b
    rtcli recordings list
    rtcli recordings list --json | jq -r .path
    """
    from rtcli.recording.folder import described

    folder = _folder(recordings)
    entries = [described(entry) for entry in folder.entries()]
    if json:
        for entry in entries:
            output.show_json(_as_json(entry))
        return ExitCode.OK
    if not entries:
        output.show(Notice(f"no recordings in {folder.path}", "rtcli chat records what happens at its prompt"))
        return ExitCode.OK
    rows = tuple(_row(entry) for entry in entries)
    title = f"{counted(len(rows), 'recording')}, {size(sum(entry.size for entry in entries))}, in {folder.path}"
    output.show(Table(("name", "size", "connected to", "model"), rows, title=title))
    return ExitCode.OK


def _row(entry: "RecordingFile") -> tuple[str, ...]:
    header = entry.header
    about = (header.endpoint, header.model) if header else ("not a recording", "")
    return (entry.name, size(entry.size) + (" (being written)" if entry.writing else ""), *about)


def _as_json(entry: "RecordingFile") -> dict[str, Any]:
    header = entry.header
    about = {} if header is None else {
        "started": header.started.isoformat(),
        "command": header.command,
        "endpoint": header.endpoint,
        "model": header.model,
    }  # fmt: skip
    return {"name": entry.name, "path": str(entry.path), "bytes": entry.size, "writing": entry.writing, **about}


@app.command()
def search(
    terms: Annotated[list[str], typer.Argument(metavar="TERMS", help="The terms of /filter; all must match.")],
    recordings: Recordings = None,
    text: Annotated[str | None, typer.Option("--text", metavar="TEXT", help="The event contains this text.")] = None,
    json: _Json = False,
) -> ExitCode:
    """Find events in all recordings.

    \b
    rtcli recordings search error
    rtcli recordings search 'response.done' --text rate_limit
    rtcli recordings search item=item_42 --json | jq .path
    """
    from rtcli.protocol.filters import parse_filter

    wire_filter = parse_filter(" ".join(terms))
    found = 0
    for entry in _folder(recordings).entries():
        for frame in _frames(entry):
            if not wire_filter.matches(frame) or (text is not None and text not in _text_of(frame)):
                continue
            found += 1
            if json:
                about = {"path": str(entry.path), "n": frame.number, "t": frame.at, "dir": frame.direction.value}
                output.show_json({**about, "event": frame.event})
            elif found <= _MAX_MATCHES:
                _show_match(entry, frame)
    if not json:
        left_out = f", the first {_MAX_MATCHES} are shown" if found > _MAX_MATCHES else ""
        report.line(f"{counted(found, 'event')}{left_out}")
    return ExitCode.OK if found else ExitCode.EXPECTATION  # like grep, so that scripts can ask


def _frames(entry: "RecordingFile") -> "list[Frame]":
    """The frames of a recording; one that cannot be read is told of and passed over."""
    from rtcli.protocol.record import Frame
    from rtcli.recording.reader import open_recording

    try:
        with open_recording(str(entry.path)) as reader:
            return [record for record in reader if isinstance(record, Frame)]
    except InputError as error:
        report.line(f"warning: {error}")
        return []


def _text_of(frame: "Frame") -> str:
    return frame.raw if isinstance(frame.raw, str) else frame.raw.decode(errors="replace")


def _show_match(entry: "RecordingFile", frame: "Frame") -> None:
    from rtcli.protocol.filters import type_of
    from rtcli.protocol.units import since
    from rtcli.views import Text

    about = f"#{frame.number} {since(frame.at)} {frame.direction.value} {type_of(frame)}"
    output.show(Text(f"{entry.name}  {about}"))


@app.command()
def delete(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Recordings, as the list names them.")],
    recordings: Recordings = None,
) -> ExitCode:
    """Delete recordings.

    \b
    rtcli recordings delete 2026-11-26T10-00-00-chat-a1b2
    """
    from rtcli.files import is_locked

    folder = _folder(recordings)
    for path in [folder.find(name) for name in names]:  # all are there, or none is deleted
        # The writer would go on into a file without a name, and nobody would ever see it.
        if is_locked(path):
            raise UsageError(f"{path} is being written", hint="end the session that writes it first")
        try:
            path.unlink()
        except OSError as error:
            raise InputError(str(path), error.strerror or str(error)) from error
        output.show(Notice(f"{path} deleted", level=Level.OK))
    return ExitCode.OK


@app.command()
def prune(
    recordings: Recordings = None,
    keep: Annotated[int | None, typer.Option("--keep", metavar="N", help="Keep this many files at most.")] = None,
    megabytes: Annotated[
        int | None, typer.Option("--mb", metavar="MB", help="Keep this many megabytes at most.")
    ] = None,
) -> ExitCode:
    """Delete the oldest recordings.

    \b
    rtcli recordings prune
    rtcli recordings prune --keep 10

    The rest is within the bounds that are named, or else at most 200 files and 2 GiB.
    """
    for name, value in (("--keep", keep), ("--mb", megabytes)):
        if value is not None and value < 0:
            raise UsageError(f"{name} {value}: a number from 0 on is needed")
    max_bytes = None if megabytes is None else megabytes * 1_000_000
    gone = _folder(recordings).prune(max_bytes=max_bytes, max_files=keep)
    output.show(Notice(f"{counted(len(gone), 'recording')} deleted, {size(sum(entry.size for entry in gone))}"))
    return ExitCode.OK
