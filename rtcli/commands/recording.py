"""Commands for the recording of this session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from rtcli.commands.arguments import FilePath
from rtcli.commands.context import Context
from rtcli.commands.registry import command
from rtcli.errors import UsageError
from rtcli.protocol.units import size
from rtcli.views import Level, Notice, Views


@command("record", topic="replay")
def record(context: Context) -> Views:
    """Show whether and where this session is recorded."""
    recorder = context.session.recorder
    if recorder.writer is None:
        return Notice("this session is not recorded", hint="/record start")
    if not recorder.on:
        return Notice(f"the recording has ended: {recorder.path}", recorder.writer.problem)
    return Notice(f"recording to {recorder.path}", f"{size(recorder.writer.size)} so far")


@command("record start", topic="replay")
def record_start(
    context: Context, file: Annotated[Path | None, FilePath(".ndjson")] = None, *, force: bool = False
) -> Views:
    """Record this session, into the folder of recordings or to a file (--force overwrites one).

    Events that the log still holds are included.
    """
    if file == Path("-"):
        raise UsageError("/record start -", why="a recording needs a file", hint="/record start FILE")
    path = context.session.recorder.start(file, replace=force)
    return Notice(f"recording to {path}", level=Level.OK)


@command("record stop", topic="replay")
def record_stop(context: Context) -> Views:
    """End the recording."""
    recorder = context.session.recorder
    if not recorder.on:
        raise UsageError("nothing is being recorded", hint="/record start")
    recorder.stop()
    return Notice(f"recorded to {recorder.path}", hint=f"rtcli replay {recorder.path}", level=Level.OK)
