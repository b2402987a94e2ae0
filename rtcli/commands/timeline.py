"""Commands that say where the time went: the figures of all turns, one turn as a chart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from rtcli.commands.arguments import Integer, Suggestion
from rtcli.commands.charts import turn_chart
from rtcli.commands.context import Context
from rtcli.commands.known import Known
from rtcli.commands.registry import command
from rtcli.errors import ExpectationError, TransportError, UsageError
from rtcli.protocol.ids import short_id
from rtcli.timeline.figures import COLUMNS, FIGURES, SHARES, summary, values
from rtcli.timeline.spans import is_running, spans
from rtcli.timeline.turns import Turn
from rtcli.views import Json, Notice, Table, View, Views, counted

_MAX_TURNS = 10
_RECENT = 20  # turns, of which one that runs is meant where no number is given
_BARS = "▁▂▃▄▅▆▇█"
_MAX_BARS = 12
_OVER = " !"  # says without color that a bound is exceeded
_NOTHING = "-"


@command("stats", topic="measure", aliases=("latency",))
async def stats(context: Context, *, json: bool = False) -> Views:
    """Show how long each turn took, from the end of your voice to the answer in your ear, and its parts.

    end of turn is from the end of your voice to speech_stopped, voice to ear from there to the first audible sample of
    the answer. The others count from the request or speech_stopped. "turn" is for /turn, "event" for /why. A figure
    above its bound (setting: bounds) is marked. --json has every figure of every turn.
    """
    turns = [turn for turn in context.state.timeline.turns if turn.responses or turn.failed]
    trip, no_trip = await _round_trip(context)
    if json:
        return Json(_as_json(turns, context.bounds, trip), full=True)
    views: list[View] = []
    # A turn that broke off was quick for the wrong reason, and would lower the percentiles.
    if fine := [turn for turn in turns if not turn.failed]:
        views.append(_table(fine, context.bounds))
    if failed := [turn for turn in turns if turn.failed]:
        views.append(_failed(failed))
    if not views:
        views.append(Notice("nothing has been measured yet"))
    if trip is not None:
        # without the model, so that network and model can be told apart
        views.append(Notice(f"round trip {trip:.1f} ms", why="WebSocket ping, just now"))
    elif no_trip:
        views.append(Notice("round trip n/a", why=no_trip))
    return views


class TurnNumber(Integer):
    """A turn, by its number in /stats."""

    label = "N"

    def suggest(self, typed: str, known: Known) -> Iterable[Suggestion]:
        return (Suggestion(str(number), said) for number, said in reversed(known.turns))


@command("turn", topic="measure")
def turn(context: Context, number: Annotated[int | None, TurnNumber()] = None, *, json: bool = False) -> Views:
    """Draw one turn over time: what you said, waits, responses, tools, what was heard, where it was cut.

    Without a number: the running turn, else the last. A running turn is redrawn until it is over. --json prints its
    spans instead.
    """
    turns = context.state.timeline.turns
    if not turns:
        raise UsageError("nothing was said or asked yet", hint="a turn begins with a message, speech, or /respond")
    found = context.state.timeline.turn(number) if number is not None else _newest(turns, context.now or 0.0)
    if found is None:
        raise UsageError(f"there is no turn {number}", why=f"turns go from {turns[0].number} to {turns[-1].number}")
    if json:
        return Json(_spans_as_json(found), full=True)
    return turn_chart(context.state.timeline, found, lambda: context.now, context.bounds)


def _newest(turns: Sequence[Turn], now: float) -> Turn:
    """The newest turn that runs and in which something was asked, else the newest one of those, else the newest."""
    recent = turns[-_RECENT:]
    asked = [turn for turn in recent if not turn.is_empty] or recent
    return next((turn for turn in reversed(asked) if is_running(turn, now)), asked[-1])


def _spans_as_json(turn: Turn) -> dict[str, Any]:
    rows = [
        {
            "kind": span.kind.value,
            "start": round(span.start, 6),
            "end": span.end if span.end is None else round(span.end, 6),
            **{name: value for name in ("name", "note", "frame") if (value := getattr(span, name))},
        }
        for span in spans(turn)
    ]
    return {**_turn_as_json(turn), "spans": rows}


async def _round_trip(context: Context) -> tuple[float | None, str]:
    """Milliseconds of a ping; where there are none, why, and "" where nothing is connected."""
    if context.live is None or not context.live.lifecycle.connected:
        return None, ""
    try:
        return await context.live.lifecycle.ping() * 1000, ""
    except (TransportError, ExpectationError) as error:
        return None, str(error)


def _table(turns: Sequence[Turn], bounds: Mapping[str, float]) -> Table:
    figures = [(turn, [FIGURES[name].of(turn) for name in COLUMNS]) for turn in turns[-_MAX_TURNS:]]
    lines = [((str(turn.number), turn.kind.value, *_names(turn)), row) for turn, row in figures]
    for name, share in SHARES.items():
        lines.append(
            ((name, counted(len(turns), "turn"), "", ""), [summary(column, share, turns) for column in COLUMNS])
        )
    rows, warned = [], set()
    for number, (head, row) in enumerate(lines):
        over = [ms is not None and ms > bounds.get(name, ms) for name, ms in zip(COLUMNS, row, strict=True)]
        warned |= {(number, len(head) + index) for index, is_over in enumerate(over) if is_over}
        rows.append((*head, *(_ms(ms) + _OVER * is_over for ms, is_over in zip(row, over, strict=True))))
    rows.append(("trend", "", "", "", *(_sparkline(values(name, turns)) for name in COLUMNS)))
    headings = ("turn", "kind", "response", "event", *(FIGURES[name].heading for name in COLUMNS))
    return Table(headings, tuple(rows), warned=frozenset(warned))


def _names(turn: Turn) -> tuple[str, str]:
    """The last response, and the number of the frame that tells its end, or its beginning."""
    if not turn.responses:
        return _NOTHING, f"#{turn.begun.frame}"
    last = turn.responses[-1]
    return short_id(last.id), f"#{(last.done or last.created).frame or last.created.frame}"


def _failed(turns: Sequence[Turn]) -> Table:
    rows = tuple(
        (str(turn.number), turn.kind.value, *_names(turn), _ms((turn.end - turn.start) * 1000), turn.why_failed)
        for turn in turns[-_MAX_TURNS:]
    )
    headings = ("turn", "kind", "response", "event", "after", "why")
    return Table(headings, rows, title=f"{counted(len(turns), 'turn')} failed, in no figure above")


def _ms(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.0f} ms"


def _sparkline(figures: Sequence[float]) -> str:
    """The newest figures as bars, the largest of them full."""
    shown = figures[-_MAX_BARS:]
    top = max(shown, default=0.0)
    return "".join(_BARS[round(max(ms, 0.0) / top * (len(_BARS) - 1)) if top > 0 else 0] for ms in shown)


def _as_json(turns: Sequence[Turn], bounds: Mapping[str, float], trip: float | None) -> dict[str, Any]:
    fine = [turn for turn in turns if not turn.failed]
    return {
        "turns": [_turn_as_json(turn) for turn in turns],
        **{name: {f: _rounded(summary(f, share, fine)) for f in FIGURES} for name, share in SHARES.items()},
        "bounds": dict(bounds),
        "round_trip": _rounded(trip),
    }


def _turn_as_json(turn: Turn) -> dict[str, Any]:
    return {
        "turn": turn.number,
        "kind": turn.kind.value,
        "responses": [response.id for response in turn.responses],
        "event": int(_names(turn)[1].removeprefix("#")),
        "text": turn.text,
        "failed": turn.why_failed or None,
        "interrupted": bool(turn.interruptions),
        **{name: _rounded(figure.of(turn)) for name, figure in FIGURES.items()},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
