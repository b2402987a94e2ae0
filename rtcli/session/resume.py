"""Takes the conversation out of a recording, for a new session to go on with."""

from __future__ import annotations

from rtcli.recording.reader import RecordingReader
from rtcli.session.state import SessionState
from rtcli.session.transfer import TransferResult
from rtcli.views import Level, Notice, counted


def conversation_of(reader: RecordingReader) -> tuple[TransferResult, tuple[Notice, ...]]:
    """The conversation at the end of a recording, and what there is to say of it. Raises InputError."""
    state = SessionState()
    with reader:
        for record in reader:
            state.observe(record)
    found = state.portable()
    what = f"{counted(len(found.items), 'item')} of {reader.name} carried over"
    notes = tuple(Notice(note, level=Level.WARNING) for note in reader.notes)
    return found, (Notice(what, level=Level.OK), *notes, *found.notices)
