"""Bounds of a whole run: one table of names, and comparisons."""

from __future__ import annotations

import pytest

from rtcli.errors import UsageError
from rtcli.lint import RULES, Finding
from rtcli.protocol.usage import TokenUsage
from rtcli.scenario.bounds import NAMES, measured, parse_bound, parse_lint
from rtcli.timeline.figures import FIGURES
from rtcli.timeline.turns import Moment, Turn, TurnKind, TurnResponse


def turn(number: int, seconds: float, tokens: int = 10) -> Turn:
    """A turn whose answer took so long."""
    response = TurnResponse(
        f"resp_{number}",
        Moment(1.1, 2),
        Moment(1.0, 1),
        first_delta=Moment(1.0 + seconds / 2, 3),
        done=Moment(1.0 + seconds, 4),
        status="completed",
        usage=TokenUsage(output_text=tokens),
        model="m",
    )
    return Turn(number, TurnKind.TYPED, Moment(1.0, 1), asked=Moment(1.0, 1), responses=[response])


TURNS = [turn(number, number / 10) for number in range(1, 11)]


def cost(model: str, usage: TokenUsage) -> float | None:
    """A cent for a token."""
    return usage.output / 100


@pytest.mark.parametrize(
    ("name", "value", "holds"),
    [
        ("done.p50", "<=500ms", True),
        ("done.p50", "<500ms", False),
        ("done.p95", "<2s", True),
        ("done.max", ">999ms", True),
        ("done", 900, False),
        ("done", "1s", True),
        ("first_delta.p50", "250ms", True),
        ("turns", "=10", True),
        ("turns", 9, False),
        ("tokens", ">=100", True),
        ("output_tokens", "<100", False),
        ("input_tokens", 0, True),
        ("cost", "<$1.10", True),
        ("cost", "<0.9", False),
    ],
)
def test_a_figure_is_compared(name: str, value: object, holds: bool) -> None:
    """With a comparison, or with the most that it may be; a name alone is the figure of every turn."""
    problem = parse_bound(name, value).judge(TURNS, cost)

    assert (problem is None) is holds


def test_what_does_not_hold_says_both_figures() -> None:
    """What it is, and what it should be."""
    problem = parse_bound("done.p95", "<900ms").judge(TURNS, cost)

    assert problem is not None
    assert problem.text == "done.p95 is 1000 ms, not <900ms"


def test_what_was_not_measured_does_not_hold() -> None:
    """A bound on audio that never came is not met by accident."""
    for name, unpriced in (("voice_to_ear.p50", cost), ("cost", lambda model, usage: None)):
        problem = parse_bound(name, "<1").judge(TURNS, unpriced)
        assert problem is not None
        assert "was not measured" in problem.text


def test_every_figure_has_its_names() -> None:
    """One table: what the timeline measures can be bounded, in each way."""
    for name in FIGURES:
        assert {name, f"{name}.p50", f"{name}.p95", f"{name}.max"} <= set(NAMES)
    for name in NAMES:
        measured(name, TURNS, cost)


@pytest.mark.parametrize("value", [True, None, "", "soon", "<", "<5 minutes", [1], "-3", "nan"])
def test_what_is_not_a_bound_is_refused(value: object) -> None:
    """With an example of one."""
    with pytest.raises(UsageError, match="is not a bound of done"):
        parse_bound("done", value)


def test_findings_count_from_a_severity_on() -> None:
    """Those of rules that are ignored do not."""
    by_severity = {rule.severity.value: rule for rule in RULES}
    found = [Finding(by_severity[name], f"a {name}", 3) for name in ("error", "warning", "note")]

    worst = parse_lint("error").judge(found)
    assert worst is not None
    assert len(worst.details) == 1
    whole = parse_lint("note").judge(found)
    assert whole is not None
    assert len(whole.details) == 3
    assert f"#3 error: a error ({by_severity['error'].id})" in whole.details
    ignored = parse_lint({"severity": "error", "ignore": [by_severity["error"].id]})
    assert ignored.judge(found) is None
