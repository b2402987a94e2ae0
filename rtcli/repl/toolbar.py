"""The line under the prompt: a pure function of a Status, which says less where there is less room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rtcli.masking import masked
from rtcli.protocol.ids import short_id
from rtcli.protocol.units import clock, duration
from rtcli.render.styles import Line, Span, crop
from rtcli.render.text import cells, one_line
from rtcli.views import ANSWERING, CANCELLING, CONNECTING, DisplaySettings, ProxyStatus, SessionStatus, counted

_BARS = "▁▂▃▄▅▆▇█"
_QUIET_DB, _LOUD_DB = -60.0, 0.0  # dBFS; a quiet room is about -55
_WARN_SECONDS, _ALARM_SECONDS = 300, 60  # before the session expires
_LONG_SECONDS = 10
"""Seconds without progress from which on an answer is a warning."""

_STOPS = {ANSWERING: " (Esc stops)", CANCELLING: " (Esc gives up)"}
_BETWEEN = " │ "


class Segment(NamedTuple):
    """A piece of the toolbar. The higher its `rank`, the sooner it is shortened or left out."""

    rank: int
    full: str
    short: str = ""
    style: str = ""


_EXPENDABLE = 5
"""Segments from this rank on go away before any other is shortened."""


def toolbar(status: SessionStatus, display: DisplaySettings, width: int) -> Line:
    """The toolbar in at most `width` columns."""
    segments = [one._replace(full=masked(one.full), short=masked(one.short)) for one in _segments(status, display)]
    for shorter in _shorter(segments):
        if _width(segments) <= width:
            break
        segments = shorter
    return crop(_joined(segments), width)


def _shorter(segments: list[Segment]) -> Iterator[list[Segment]]:
    """Step by step less: what is expendable is shortened, then left out; then the rest, in two rounds; one stays."""
    ranked = sorted(segments, key=lambda segment: -segment.rank)
    expendable = [segment for segment in ranked if segment.rank >= _EXPENDABLE]
    needed = [segment for segment in ranked if segment.rank < _EXPENDABLE]
    now: dict[Segment, Segment | None] = {segment: segment for segment in segments}
    steps = [(segment, leave_out) for segment in expendable for leave_out in (False, True)]
    steps += [(segment, leave_out) for leave_out in (False, True) for segment in needed]
    # without the last step: one segment stays, however narrow the terminal
    for segment, leave_out in steps[:-1]:
        # keyed by the original, so that the order on the line stays
        now[segment] = None if leave_out else segment._replace(full=segment.short or segment.full)
        yield [form for form in now.values() if form is not None]


def level_bar(level: float | None) -> str:
    """A level in dBFS as three blocks, `▁▁▁` for silence."""
    if level is None:
        return _BARS[0] * 3
    share = (min(max(level, _QUIET_DB), _LOUD_DB) - _QUIET_DB) / (_LOUD_DB - _QUIET_DB)
    steps = round(share * (3 * len(_BARS) - 3))
    # the first block fills up before the second begins
    return "".join(_BARS[min(max(steps - 7 * index, 0), 7)] for index in range(3))


def _segments(status: SessionStatus, display: DisplaySettings) -> Iterator[Segment]:
    if status.proxy is not None:
        yield from _proxied(status, status.proxy)
    else:
        yield _connection(status)
    yield from _expiry(status)
    yield from _calls(status)
    yield from _microphone(status)
    yield from _response(status)
    if status.dropped_audio_ms:
        lost = duration(status.dropped_audio_ms)
        yield Segment(3, f"{lost} of microphone audio dropped", f"-{lost}", "warning")
    if status.recording:
        yield Segment(8, "rec")
    if display.events != "off":
        filtered = f" {display.filter}" if display.filter else ""
        yield Segment(6, f"events {display.events}{filtered}", display.events)
    if display.metrics:
        for name, value in status.metrics.items():
            yield Segment(5, one_line(f"{name} {value}"))
    if status.proxy is not None:
        keys = "F3 events  F5 metrics  Ctrl+D leave  /connections  /use  /hold  /help"
        yield Segment(9, keys, "F3 events /help", "muted")
        return
    if status.replay:
        yield Segment(
            9, "F3 events  F5 metrics  F6 pause  F7 step  Ctrl+D leave  /seek  /help", "F6 pause F7 step", "muted"
        )
        return
    yield Segment(
        9,
        "Esc stop  F2 mute  F3 events  F4 talk  F5 metrics  Ctrl+D leave  /help",
        "F2 mute F3 events F4 talk",
        "muted",
    )


def _calls(status: SessionStatus) -> Iterator[Segment]:
    """What the model waits for, with its age: first what only the user can answer, then what runs by itself."""
    waiting = [call for call in status.calls if not call.is_running]
    running = [call for call in status.calls if call.is_running]
    if waiting:
        count, names = len(waiting), ", ".join(short_id(call.id) for call in waiting)
        age = clock(max(call.seconds for call in waiting))
        yield Segment(2, f"{count} waiting for you: {one_line(names)} {age}", f"{count} waiting {age}", "warning")
    if running:
        count, names = len(running), ", ".join(dict.fromkeys(call.name for call in running))
        age = clock(max(call.seconds for call in running))
        yield Segment(3, f"{one_line(names)} running {age}", f"{count} running {age}", "assistant")


_CONNECTIONS = {
    "connected": ("●", "good"),
    "connecting": ("○", "warning"),
    "disconnecting": ("○", "warning"),
}


def _proxied(status: SessionStatus, proxy: ProxyStatus) -> Iterator[Segment]:
    yield Segment(4, f"⇄ {proxy.connections}", f"⇄ {proxy.connections}", "good")
    if proxy.held:
        yield Segment(1, f"{proxy.held} held (/edit, /release)", f"{proxy.held} held", "warning")
    if proxy.number:
        yield Segment(5, one_line(f"[{proxy.number}] {status.model}").rstrip(), f"[{proxy.number}]")


def _connection(status: SessionStatus) -> Segment:
    if status.replay:
        return Segment(4, f"▶ {status.connection} {one_line(status.model)}".rstrip(), f"▶ {status.connection}", "good")
    sign, style = _CONNECTIONS.get(status.connection, ("✗", "error"))
    if status.connection == "connected":
        name = one_line(status.model or status.endpoint)
        return Segment(4, f"{sign} {name}".rstrip(), sign, style)
    # nothing to do while it is still connecting
    connecting = next((wait.age for wait in status.waits if wait.what == CONNECTING), "")
    if connecting:
        return Segment(0, f"{sign} {status.connection} {connecting}", f"{sign} {connecting}", style)
    hint = "  /reconnect" if status.connection == "disconnected" else ""
    return Segment(0, f"{sign} {status.connection}{hint}", f"{sign} {status.connection}", style)


def _expiry(status: SessionStatus) -> Iterator[Segment]:
    if status.expires_in is None:
        return
    left = max(status.expires_in, 0)
    style = "error" if left <= _ALARM_SECONDS else "warning" if left <= _WARN_SECONDS else ""
    # an hour left is of no interest, a minute is; seconds that nobody reads cost a drawing each
    shown = clock(left) if style else f"{int(left) // 60} min"
    yield Segment(1 if style else 7, f"{shown} left", shown, style)


def _microphone(status: SessionStatus) -> Iterator[Segment]:
    if not status.microphone:
        return
    if status.muted:
        yield Segment(2, "muted (F2)", "muted", "warning")
        return
    level = "" if status.input_level_db is None else f" {status.input_level_db:.0f} dB"
    name = "talk (F4)" if status.push_to_talk else "mic"
    held, short = (" held back (echo)", " held") if status.held_back else ("", "")
    bar = level_bar(status.input_level_db)
    yield Segment(2, f"{name} {bar}{level}{held}", f"{name} {bar}{short}")


def _response(status: SessionStatus) -> Iterator[Segment]:
    if status.speaking_item:
        played = "" if status.heard_ms is None else f" {duration(status.heard_ms)}"
        of = "" if status.received_ms is None else f" of {duration(status.received_ms)}"
        yield Segment(3, f"speaking {short_id(status.speaking_item)}{played}{of}", f"speaking{played}", "assistant")
    elif status.responding and not status.waits:
        yield Segment(3, "answering (Esc stops)", "answering", "assistant")
    for wait in status.waits:
        if wait.what == CONNECTING or (wait.what == ANSWERING and status.speaking_item):
            continue  # it is told elsewhere
        stops = _STOPS.get(wait.what, " (Ctrl+C stops)" if wait.what.startswith("/") else "")
        style = "assistant" if wait.what == ANSWERING and wait.last_seconds < _LONG_SECONDS else "warning"
        yield Segment(3, f"{one_line(str(wait))}{stops}", one_line(wait.said), style)
    if status.queued:
        yield Segment(3, f"{counted(status.queued, 'message')} queued", f"{status.queued} queued", "warning")


def _joined(segments: list[Segment]) -> Iterator[Span]:
    for index, segment in enumerate(segments):
        if index:
            yield Span("muted", _BETWEEN)
        yield Span(segment.style, segment.full)


def _width(segments: list[Segment]) -> int:
    return sum(cells(segment.full) for segment in segments) + len(_BETWEEN) * max(len(segments) - 1, 0)
