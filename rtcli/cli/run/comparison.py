"""What `--set` is for: the runs of each scenario side by side, as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rtcli.scenario.bounds import measured, shown
from rtcli.scenario.verdict import Outcome
from rtcli.testing.cases import PlayedCase
from rtcli.timeline.diff import Cost
from rtcli.timeline.figures import FIGURES
from rtcli.timeline.turns import Turn
from rtcli.views import Table

_COUNTS = ("turns", "tokens", "cost")


def tables(played: Sequence[PlayedCase], cost: Cost) -> Iterator[Table]:
    """A table for each scenario that was played with several settings."""
    files: dict[tuple[str, str], list[PlayedCase]] = {}
    for one in played:
        if one.case.variant:
            files.setdefault((one.case.scenario.file, one.case.scenario.name), []).append(one)
    for (_, name), runs in files.items():
        yield _table(name, runs, cost)


def _table(name: str, runs: Sequence[PlayedCase], cost: Cost) -> Table:
    # A column that no run has a figure for says nothing, and the terminal is narrow.
    columns = [column for column in _columns() if any(_value(column, one.turns, cost) != "-" for one in runs)]
    rows = []
    for one in runs:
        problem = next((problem.message for _, problem in one.result.problems), "")
        figures = (_value(column, one.turns, cost) for column in columns)
        rows.append((one.case.variant, one.result.outcome.value, *figures, problem))
    failed = {(row, 1) for row, one in enumerate(runs) if one.result.outcome in (Outcome.FAILED, Outcome.ERROR)}
    headings = ("set", "result", *(column.replace("_", " ") for column in columns), "why")
    if not any(row[-1] for row in rows):
        headings, rows = headings[:-1], [row[:-1] for row in rows]
    return Table(headings, tuple(rows), title=name, warned=frozenset(failed))


def _columns() -> tuple[str, ...]:
    return (*(f"{figure}.p50" for figure in FIGURES), *_COUNTS)


def _value(column: str, turns: Sequence[Turn], cost: Callable[..., float | None]) -> str:
    return shown(column, measured(column, turns, cost))
