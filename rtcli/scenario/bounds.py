"""Bounds of a whole run: figures of its turns, tokens, cost, by one table of names, and the rules of `check`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtcli.errors import UsageError
from rtcli.lint import RULES, Finding, Severity
from rtcli.protocol.nearest import nearest_hint
from rtcli.protocol.usage import percentile
from rtcli.scenario.verdict import StepProblem
from rtcli.timeline.diff import Cost, cost_of
from rtcli.timeline.figures import FIGURES, SHARES, values
from rtcli.timeline.turns import Turn
from rtcli.views import counted

# ASCII: \d would take Arabic digits too, which float() reads and an editor's schema does not.
_FORM = re.compile(r"\s*(<=|>=|<|>|=)?\s*\$?\s*(\d+(?:\.\d+)?)\s*(ms|s)?\s*", re.ASCII)
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
_COUNTS: Mapping[str, Callable[[Sequence[Turn], Cost], float | None]] = {
    "turns": lambda turns, _: float(len(turns)),
    "input_tokens": lambda turns, _: float(sum(turn.usage.input for turn in turns)),
    "output_tokens": lambda turns, _: float(sum(turn.usage.output for turn in turns)),
    "tokens": lambda turns, _: float(sum(turn.usage.total for turn in turns)),
    "cost": cost_of,
}
SUMMARIES = (*SHARES, "max")

NAMES: tuple[str, ...] = (*(f"{name}.{how}" for name in FIGURES for how in SUMMARIES), *FIGURES, *_COUNTS)
"""Everything that can be bounded. A figure without `.p50`, `.p95` or `.max` is that of every turn."""

SEVERITIES = tuple(severity.value for severity in Severity)


@dataclass(frozen=True, slots=True)
class Bound:
    """`name` is compared with `limit`, in milliseconds, tokens or dollars; `text` is how that was written.

    `line` is its place in the file, 0 where it has none.
    """

    name: str
    sign: str
    limit: float
    text: str
    line: int = 0

    def judge(self, turns: Sequence[Turn], cost: Cost) -> StepProblem | None:
        """Why it does not hold; None where it does."""
        value = measured(self.name, turns, cost)
        if value is None:
            why = "a model has no price" if self.name == "cost" else "no turn has this figure"
            return StepProblem(f"{self.name} was not measured: {why}")
        if _OPERATORS[self.sign](value, self.limit):
            return None
        return StepProblem(f"{self.name} is {shown(self.name, value)}, not {self.text}")


def parse_bound(name: str, value: object) -> Bound:
    """From "<900ms", ">=2" or a number, which is the most that may be. Raises UsageError."""
    found = _FORM.fullmatch(value if isinstance(value, str) else str(value)) if not isinstance(value, bool) else None
    # YAML reads `on` and `yes` as booleans, and bool is an int: "at most True" would pass for a bound. Counts have no
    # unit.
    if found is None or (found[3] and name in _COUNTS):
        raise UsageError(f"{value!r} is not a bound of {name}", hint='for example "<900ms", ">=2" or 500')
    limit = float(found[2]) * (1000 if found[3] == "s" else 1)
    sign = found[1] or "<="  # a bare number is a budget
    return Bound(name, sign, limit, str(value).strip() if found[1] else f"at most {str(value).strip()}")


def measured(name: str, turns: Sequence[Turn], cost: Cost) -> float | None:
    """A figure, in milliseconds, or a count; None: nothing has it."""
    if name in _COUNTS:
        return _COUNTS[name](turns, cost)
    figure, _, how = name.partition(".")
    found = values(figure, turns)
    return percentile(found, SHARES[how]) if how in SHARES else max(found, default=None)


def shown(name: str, value: float | None) -> str:
    """A figure for users."""
    if value is None:
        return "-"
    return f"${value:.4f}" if name == "cost" else f"{value:,.0f}" if name in _COUNTS else f"{value:.0f} ms"


@dataclass(frozen=True, slots=True)
class LintBound:
    """No finding of a rule of `check` may be of this severity or worse, but for the rules that are ignored."""

    severity: Severity = Severity.ERROR
    ignore: frozenset[str] = frozenset()
    line: int = 0

    def judge(self, findings: Iterable[Finding]) -> StepProblem | None:
        """What was found; None: nothing."""
        # The enum lists the worst first.
        worse = SEVERITIES[: SEVERITIES.index(self.severity.value) + 1]
        found = [one for one in findings if one.rule.severity.value in worse and one.rule.id not in self.ignore]
        if not found:
            return None
        lines = tuple(f"{_frame(one)}{one.rule.severity}: {one.text} ({one.rule.id})" for one in found)
        return StepProblem(f"the rules of check reported {counted(len(found), 'finding')}", lines)


def _frame(finding: Finding) -> str:
    return f"#{finding.number} " if finding.number is not None else ""


def parse_lint(value: Any) -> LintBound:
    """From a severity, or `{severity, ignore}`. Raises UsageError."""
    given = {"severity": value} if isinstance(value, str) else value
    if not isinstance(given, Mapping) or not given.keys() <= {"severity", "ignore"}:
        raise UsageError(f"{value!r} is not a severity", hint=f"one of {', '.join(SEVERITIES)}, or severity and ignore")
    severity, ignore = given.get("severity", Severity.ERROR.value), given.get("ignore", [])
    if severity not in SEVERITIES:
        raise UsageError(f"{severity!r} is not a severity", hint=f"severities are {', '.join(SEVERITIES)}")
    if not isinstance(ignore, list):
        raise UsageError(f"{ignore!r} is not a list of rules", hint="rtcli check --rules lists them")
    known = [rule.id for rule in RULES]
    for name in ignore:
        if name not in known:
            hint = nearest_hint(str(name), known, "rtcli check --rules lists them")
            raise UsageError(f"{name!r} is not a rule of check", hint=hint)
    return LintBound(Severity(severity), frozenset(ignore))
