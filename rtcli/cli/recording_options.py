"""Whether and where a session is recorded, as the command line and the settings have it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtcli.cli.apart import require_apart
from rtcli.errors import InputError, UsageError
from rtcli.files import expanded
from rtcli.views import Level, Notice

if TYPE_CHECKING:
    from rtcli.config.endpoints import Endpoint
    from rtcli.config.settings import Settings
    from rtcli.recording.folder import RecordingFolder
    from rtcli.recording.writer import RecordingWriter
    from rtcli.session.recorder import Recorder
    from rtcli.session.session import RealtimeSession

_PANEL = "Recording"


def record_file(name: str | None) -> str | None:
    """The file of --record. Raises UsageError for a name that nobody gives to a file."""
    return _named(name, "a recording needs a file", "--both prints both directions to stdout")


def record_folder(name: str | None) -> str | None:
    """The folder of --record. Raises UsageError for a name that nobody gives to a folder."""
    return _named(name, "recordings need a folder")


def _named(name: str | None, why: str, hint: str = "") -> str | None:
    if name is not None and name.strip() in ("", "-"):
        raise UsageError(f"--record {name!r}", why=why, hint=hint)
    return name


Record = Annotated[
    str | None,
    typer.Option(
        "--record",
        metavar="FILE",
        help="Record the session to this file.",
        rich_help_panel=_PANEL,
        callback=record_file,
    ),
]
NoRecord = Annotated[bool, typer.Option("--no-record", help="Record nothing.", rich_help_panel=_PANEL)]
Recordings = Annotated[
    str | None,
    typer.Option("--recordings", metavar="DIR", help="The folder of recordings.", rich_help_panel=_PANEL),
]


Resume = Annotated[
    str | None,
    typer.Option("--resume", metavar="FILE|last", help="Continue a recorded conversation.", rich_help_panel=_PANEL),
]


@dataclass(frozen=True, slots=True)
class RecordingChoice:
    """`file` was named and must be had; without one a prompt records into `directory` unless that is `off`."""

    file: str | None = None
    off: bool = True
    directory: str | None = None
    replace: bool = False  # a file that exists
    resume: str | None = None  # a recording whose conversation the session goes on with

    def resume_in(self, session: RealtimeSession) -> None:
        """Have the session begin with the recorded conversation, and say so when it does.

        Raises InputError, and UsageError where the session would be recorded over it.
        """
        if self.resume is None:
            return
        from rtcli.recording.reader import open_recording
        from rtcli.session.resume import conversation_of

        path = str(self.folder.find(self.resume))
        if self.file is not None:
            require_apart("--record", self.file, path)
        found, notices = conversation_of(open_recording(path))
        session.lifecycle.first_items, session.lifecycle.first_notices = found.items, notices

    @property
    def folder(self) -> RecordingFolder:
        """Where recordings without a name go, and where they are looked for."""
        return folder_of(self.directory)

    def at_prompt(self) -> bool:
        """A prompt records."""
        return self.file is not None or not self.off

    def begin(self, recorder: Recorder, *, prompt: bool) -> Notice | None:
        """Start the recording, if there is to be one. A folder that takes none is told of.

        Raises InputError for a named file that cannot be made.
        """
        if self.file is not None:
            recorder.start(expanded(self.file), replace=self.replace)
        elif prompt and not self.off:
            try:
                # A file that was named must be had, this one not: a full disk must not keep anybody from a chat.
                recorder.start()
            except InputError as error:
                what = "this session is not recorded"
                return Notice(what, str(error), "--recordings DIR names another folder", Level.WARNING)
        return None


def recording_choice(
    settings: Settings,
    record: str | None,
    *,
    no_record: bool,
    directory: str | None,
    replace: bool = False,
    resume: str | None = None,
) -> RecordingChoice:
    """The choice of a command line, with the settings behind it. Raises UsageError."""
    if record is not None and no_record:
        raise UsageError("--record and --no-record exclude each other")
    off = no_record or settings.get("record") is False
    return RecordingChoice(record, off, directory or settings.get("recordings"), replace, resume)


def file_writer(file: str | None, command: str, endpoint: Endpoint, *, replace: bool = False) -> RecordingWriter | None:
    """The writer of the recording that was named; what becomes of it later is told on stderr. Raises InputError."""
    if file is None:
        return None
    from datetime import UTC, datetime

    import rtcli
    from rtcli.cli import report
    from rtcli.recording.header import Header
    from rtcli.recording.writer import RecordingWriter

    def failed(problem: str) -> None:
        report.line(f"warning: the recording ends here: {file}: {problem}")

    header = Header(datetime.now(UTC), command, endpoint.label, endpoint.model or "", rtcli.__version__)
    return RecordingWriter(expanded(file), header, failed=failed, replace=replace)


def recording_path(file: str, directory: str | None) -> str:
    """The path of a recording by its file, its name in this folder, or "last"; "-" stays. Raises InputError."""
    return file if file == "-" else str(folder_of(directory).find(file))


def folder_of(directory: str | None) -> RecordingFolder:
    """The folder that was named, else the program's own."""
    from rtcli.config.folders import recordings_folder
    from rtcli.recording.folder import RecordingFolder

    return RecordingFolder(expanded(directory) if directory else recordings_folder())


def stem_of(recording: str) -> str:
    """What a file that is made of a recording is named after: its name without the extensions."""
    name = "session" if recording == "-" else Path(recording).name.removesuffix(".gz")
    return name.removesuffix(".ndjson").removesuffix(".jsonl").removesuffix(".json") or "session"
