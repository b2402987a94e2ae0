"""`rtcli export`: a recorded session as a file for other programs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtcli.cli import completion, output, report
from rtcli.cli.options import settings_of
from rtcli.errors import ExitCode, UsageError
from rtcli.files import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rtcli.protocol.record import Record
    from rtcli.recording.reader import RecordingReader


def export(
    file: Annotated[str, typer.Argument(metavar="FILE|NAME|-", help="A recording: a file, a name, last, or stdin.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="md|json|wav|events|perfetto|otlp",
            help="What to write.",
            autocompletion=completion.one_of("md", "json", "wav", "events", "perfetto", "otlp"),
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Where; - is stdout. Default: here, named after FILE."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> ExitCode:
    """Write a recorded session as a file for other programs.

    \b
    rtcli export last --to wav
    rtcli export last --to events -o again.ndjson && rtcli send-event again.ndjson --local
    rtcli export last --to otlp -o - | curl -H content-type:application/json --data-binary @- localhost:4318/v1/traces

    md is the conversation to read, json its items. wav has the user on the left and what was heard on the right, in
    true time. events are those that were sent. perfetto is for ui.perfetto.dev, otlp for OpenTelemetry.
    """
    from rtcli.cli.apart import require_apart
    from rtcli.cli.recording_options import stem_of
    from rtcli.commands.export import FORMATS, write_export
    from rtcli.files import new_file
    from rtcli.views import Level, Notice

    if to not in FORMATS:
        raise UsageError(f"--to {to}: unknown format", hint=f"one of {', '.join(FORMATS)}")
    recording = _Recording(file)
    if out == "-":
        # Bytes, past the text layer, which would change line ends on Windows.
        exported = write_export(to, recording.source, sys.stdout.buffer.write)
        sys.stdout.buffer.flush()
    else:
        path = expanded(out) if out else Path(f"{stem_of(recording.path)}{FORMATS[to].suffix}")
        require_apart("-o", path, recording.path)
        with new_file(path, replace=force) as write:
            exported = write_export(to, recording.source, write)
        output.show(Notice(f"{exported.what} written to {path}", level=Level.OK))
    for note in (*recording.notes, *exported.notes):
        report.line(note)
    return ExitCode.OK


class _Recording:
    """A recording that exporters read, some of them twice; `notes` says what had to be passed over."""

    def __init__(self, file: str) -> None:
        """Raises InputError."""
        from rtcli.cli.recording_options import recording_path
        from rtcli.recording.export.source import Source

        self.path = recording_path(file, settings_of().get("recordings"))
        self._kept: list[Record] | None = None  # of standard input, which cannot be read twice
        reader = self._open()
        if file == "-":
            self._kept = list(reader)
        # It was opened for its header, which the exporters need before the records.
        reader.close()
        header = reader.header
        about = (header.started, header.endpoint, header.model, header.program) if header else ()
        self.source = Source(self._records, *about)

    def _open(self) -> "RecordingReader":
        from rtcli.recording.reader import open_recording

        self._reader = open_recording(self.path)
        return self._reader

    def _records(self) -> "Iterator[Record]":
        if self._kept is not None:
            yield from self._kept
            return
        with self._open() as reader:
            yield from reader

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader passed over."""
        return tuple(f"{self._reader.name}: {note}" for note in self._reader.notes)
