"""The differences of two sessions as views, and as one JSON value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rtcli.masking import masked_start
from rtcli.timeline.conditions import shown
from rtcli.timeline.diff import Amount, Change, Cost, TurnPair, align, amounts, changes, pair_amounts
from rtcli.timeline.figures import FIGURES
from rtcli.timeline.turns import Turn
from rtcli.views import Notice, Table, Text, View, counted

_COLUMNS = ("voice_to_ear", "typed_to_first_delta", "done", "output_tokens", "cost")
_HEADINGS = {"typed_to_first_delta": "first delta", "output_tokens": "tokens out"}
_SAID = 30  # characters of what was said that name a turn


class Comparison:
    """Two sessions, aligned; everything that differs is found once."""

    def __init__(self, left: Sequence[Turn], right: Sequence[Turn], cost: Cost) -> None:
        self.pairs = align(left, right)
        self._changes = [list(changes(pair)) for pair in self.pairs]
        self.totals = amounts(left, right, cost)
        self._amounts = [{one.name: one for one in pair_amounts(pair, cost)} for pair in self.pairs]

    @property
    def changes(self) -> list[tuple[TurnPair, Change]]:
        """Everything that differs, with its turn."""
        return [(pair, one) for pair, found in zip(self.pairs, self._changes, strict=True) for one in found]

    def views(self) -> Iterator[View]:
        """Each turn in a row, then what differs in words, tools and ends, then the figures of both."""
        if self.pairs:
            yield self._turns()
        for pair, change in self.changes:
            # A turn that only one of them has is a row of the table already.
            if change.kind != "turns":
                yield Text(_both(f"turn {pair.name}, {change.what}", change))
        if self.totals:
            yield _totals(self.totals)
        if not self.changes:
            yield Notice(f"no difference in what was said and done in {counted(len(self.pairs), 'turn')}")

    def _turns(self) -> Table:
        rows = []
        for pair, found, figures in zip(self.pairs, self._changes, self._amounts, strict=True):
            turn = pair.left or pair.right
            assert turn is not None
            kinds = {change.kind for change in found}
            differs = ", ".join(sorted(kinds)) if pair.left and pair.right else f"only in {'A' if pair.left else 'B'}"
            rows.append(
                (
                    str(pair.left.number) if pair.left else "-",
                    str(pair.right.number) if pair.right else "-",
                    masked_start(turn.text or turn.kind.value, _SAID).replace("\n", " "),
                    differs or "same",
                    *(_change(figures.get(name)) for name in _COLUMNS),
                )
            )
        headings = (_HEADINGS.get(name, name.replace("_", " ")) for name in _COLUMNS)
        return Table(("A", "B", "you", "differs", *headings), tuple(rows), "turn by turn: A, then B where it differs")

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "turns": [
                {
                    "left": pair.left.number if pair.left else None,
                    "right": pair.right.number if pair.right else None,
                    "changes": [
                        {"kind": change.kind, "what": change.what, "left": change.left, "right": change.right}
                        for change in found
                    ],
                    "figures": {name: [_rounded(one.left), _rounded(one.right)] for name, one in figures.items()},
                }
                for pair, found, figures in zip(self.pairs, self._changes, self._amounts, strict=True)
            ],
            "totals": {one.name: [_rounded(one.left), _rounded(one.right)] for one in self.totals},
        }


def _both(title: str, change: Change) -> str:
    """Two texts, line under line, as diff writes them."""
    lines = [title]
    for sign, text in (("-", change.left), ("+", change.right)):
        lines += [f"{sign} {line}" for line in (text or "(nothing)").split("\n")]
    return "\n".join(lines)


def _totals(totals: Sequence[Amount]) -> Table:
    rows = tuple(
        (
            f"{one.name.replace('_', ' ')}{', p50' if one.name in FIGURES else ''}",
            shown(one.left, one.unit),
            shown(one.right, one.unit),
            _growth(one),
        )
        for one in totals
    )
    return Table(("figure", "A", "B", "change"), rows)


def _growth(amount: Amount) -> str:
    if amount.growth is None:
        return "-"
    return "from nothing" if amount.growth == float("inf") else f"{amount.growth:+.0f}%" if amount.growth else "same"


def _change(amount: Amount | None) -> str:
    if amount is None or amount.left is amount.right is None:
        return "-"
    if amount.left is None or amount.right is None:
        return shown(amount.right if amount.left is None else amount.left, amount.unit)
    one, two = shown(amount.left, amount.unit), shown(amount.right, amount.unit)
    return one if one == two else f"{one} → {two}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
