"""Commands for the wire: which events to see, one event whole, where it came from, events by hand."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated, Literal

from rtcli.commands.arguments import RemainingText
from rtcli.commands.client_events import send_events
from rtcli.commands.context import Context
from rtcli.commands.frame_tables import MAX_MATCHES, Matches, chain_table
from rtcli.commands.registry import command
from rtcli.commands.sent_line import sent_line
from rtcli.commands.session_arguments import ClientEvents, EventPattern, FilterTerms, FrameNumbers, RecordKey
from rtcli.errors import UsageError
from rtcli.files import expanded
from rtcli.masking import masked
from rtcli.protocol.filters import parse_filter
from rtcli.protocol.occurrences import Occurrence, interleaved
from rtcli.protocol.patterns import compile_pattern
from rtcli.protocol.record import Frame
from rtcli.protocol.units import since, wall_clock
from rtcli.reading import read_text
from rtcli.views import FrameRows, Json, Notice, Text, View, Views, counted

_MAX_RAW = 4000  # characters of a frame that is not an event
_MAX_LISTED = 500


@command("send", topic="wire")
def send(context: Context, event: Annotated[str, ClientEvents()], *, raw: bool = False) -> Views:
    """Send events unchanged: JSON, one or several, or @FILE.

    A response.create waits for its turn like any other; --raw sends it at once, to provoke a race.
    """
    # Taken before anything is sent: what lies behind it is what this command has sent.
    before = context.session.state.log.last_number
    path = expanded(event[1:]) if event.startswith("@") else None
    text, file = (event, "") if path is None else (read_text(path), str(path))
    views = send_events(text, context, raw=raw, file=file)
    return [*views, *sent_line(context, before)]


@command("events", topic="wire")
def events(
    context: Context,
    view: Literal["off", "summary", "all"] | None = None,
    numbers: Annotated[tuple[int, int | None] | None, FrameNumbers()] = None,
) -> Views:
    """Show or choose which events are shown: off, a row per stream, or all. N-M lists past events."""
    if view:
        context.display.events = view
    if numbers:
        return _listed(context, *numbers)
    return Notice(f"events: {context.display.events}", hint="" if view else "F3 and /events off|summary|all change it")


def _listed(context: Context, first: int, last: int | None) -> Views:
    """Past frames, as the event view has them."""
    log = context.state.log
    # A number that is still to come is a mistake; an end beyond the newest means "to the end".
    if first > log.last_number:
        kept = f"the newest is #{log.last_number}" if log.last_number else "nothing has been sent yet"
        raise UsageError(f"no event #{first} yet", why=kept)
    last = min(last or log.last_number, log.last_number)
    # By number and not by count: forgotten frames leave gaps, and the hint below has to go on where this ended.
    cut = min(last, first + _MAX_LISTED - 1)
    frames = [frame for number in range(first, cut + 1) if (frame := log.find(number)) is not None]
    between = [one for one in context.state.occurrences.all if first <= one.after <= cut]
    if not frames:
        raise _forgotten(context, first)
    title = f"#{frames[0].number} to #{cut}"
    rest = [Notice(f"{last - cut:,} more", hint=f"/events {cut + 1}-{last}")] if cut < last else []
    return [FrameRows(tuple(interleaved(frames, between)), title), *rest]


@command("filter", topic="wire")
def filter_events(context: Context, expression: Annotated[str, FilterTerms()] = "") -> Views:
    """Show or choose a filter for events: response.* -*.delta < item=ID error; off shows all events."""
    if expression:
        expression = "" if expression == "off" else expression
        # Checked before it replaces the one that works.
        parse_filter(expression)
        context.display.filter = expression
        # a filter is set to see something
        if expression and context.display.events == "off":
            context.display.events = "summary"
    now = context.display.filter
    return Notice(f"filter: {now}" if now else "no filter", hint="/filter off shows all events" if now else "")


@command("last", topic="wire")
def last(context: Context, pattern: Annotated[str, EventPattern()] = "*") -> Views:
    """Show the last event, or the last of a type: /last response.done"""
    record = context.state.log.last(pattern)
    if record is None:
        raise UsageError(f"no event of type {pattern!r} yet")
    return _whole(context, context.state.log.whole(record))


@command("show", topic="wire")
def show(context: Context, key: Annotated[str, RecordKey()], *, full: bool = False) -> Views:
    """Show one event in full: by number, or the last with an id or of a type. --full prints base64 too."""
    return _whole(context, context.state.log.whole(_find(context, key)), full=full)


@command("grep", topic="wire")
async def grep(context: Context, pattern: RemainingText) -> Views:
    """Find events whose JSON matches a regular expression; shows the last 50, and what is around the match.

    Also what happened between them: connections, devices, marks, an answer that broke off.
    """
    matches = Matches(compile_pattern(pattern))
    stop = threading.Event()
    # in a thread: a long log must not hold up the session
    try:
        everything = interleaved(context.state.log.everything(), context.state.occurrences.all)
        await asyncio.to_thread(matches.search, everything, stop)
    finally:
        stop.set()
    if not matches.count:
        return Notice(f"no event matches {pattern!r}")
    title = counted(matches.count, "match", "matches")
    return matches.table(title + (f", the last {MAX_MATCHES}" if matches.count > MAX_MATCHES else ""))


@command("why", topic="wire")
def why(context: Context, key: Annotated[str | None, RecordKey()] = None) -> Views:
    """Show what led to an event: the response, the event before it, the command. The newest is first.

    Without an event: the last thing that went wrong, a lost connection too, else the last event. "connection", "device"
    and "mark" are the last of these.
    """
    occurrence = _occurrence(context, key)
    record = _before(context, occurrence) if occurrence else _find(context, key) if key else _last_failure(context)
    chain: list[Frame | Occurrence] = [*(context.state.occurrences.around(occurrence) if occurrence else ())]
    frames = [record, *context.state.log.why(record.number)] if record else []
    chain += frames
    views: list[View] = [
        chain_table(chain, f"why {occurrence.kind}" if occurrence else f"why #{record.number if record else 0}")
    ]
    if record is None:
        return views
    # The chain ends where the log does: a parent that is named there was evicted, or is a step further than is shown.
    first = frames[-1]
    if first.parent:
        views.append(Notice("the chain goes back further", hint=f"/why {first.parent}"))
    elif first.cause:
        views.append(Notice(f"triggered by {first.cause}"))
    elif len(chain) == 1:
        views.append(Notice("its cause is unknown"))
    return views


@command("mark", topic="wire")
def mark(context: Context, note: RemainingText = "") -> Views:
    """Put a mark between the events, to find this point again."""
    context.session.mark(note)
    return None


def _occurrence(context: Context, key: str | None) -> Occurrence | None:
    """What is asked about, where that is not an event: of this kind, or the connection that was lost last."""
    occurrences = context.state.occurrences
    if key is not None:
        return occurrences.last(key)
    lost, failure = occurrences.last_loss, context.state.log.last_failure
    return lost if lost is not None and (failure is None or failure.number <= lost.after) else None


def _before(context: Context, occurrence: Occurrence) -> Frame | None:
    return context.state.log.find(occurrence.after) if occurrence.after else None


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
            raise _forgotten(context, int(number))
        first = log.forgotten + 1
        kept = f"numbers go from {first} to {log.last_number}" if log.records else "nothing has been sent yet"
        raise UsageError(f"no event {key!r} yet", hint=kept)
    return record


def _forgotten(context: Context, number: int) -> UsageError:
    log = context.state.log
    why = f"the log holds the newest {log.max_event_bytes // 2**20} MiB"
    return UsageError(f"event #{number} is no longer in the log", why=why, hint=f"the oldest is #{log.forgotten + 1}")


def _whole(context: Context, record: Frame, *, full: bool = False) -> Views:
    title = f"#{record.number} {record.direction} {since(record.at)}"
    if (started := context.started) is not None:
        title += f", {wall_clock(started, record.at)}"
    title += ", binary message" if record.binary else ""
    if record.event is None:
        raw = record.raw if isinstance(record.raw, str) else record.raw.decode(errors="backslashreplace")
        raw = masked(raw)
        shown = raw if full or len(raw) <= _MAX_RAW else f"{raw[:_MAX_RAW]}... (--full shows all)"
        return Text(f"{title}: not an event ({record.problem}), {record.size} bytes\n{shown}")
    return Json(record.event, title=title, full=full)
