"""Writes a session as files for other programs: one table of the formats, for `/export` and `rtcli export` alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal, cast

from rtcli.commands.arguments import FilePath
from rtcli.commands.context import Context
from rtcli.commands.records import records_so_far
from rtcli.commands.registry import command
from rtcli.files import new_file
from rtcli.masking import masked
from rtcli.recording.export.source import Exported, Source, Write
from rtcli.session.state import SessionState
from rtcli.session.transfer import as_json, as_markdown
from rtcli.views import Level, Notice, Views, counted


@dataclass(frozen=True, slots=True)
class Format:
    """What it is, what its name ends with, and the exporter: of the records ("module:function") or the conversation."""

    meaning: str
    suffix: str
    of_records: str = ""
    of_state: Callable[[SessionState, str], str] | None = None


def _markdown(state: SessionState, model: str) -> str:
    return as_markdown(state.history, f"Conversation with {model}")


def _json(state: SessionState, _model: str) -> str:
    return json.dumps(as_json(state.history, state.items.call_ids), indent=2, ensure_ascii=False) + "\n"


FORMATS: Mapping[str, Format] = {
    "md": Format("the conversation, to read", ".md", of_state=_markdown),
    "json": Format("its items, as /reset takes them", ".json", of_state=_json),
    "wav": Format("the audio in true time: left the user, right what was heard", ".wav", "wav:export_wav"),
    "events": Format("what was sent, for send-event to send again", ".events.ndjson", "events:export_events"),
    "perfetto": Format("the timeline as a Chrome trace", ".perfetto.json", "perfetto:export_perfetto"),
    "otlp": Format("the timeline as an OpenTelemetry trace", ".otlp.json", "otlp:export_otlp"),
}
"""Each form by its name."""


def write_export(form: str, source: Source, write: Write, state: SessionState | None = None) -> Exported:
    """Write a session in this form. `state` is what is known of it already; None: the records tell.

    Raises UsageError for a session that has nothing of the kind, InputError for records that cannot be read.
    """
    row = FORMATS[form]
    if row.of_state is None:
        module, _, name = row.of_records.partition(":")
        # Imported when it is asked for: a prompt that never exports does not load the exporters.
        exporter = getattr(import_module(f"rtcli.recording.export.{module}"), name)
        return cast(Exported, exporter(source, write))
    if state is None:
        state = SessionState()
        for record in source.records():
            state.observe(record)
    model = source.model or str((state.session or {}).get("model") or "a model")
    # backslashreplace: a lone surrogate, which JSON allows, has no UTF-8.
    write(masked(row.of_state(state, model)).encode("utf-8", "backslashreplace"))
    return Exported(counted(len(state.history), "item"))


@command("export", topic="items")
async def export(
    context: Context,
    form: Literal["md", "json", "wav", "events", "perfetto", "otlp"],
    file: Annotated[Path, FilePath()],
    *,
    force: bool = False,
) -> Views:
    """Write the session to a file; --force overwrites one.

    md is the conversation to read, json the same for /reset; wav the audio, you on the left and what you heard on the
    right; events what was sent, for send-event; perfetto and otlp the timeline, for ui.perfetto.dev and OpenTelemetry.
    """
    status, state = context.status, context.state if FORMATS[form].of_state else None
    source = Source(lambda: records_so_far(context), context.started, status.endpoint, status.model)

    def write() -> Exported:
        with new_file(file, replace=force) as file_write:
            return write_export(form, source, file_write, state)

    # in a thread: a long session must not hold up the conversation
    # The live state changes on this loop, so it is only read here; records are safe to read in a thread.
    exported = write() if state is not None else await asyncio.to_thread(write)
    notes = [Notice(note, level=Level.WARNING) for note in exported.notes]
    return [Notice(f"{exported.what} written to {file}", level=Level.OK), *notes]
