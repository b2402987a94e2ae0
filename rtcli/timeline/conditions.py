"""Conditions under which two sessions differ too much: names and tolerances, and what does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rtcli.errors import UsageError
from rtcli.protocol.nearest import nearest_hint
from rtcli.timeline.diff import Amount, Change, TurnPair
from rtcli.timeline.figures import FIGURES

_CHANGES = ("words", "tools", "status", "turns")
_MIN_MS = 20.0
"""A latency that grew by less than this has not grown: machines differ from run to run."""

_GROUPS: Mapping[str, tuple[tuple[str, ...], float]] = {
    "latency": (tuple(FIGURES), 20.0),
    "tokens": (("input_tokens", "output_tokens"), 0.0),
    "cost": (("cost",), 0.0),
    **{name: ((name,), 20.0) for name in FIGURES},
}
"""What may grow, and by how many percent where nothing is said."""

_SENTENCES = {
    "turn": "only one session has it",
    "you": "the user said something else",
    "answer": "the answer differs",
    "tools": "the calls differ",
    "status": "it ended differently",
}

CONDITIONS = (*_CHANGES, *_GROUPS, "any")


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that must not differ, or not grow by more than `percent`."""

    name: str
    percent: float = 0.0


def parse_conditions(texts: Iterable[str]) -> list[Condition]:
    """`words`, `latency=10%`, `tools,status`; `any` is each of them. Raises UsageError."""
    found: list[Condition] = []
    for text in (part.strip() for joined in texts for part in joined.split(",")):
        name, equals, percent = text.partition("=")
        if name == "any" and not equals:
            found += [Condition(change) for change in _CHANGES]
            found += [Condition(group, _GROUPS[group][1]) for group in ("latency", "tokens", "cost")]
        elif name in _CHANGES and not equals:
            found.append(Condition(name))
        elif name in _GROUPS:
            found.append(Condition(name, _percent(text, percent) if equals else _GROUPS[name][1]))
        else:
            raise UsageError(f"--fail-on {text!r}: unknown condition", hint=_hint(name))
    return found


def _percent(text: str, percent: str) -> float:
    try:
        value = float(percent.removesuffix("%"))
    except ValueError:
        value = -1.0  # refused below, like "nan"
    if not 0 <= value < float("inf"):
        raise UsageError(f"--fail-on {text!r}: not a percentage", hint="for example latency=20%")
    return value


def _hint(name: str) -> str:
    # It exists, so what was wrong is the percentage behind it.
    if name in CONDITIONS:
        return f"{name} takes no percentage"
    return nearest_hint(name, CONDITIONS, f"conditions are {', '.join(CONDITIONS)}")


def broken(
    conditions: Iterable[Condition], found: Sequence[tuple[TurnPair, Change]], totals: Sequence[Amount]
) -> Iterator[str]:
    """A sentence for everything that does not hold."""
    for condition in conditions:
        if condition.name in _CHANGES:
            for pair, change in found:
                if change.kind == condition.name:
                    yield f"{condition.name}: turn {pair.name}: {_SENTENCES[change.what]}"
        else:
            grown = (amount for amount in totals if amount.name in _GROUPS[condition.name][0])
            yield from (_grown(amount, condition) for amount in grown if _over(amount, condition))


def _over(amount: Amount, condition: Condition) -> bool:
    if amount.growth is None or amount.left is None or amount.right is None:
        return False
    # Percent alone would report 3 ms that became 4.
    enough = amount.unit != "ms" or amount.right - amount.left >= _MIN_MS
    return enough and amount.growth > condition.percent


def _grown(amount: Amount, condition: Condition) -> str:
    name = amount.name.replace("_", " ")
    growth = "from nothing" if amount.left == 0 else f"{amount.growth:+.0f}%"
    return (
        f"{name}: {shown(amount.left, amount.unit)}, then {shown(amount.right, amount.unit)} "
        f"({growth}, more than {condition.percent:g}%)"
    )


def shown(value: float | None, unit: str) -> str:
    """A figure for users."""
    if value is None:
        return "-"
    return f"${value:.4f}" if unit == "dollars" else f"{value:.0f} ms" if unit == "ms" else f"{value:,.0f}"
