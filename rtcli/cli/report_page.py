"""`rtcli report`: a recorded session as one HTML page."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtcli.cli import output, report
from rtcli.cli.options import settings_of
from rtcli.errors import ExitCode
from rtcli.files import expanded
from rtcli.protocol.units import size

if TYPE_CHECKING:
    from rtcli.recording.report.events import Describe
    from rtcli.recording.report.page import Session


class PageAudio(StrEnum):
    """As `recording.report.audio.AudioKind`, which --help need not import."""

    COMPACT = "compact"
    FULL = "full"
    NONE = "none"


def report_page(
    file: Annotated[str, typer.Argument(metavar="FILE|NAME|-", help="A recording: a file, a name, last, or stdin.")],
    out: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Where; - is stdout. Default: here, named after FILE."),
    ] = None,
    audio: Annotated[
        PageAudio, typer.Option("--audio", help="compact: 38 MB for an hour of a track. full: 24 kHz PCM16, 230 MB.")
    ] = PageAudio.COMPACT,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> ExitCode:
    """Make one HTML page of a recorded session.

    \b
    rtcli report last
    rtcli report session.ndjson -o bug.html
    rtcli report session.ndjson --audio none -o - >page.html

    The page is one file that needs no network: the timeline with both sides' audio, the turns, every event with what
    caused it. Secrets are masked. It takes recordings, the output of --both and plain events.
    """
    import rtcli
    from rtcli.cli.apart import require_apart
    from rtcli.cli.recording_options import recording_path, stem_of
    from rtcli.config.prices import cost_by
    from rtcli.files import new_file
    from rtcli.recording.report.audio import AudioKind
    from rtcli.recording.report.page import page
    from rtcli.views import Level, Notice

    settings = settings_of()
    path = recording_path(file, settings.get("recordings"))
    session = _read(path)
    pieces = page(session, AudioKind(audio.value), cost_by(settings.get("prices")), rtcli.__version__)
    if out == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return ExitCode.OK
    target = expanded(out) if out else Path(f"{stem_of(path)}.html")
    require_apart("-o", target, path)
    written = 0
    with new_file(target, replace=force) as write:
        for piece in pieces:
            write(piece)
            written += len(piece)
    output.show(Notice(f"{size(written)} written to {target}", level=Level.OK))
    return ExitCode.OK


def _read(path: str) -> "Session":
    """The whole session. Raises InputError."""
    from rtcli.recording.reader import open_recording
    from rtcli.recording.report.page import read_session

    with open_recording(path) as reader:
        name = "standard input" if path == "-" else Path(path).name
        session = read_session(name, reader.header, reader, describer())
        session.notes += reader.notes
    for note in reader.notes:
        report.line(note)
    return session


def describer() -> "Describe":
    """The words of the event view for each frame of one session, in their order."""
    from rtcli.protocol.audio_formats import base64_length
    from rtcli.protocol.audio_payloads import AUDIO_FIELDS
    from rtcli.protocol.record import Frame
    from rtcli.recording.report.events import Described
    from rtcli.render.media import MediaElider, WireFormats
    from rtcli.render.summary import summarize

    formats = WireFormats()
    elider = MediaElider(formats)

    def describe(frame: Frame) -> Described:
        event = frame.event
        if event is None:
            return Described(frame.problem, None)
        # Before it is described: session.updated changes the format of what follows.
        formats.observe(event)
        kind = event.get("type")
        field = AUDIO_FIELDS.get(kind) if isinstance(kind, str) else None
        if field is not None and isinstance(event.get(field), str):  # most of a session: its level is in the waveform
            size = base64_length(event[field])
            milliseconds = formats.of(str(kind)).milliseconds(size)
            return Described(f"{milliseconds} ms", {**event, field: f"<{size} B audio, {milliseconds} ms>"})
        return Described(summarize(event, formats), elider.of(event))

    return describe
