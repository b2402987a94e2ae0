"""Commands for the wire: which events to see, one event whole, where it came from, events by hand."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from rtcli.commands.arguments import EventPattern, FilterTerms, RecordKey, RemainingText
from rtcli.commands.client_events import send_events
from rtcli.commands.context import Context
from rtcli.commands.registry import command
from rtcli.commands.sent_line import sent_line
from rtcli.errors import UsageError
from rtcli.protocol.filters import parse_filter, type_of
from rtcli.protocol.ids import ids_of, short_id
from rtcli.protocol.patterns import Pattern, compile_pattern
from rtcli.protocol.record import Frame
from rtcli.reading import read_text
from rtcli.views import Json, Notice, Table, Text, View, Views, counted

_MAX_MATCHES = 50
_MAX_RAW = 4000  # characters of a frame that is not an event
# the third column is the direction, an arrow that needs no heading
_COLUMNS = ("#", "time", "", "type", "about", "cause")


@command("send", topic="wire")
def send(context: Context, event: RemainingText, *, raw: bool = False) -> Views:
    """Send events unchanged: JSON, one or several, or @FILE.

    A response.create waits for its turn like any other; --raw sends it at once, to provoke a race.
    """
    before = context.session.state.log.last_number
    path = Path(event[1:]).expanduser() if event.startswith("@") else None
    text, file = (event, "") if path is None else (read_text(path), str(path))
    views = send_events(text, context, raw=raw, file=file)
    return [*views, *sent_line(context, before)]


@command("events", topic="wire")
def events(context: Context, view: Literal["off", "summary", "all"] | None = None) -> Views:
    """Choose which events are shown: none, one row per stream, or every frame. Without an argument: the next mode."""
    order = ("off", "summary", "all")
    context.display.events = view or order[(order.index(context.display.events) + 1) % len(order)]
    return Notice(f"events: {context.display.events}")


@command("filter", topic="wire")
def filter_events(context: Context, expression: Annotated[str, FilterTerms()] = "") -> Views:
    """Show only some events: response.* -*.delta < item=ID error. Without terms: all events."""
    parse_filter(expression)
    context.display.filter = expression
    # a filter is set to see something
    if expression and context.display.events == "off":
        context.display.events = "summary"
    return Notice(f"filter: {expression}" if expression else "no filter")


@command("last", topic="wire")
def last(context: Context, pattern: Annotated[str, EventPattern()] = "*") -> Views:
    """Show the last event, or the last of a type: /last response.done"""
    record = context.state.log.last(pattern)
    if record is None:
        raise UsageError(f"no event of type {pattern!r} yet")
    return _whole(record)


@command("show", topic="wire")
def show(context: Context, key: Annotated[str, RecordKey()], *, full: bool = False) -> Views:
    """Show one event in full: by number, or the last with an id or of a type. --full prints base64 too."""
    return _whole(context.state.log.whole(_find(context, key)), full=full)


@command("grep", topic="wire")
async def grep(context: Context, pattern: RemainingText) -> Views:
    """Find events whose JSON matches a regular expression; shows the last 50."""
    compiled = compile_pattern(pattern)
    stop = threading.Event()
    try:  # in a thread: a long log must not hold up the session
        matches = await asyncio.to_thread(_matching, context.state.log.everything(), compiled, stop)
    finally:
        # Ctrl+C leaves the thread behind, which sees this at its next record
        stop.set()
    if not matches:
        return Notice(f"no event matches {pattern!r}")
    left_out = len(matches) - _MAX_MATCHES
    title = counted(len(matches), "match", "matches")
    if left_out > 0:
        title += f", the last {_MAX_MATCHES}"
    return Table(_COLUMNS, _rows(matches[-_MAX_MATCHES:]), title=title)


@command("why", topic="wire")
def why(context: Context, key: Annotated[str | None, RecordKey()] = None) -> Views:
    """Show what led to an event: the response, the event before it, the command. The newest is first.

    Without an event: the last one that went wrong, else the last one.
    """
    record = _find(context, key) if key else _last_failure(context)
    chain = [record, *context.state.log.why(record.number)]
    views: list[View] = [Table(_COLUMNS, _rows(chain), title=f"why #{record.number}")]
    first = chain[-1]
    if first.parent:
        views.append(Notice("it goes back further", hint=f"/why {first.parent}"))
    elif first.cause:
        views.append(Notice(f"triggered by {first.cause}"))
    elif len(chain) == 1:
        views.append(Notice("what led to it is not known"))
    return views


@command("mark", topic="wire")
def mark(context: Context, note: RemainingText = "") -> Views:
    """Put a mark between the events, to find this point again."""
    context.session.mark(note)
    return None


def _matching(records: Iterable[Frame], pattern: Pattern, stop: threading.Event) -> list[Frame]:
    return [record for record in records if not stop.is_set() and pattern.search(_searchable(record))]


def _last_failure(context: Context) -> Frame:
    log = context.state.log
    if not log.records:
        raise UsageError("nothing has been sent yet")
    return log.last_failure or log.records[-1]


def _find(context: Context, key: str) -> Frame:
    log = context.state.log
    # a number or an id first; what is neither is a type
    record = log.find(key) or log.last(key)
    if record is None:
        number = key.removeprefix("#")
        if number.isdecimal() and 0 < int(number) <= log.forgotten:
            why = f"the log holds the newest {log.max_event_bytes // 2**20} MiB"
            raise UsageError(f"event #{number} is forgotten", why=why, hint=f"the oldest is #{log.forgotten + 1}")
        first = log.forgotten + 1
        kept = f"numbers go from {first} to {log.last_number}" if log.records else "nothing has been sent yet"
        raise UsageError(f"no event {key!r} yet", hint=kept)
    return record


def _whole(record: Frame, *, full: bool = False) -> Views:
    title = f"#{record.number} {record.direction} +{record.at:.3f} s{', binary message' if record.binary else ''}"
    if record.event is None:
        raw = record.raw if isinstance(record.raw, str) else record.raw.decode(errors="backslashreplace")
        # a frame may have 64 MiB
        shown = raw if full or len(raw) <= _MAX_RAW else f"{raw[:_MAX_RAW]}... (--full shows all)"
        return Text(f"{title}: no event ({record.problem}), {record.size} bytes\n{shown}")
    return Json(record.event, title=title, full=full)


def _rows(records: Iterable[Frame]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            str(record.number),
            f"+{record.at:.3f}",
            str(record.direction),
            type_of(record) or "no event",
            _about(record.event or {}) or record.problem,
            record.cause,
        )
        for record in records
    )


def _about(event: Mapping[str, Any]) -> str:
    """The ids that an event is about (not its own), and why it failed if it did."""
    ids = [short_id(name) for name in dict.fromkeys(ids_of(event)) if name != event.get("event_id")]
    error = event.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    response = event.get("response")
    status = response.get("status") if isinstance(response, Mapping) else None
    return " ".join(str(part) for part in (*ids, status, code) if part)


_PAYLOADS = re.compile(r"[A-Za-z0-9+/]{256,}={0,2}")


def _searchable(record: Frame) -> str:
    """An event as text without its base64, in which anything would match."""
    # ensure_ascii off: a search for "Zürich" finds what is on the screen
    return _PAYLOADS.sub("", json.dumps(record.event, ensure_ascii=False)) if record.event is not None else ""
