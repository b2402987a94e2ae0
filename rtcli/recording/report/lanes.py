"""The lanes of a page: every span of every turn, the frame that tells it, and a row of its lane that is free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rtcli.masking import masked_start
from rtcli.timeline.spans import SpanKind, TurnSpan, spans
from rtcli.timeline.turns import Moment, Turn, TurnKind

_LANES: Mapping[SpanKind, str] = {
    SpanKind.VOICE: "user",
    SpanKind.END_OF_TURN: "user",
    SpanKind.COMMIT: "user",
    SpanKind.WAITING: "responses",
    SpanKind.RESPONSE: "responses",
    SpanKind.FIRST_DELTA: "responses",
    SpanKind.SILENCE: "responses",
    SpanKind.RECEIVED: "model",
    SpanKind.HEARD: "model",
    SpanKind.CUT: "model",
    SpanKind.CALL: "tools",
    SpanKind.ERROR: "events",
}
_ROWS = {"responses": 3, "tools": 3}
"""Lanes that show several spans at a time one above the other; more than these share the last row."""

_MAX_NOTE = 300


def lanes_of(turns: Sequence[Turn], errors: Iterable[TurnSpan], now: float) -> list[dict[str, Any]]:
    """All spans, in the order of their begin; one that still lasts goes to `now` and says so.

    `errors` are those of the whole session: some belong to no turn.
    """
    found = [_span(turn, span, now) for turn in turns for span in _with_turn(turn)]
    known = {span["frame"] for span in found if span["kind"] == SpanKind.ERROR}
    nowhere = Turn(0, TurnKind.OUT_OF_BAND, Moment(0.0))  # what belongs to no turn has number 0
    found += [_span(nowhere, error, now) for error in errors if error.frame not in known]
    found.sort(key=lambda span: (span["start"], span["end"]))
    for lane, rows in _ROWS.items():
        _place((span for span in found if span["lane"] == lane), rows)
    return found


def _with_turn(turn: Turn) -> Iterator[TurnSpan]:
    yield from spans(turn)
    # A message that was typed has no span of its own; a mark stands for it.
    if turn.voice is None:
        yield TurnSpan(SpanKind.COMMIT, turn.begun.at, turn.begun.at, "", turn.text, turn.begun.frame)


def _span(turn: Turn, span: TurnSpan, now: float) -> dict[str, Any]:
    # what lasts shorter than a moment, by rounding, is one
    end = now if span.end is None else max(span.end, span.start)
    kind = turn.kind.value if span.kind is SpanKind.COMMIT and turn.voice is None else span.kind.value
    return {
        "lane": _LANES[span.kind],
        "kind": kind,
        "start": round(span.start, 6),
        "end": round(max(end, span.start), 6),
        "open": span.end is None,
        "turn": turn.number,
        "frame": span.frame or _frame_of(turn, span),
        "name": span.name,
        "note": masked_start(span.note, _MAX_NOTE),
        "label": masked_start(_label(turn, span), _MAX_NOTE),
        "row": 0,
    }


def _label(turn: Turn, span: TurnSpan) -> str:
    """What stands on a mark: the words that were said, a call with its arguments."""
    if span.kind in (SpanKind.VOICE, SpanKind.COMMIT):
        return turn.text if span.kind is SpanKind.VOICE or turn.voice is None else ""
    for response in turn.responses:
        if span.name == response.id and span.kind is SpanKind.RESPONSE:
            return response.text if response.text and not response.failed else span.note
        if span.kind is SpanKind.HEARD and any(key[0] == span.name for key in response.parts):
            return response.text
    if span.kind is SpanKind.CALL:
        return next((f"{call.name}({call.arguments})" for call in turn.calls if call.begun.at == span.start), span.name)
    return ""


def _frame_of(turn: Turn, span: TurnSpan) -> int:
    """The frame that a span is about, where none of its own tells it."""
    if span.kind is SpanKind.HEARD:
        return next((part.first.frame for part in turn.parts if part.key[0] == span.name), 0)
    if span.kind is SpanKind.VOICE and turn.voice is not None:
        moments = (turn.voice.started, turn.voice.stopped, turn.voice.committed)
        return next((moment.frame for moment in moments if moment and moment.frame), 0)
    return 0


def _place(found: Iterable[dict[str, Any]], rows: int) -> None:
    """The first row that is free; what belongs to one response stays together."""
    ends, owners = [float("-inf")] * rows, [""] * rows
    for span in found:
        # The wait for a response and the response itself are one row to the reader.
        own = next((row for row in range(rows) if owners[row] == span["name"] and span["lane"] == "responses"), None)
        free = next((row for row in range(rows) if ends[row] <= span["start"]), rows - 1)
        span["row"] = row = free if own is None else own
        ends[row] = max(ends[row], span["end"])
        owners[row] = span["name"]
