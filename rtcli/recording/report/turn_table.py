"""The turns of a session as HTML: figures of all of them, and a table with a row for each."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from rtcli.masking import masked, masked_start
from rtcli.protocol.units import clock, since
from rtcli.protocol.usage import TokenUsage
from rtcli.timeline.diff import Cost
from rtcli.timeline.figures import COLUMNS, FIGURES, SHARES, summary
from rtcli.timeline.turns import Turn, TurnCall

_MAX_TEXT = 2000
_NOTHING = "–"


def text(value: object, size: int = _MAX_TEXT) -> str:
    """Any text of a session, in a place of HTML where text or a quoted attribute stands."""
    clean = masked_start(str(value), size).encode("utf-8", "replace").decode()
    # an HTML parser would make another character of these
    return html.escape(clean.replace("\0", "\N{REPLACEMENT CHARACTER}").replace("\r", "\n"))


def cards(turns: Sequence[Turn], length: float, events: int, cost: Cost) -> str:
    """The figures of the session, each in a box of its own."""
    failed = sum(turn.failed for turn in turns)
    cut = sum(bool(turn.interruptions) for turn in turns)
    usage = sum((turn.usage for turn in turns), TokenUsage())
    dollars = _dollars(turns, cost)
    boxes = [
        ("duration", clock(length), ""),
        ("turns", f"{len(turns):,}", _and((failed, "failed"), (cut, "interrupted"))),
        ("events", f"{events:,}", ""),
    ]
    for name in COLUMNS:
        if (middle := summary(name, SHARES["p50"], turns)) is not None:
            high = summary(name, SHARES["p95"], turns) or 0.0
            boxes.append((FIGURES[name].heading, f"{middle:,.0f} ms", f"p95 {high:,.0f} ms"))
    if usage.total:
        boxes.append(("tokens", f"{usage.total:,}", f"{usage.input:,} in, {usage.output:,} out"))
    if dollars is not None:
        boxes.append(("cost, estimated", f"${dollars:.4f}", ""))
    return "\n".join(
        f"<div><dt>{text(name)}</dt><dd>{text(value)}{f'<small>{text(more)}</small>' if more else ''}</dd></div>"
        for name, value, more in boxes
    )


def _and(*counts: tuple[int, str]) -> str:
    return ", ".join(f"{count} {what}" for count, what in counts if count)


def _dollars(turns: Iterable[Turn], cost: Cost) -> float | None:
    """What all responses cost; None where the price of one is not known."""
    total = 0.0
    for response in (response for turn in turns for response in turn.responses if response.usage.total):
        # A sum without one of its parts would look like the price of all.
        if (price := cost(response.model, response.usage)) is None:
            return None
        total += price
    return total or None


def _call(call: TurnCall) -> str:
    came = f"failed: {call.problem}" if call.problem else call.output
    return f"{call.name}({masked(call.arguments)})" + (f" → {came}" if came else "")


def _ms(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.0f} ms"


def _end(turn: Turn) -> str:
    if turn.failed:
        return turn.why_failed
    if turn.interruptions or turn.cancelled:
        return "interrupted"
    return "completed" if turn.responses else _NOTHING


def _tokens(turn: Turn) -> str:
    return f"{turn.usage.input:,} → {turn.usage.output:,}" if turn.usage.total else _NOTHING


_Tell: TypeAlias = Callable[[Turn], str]


def _figure(name: str) -> _Tell:
    return lambda turn: _ms(FIGURES[name].of(turn))


_Column: TypeAlias = tuple[str, str, _Tell]
"""A heading, the kind of its cells, what a cell says."""

_COLUMNS: Sequence[_Column] = (
    ("begins", "time", lambda turn: since(max(turn.start, 0.0))),
    ("kind", "word", lambda turn: turn.kind.value),
    ("end", "end", _end),
    ("user", "said", lambda turn: turn.text),
    ("answer", "said", lambda turn: "\n".join(response.text for response in turn.responses if response.text)),
    ("tools", "said", lambda turn: "\n".join(map(_call, turn.calls))),
)


def turn_table(turns: Sequence[Turn]) -> str:
    """A row for each turn, whose number is a button; columns that have nothing to say are left out."""
    if not turns:
        return "<p>Nothing was said or asked in this session.</p>"
    said = [column for column in _COLUMNS if any(column[2](turn) for turn in turns)]
    figures = [name for name in COLUMNS if any(FIGURES[name].of(turn) is not None for turn in turns)]
    columns = [
        *said,
        *((FIGURES[name].heading, "number", _figure(name)) for name in figures),
        ("tokens", "number", _tokens),
    ]
    head = "".join(f'<th scope="col" class="{kind}">{name}</th>' for name, kind, _ in columns)
    rows = "\n".join(_row(turn, columns) for turn in turns)
    sums = "".join(_sums(turns, len(said) + 1, figures))
    return (
        f'<table id="turns"><thead><tr><th scope="col" class="number">turn</th>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n<tfoot>\n{sums}</tfoot></table>"
    )


def _row(turn: Turn, columns: Iterable[_Column]) -> str:
    cells = "".join(f'<td class="{kind}">{_cell(kind, tell(turn))}</td>' for _, kind, tell in columns)
    state = ' class="failed"' if turn.failed else ' class="cut"' if turn.interruptions else ""
    button = f'<button type="button" aria-label="turn {turn.number}">{turn.number}</button>'
    return f'<tr data-turn="{turn.number}"{state}><th scope="row" class="number">{button}</th>{cells}</tr>'


def _cell(kind: str, words: str) -> str:
    return f"<div>{text(words)}</div>" if kind in ("said", "end") and words else text(words)


def _sums(turns: Sequence[Turn], before: int, figures: Sequence[str]) -> Iterator[str]:
    for name, share in SHARES.items():
        cells = "".join(f'<td class="number">{_ms(summary(figure, share, turns))}</td>' for figure in figures)
        yield f'<tr><th scope="row" colspan="{before}">{name}</th>{cells}<td></td></tr>\n'
