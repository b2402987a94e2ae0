"""One line for one frame, or for one folded stream: number, time, direction, type, ids, what matters of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.masking import masked
from rtcli.protocol.filters import is_failure, type_of
from rtcli.protocol.ids import short_id
from rtcli.protocol.occurrences import Occurrence
from rtcli.protocol.record import Direction, Frame
from rtcli.protocol.units import clock, duration, since, size
from rtcli.render.grouping import Entry, Stream
from rtcli.render.media import WireFormats
from rtcli.render.styles import Line, Span, crop
from rtcli.render.summary import quote, summarize
from rtcli.render.text import one_line

_NARROW = 60
"""Columns below which the milliseconds give way to the type."""


def row(entry: Entry | Occurrence, formats: WireFormats, width: int) -> Line:
    """The line of a frame, a stream or what happened between frames, at most `width` columns."""
    if isinstance(entry, Occurrence):
        style = "error" if entry.failed else "muted"
        place = Span("muted", f"{'':>3} {clock(entry.at)} " if width < _NARROW else f"{'':>4} {since(entry.at):>9} ")
        words = one_line(masked(f"{entry.kind} {entry.words}".rstrip()))
        return crop((place, Span("muted", "· "), Span(style, words)), width)
    spans = _stream_spans(entry, formats) if isinstance(entry, Stream) else _record_spans(entry, formats)
    record = entry.last if isinstance(entry, Stream) else entry
    spans[0:0] = [
        Span("muted", _number_and_time(record, width)),
        Span(_direction_style(record), f"{record.direction} "),
    ]
    # masked before it is cut: half a secret is not recognized
    return crop((Span(style, one_line(masked(text))) for style, text in spans if text), width)


def _record_spans(record: Frame, formats: WireFormats) -> list[Span]:
    if record.event is None:
        return [Span("error", "not an event"), Span("error", f" {record.problem} {size(record.size)}")]
    style = "error" if is_failure(record) else _direction_style(record)
    words = summarize(record.event, formats)
    return [
        Span(style, type_of(record)),
        *_ids(record.event),
        Span("error" if style == "error" else "", f" {words}" if words else ""),
        Span("muted", f" ← {record.cause}" if record.cause else ""),
    ]


def _stream_spans(stream: Stream, formats: WireFormats) -> list[Span]:
    record, event = stream.last, stream.last.event or {}
    style = "error" if is_failure(record) else _direction_style(record)
    return [
        Span(style, stream.name),
        *_ids(stream.first.event or {}),
        Span("number", f" ×{stream.count}"),
        Span("", f" {_amount(stream, event, formats)}"),
        Span("muted", "" if stream.closed else " …"),
    ]


def _amount(stream: Stream, event: Mapping[str, Any], formats: WireFormats) -> str:
    elapsed = duration((stream.last.at - stream.first.at) * 1000)
    if stream.audio_bytes:
        length = formats.of(stream.name).milliseconds(stream.audio_bytes)
        return f"{duration(length)} of audio, {size(stream.size)}, in {elapsed}"
    # the end repeats the whole text
    full_text = next((event[key] for key in ("transcript", "text", "arguments") if event.get(key)), None)
    if stream.closed and full_text is not None:
        return f"{stream.characters} characters in {elapsed} {quote(full_text)}"
    return f"{stream.characters} characters {quote(stream.tail)}"


def _number_and_time(record: Frame, width: int) -> str:
    """Number and time."""
    if width < _NARROW:
        return f"{record.number:>3} {clock(record.at)} "
    return f"{record.number:>4} {since(record.at):>9} "


def _direction_style(record: Frame) -> str:
    return "received" if record.direction is Direction.RECEIVED else "sent"


def _ids(event: Mapping[str, Any]) -> list[Span]:
    """The item, or else the response, and the call where it is named."""
    item, response = event.get("item"), event.get("response")
    # the most specific id: its response is one /why away
    subject = event.get("item_id") or (item.get("id") if isinstance(item, Mapping) else None)
    subject = subject or event.get("response_id") or (response.get("id") if isinstance(response, Mapping) else None)
    call = event.get("call_id") or (item.get("call_id") if isinstance(item, Mapping) else None)
    return [Span("muted", f" {short_id(id_)}") for id_ in (subject, call) if isinstance(id_, str) and id_]
