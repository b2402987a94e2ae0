"""The records of a session so far, for commands that look at all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rtcli.commands.context import Context
from rtcli.errors import UsageError
from rtcli.protocol.record import Record
from rtcli.recording.reader import open_recording


def records_so_far(context: Context) -> Iterable[Record]:
    """Everything that has happened so far. Raises UsageError where a part of it is gone."""
    if context.recorded is not None:
        return context.recorded.records_so_far()
    log, path = context.state.log, _recording(context)
    # Read back from the recording, which has all of it: the log in memory evicts what is old.
    if path is not None and log.read_back is not None:
        return _in_file(path)
    if log.forgotten or log.evicted:
        raise UsageError(
            "a part of this session is no longer in the log", hint="/record start keeps all of the next session"
        )
    return log.everything()


def _recording(context: Context) -> Path | None:
    if context.proxied is not None:
        return context.proxied.recording
    recorder = context.session.recorder
    return recorder.path if recorder.on else None


def _in_file(path: Path) -> Iterator[Record]:
    with open_recording(str(path)) as reader:
        yield from reader
