"""Two sessions side by side: which turns belong together, what differs, and what is too much."""

from __future__ import annotations

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.usage import TokenUsage
from rtcli.timeline.conditions import CONDITIONS, broken, parse_conditions
from rtcli.timeline.diff import align, amounts, changes, pair_amounts
from rtcli.timeline.turns import Turn
from tests.kit.told import Told


def cost(_model: str, usage: TokenUsage) -> float | None:
    return usage.output / 100


def session(*words: str, wait: float = 0.1, tokens: int = 10, says: str = "yes") -> list[Turn]:
    """A turn for each of these words; `wait` seconds to the first delta."""
    told = Told()
    for number, said in enumerate(words):
        told.types(said)
        told.begins(f"r{number}")
        told.now += wait
        told.gets("response.output_text.delta", response_id=f"r{number}", delta=says)
        told.gets("response.output_text.done", response_id=f"r{number}", text=says)
        told.ends(f"r{number}", usage={"input_tokens": 5, "output_tokens": tokens})
    return list(told.timeline.turns)


def aligned(left: list[Turn], right: list[Turn]) -> list[tuple[int | None, int | None]]:
    return [
        (pair.left.number if pair.left else None, pair.right.number if pair.right else None)
        for pair in align(left, right)
    ]


@pytest.mark.parametrize(
    ("left", "right", "pairs"),
    [
        ("abc", "abc", [(1, 1), (2, 2), (3, 3)]),
        ("abc", "ac", [(1, 1), (2, None), (3, 2)]),
        ("ac", "abc", [(1, 1), (None, 2), (2, 3)]),
        ("abc", "axc", [(1, 1), (2, 2), (3, 3)]),
        ("abcd", "axd", [(1, 1), (2, 2), (3, None), (4, 3)]),
        ("ab", "", [(1, None), (2, None)]),
        ("", "", []),
    ],
)
def test_turns_in_which_the_same_was_said_belong_together(
    left: str, right: str, pairs: list[tuple[int | None, int | None]]
) -> None:
    """A turn that came or went moves nothing; one that was said otherwise is compared with that in its place."""
    assert aligned(session(*left), session(*right)) == pairs


def test_how_words_are_written_does_not_part_them() -> None:
    """Case and punctuation are the recognizer's; what differs in them is told all the same."""
    left, right = session("Hello, there!", "next"), session("new", "hello there", "next")

    assert aligned(left, right) == [(None, 1), (1, 2), (2, 3)]
    (change,) = changes(align(left, right)[1])
    assert (change.kind, change.what, change.left, change.right) == ("words", "you", "Hello, there!", "hello there")


def with_calls(*arguments: str, status: str = "completed") -> list[Turn]:
    told = Told()
    told.types()
    told.begins("r")
    for number, text in enumerate(arguments):
        item = {"type": "function_call", "call_id": f"c{number}", "name": "f", "arguments": text}
        told.gets("response.output_item.done", response_id="r", item=item)
    told.ends("r", status)
    return list(told.timeline.turns)


@pytest.mark.parametrize(
    ("left", "right", "kinds"),
    [
        (['{"a": 1, "b": 2}'], ['{"b":2,"a":1}'], []),
        (['{"a": 1}'], ['{"a": 2}'], ["tools"]),
        (["{}"], [], ["tools"]),
        (["{}"], ["{}", "{}"], ["tools"]),
        (["not json"], ["not json"], []),
        (["[" * 100_000], ["[" * 100_000], []),
        (["[" * 900 + "]" * 900], ["[" * 900 + " ]" + "]" * 899], []),
    ],
)
def test_calls_are_the_same_if_their_arguments_mean_the_same(
    left: list[str], right: list[str], kinds: list[str]
) -> None:
    """However they are written."""
    (pair,) = align(with_calls(*left), with_calls(*right))

    assert [change.kind for change in changes(pair)] == kinds


def test_a_turn_that_ends_in_another_way_is_told() -> None:
    """What failed in one session and not in the other."""
    (pair,) = align(with_calls(), with_calls(status="failed"))

    assert [(change.kind, change.left, change.right) for change in changes(pair)] == [("status", "completed", "failed")]


def test_figures_tokens_and_cost_of_both_stand_side_by_side() -> None:
    """Medians of latencies, sums of the others; what a session does not have is left open."""
    left, right = session("a", "b", wait=0.1), session("a", "b", wait=0.15, tokens=20)
    totals = {amount.name: amount for amount in amounts(left, right, cost)}

    assert totals["typed_to_first_delta"].growth == pytest.approx(50)
    assert (totals["output_tokens"].left, totals["output_tokens"].right) == (20, 40)
    assert totals["cost"].growth == pytest.approx(100)
    assert "voice_to_ear" not in totals
    only_left = {amount.name: amount for amount in pair_amounts(align(left, session("a"))[1], cost)}
    assert only_left["output_tokens"].right is None and only_left["cost"].growth is None
    assert {one.name: one for one in amounts(left, left, lambda *_: None)}.keys() == totals.keys() - {"cost"}


def judged(left: list[Turn], right: list[Turn], *conditions: str) -> list[str]:
    pairs = align(left, right)
    found = [(pair, change) for pair in pairs for change in changes(pair)]
    return list(broken(parse_conditions(conditions), found, amounts(left, right, cost)))


def test_only_what_is_named_fails() -> None:
    """Words, turns, tokens; each with a sentence that names the turn or the figure."""
    left, right = session("a", "b"), session("a", "b", "c", says="no", tokens=11)

    assert judged(left, right, "tools,status") == []
    assert judged(left, right, "words") == [f"words: turn {n}: the answer differs" for n in (1, 2)]
    assert judged(left, right, "turns") == ["turns: turn 3 of B: only one session has it"]
    assert judged(left, right, "tokens=60%") == ["output tokens: 20, then 33 (+65%, more than 60%)"]
    assert judged(left, left, "any") == []


def test_a_latency_has_grown_from_a_share_and_some_milliseconds_on() -> None:
    """What differs from run to run is no growth; getting quicker is none either."""
    slow = session("a", wait=0.5)

    assert judged(session("a", wait=0.001), session("a", wait=0.011), "latency") == []
    assert judged(session("a", wait=0.45), slow, "latency") == []
    assert judged(slow, session("a", wait=0.1), "latency=0%") == []
    assert judged(session("a", wait=0.2), slow, "done") == ["done: 200 ms, then 500 ms (+150%, more than 20%)"]
    assert judged(session("a", wait=0.2), slow, "voice_to_ear") == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [("latenc", "did you mean latency"), ("", "conditions are words"), ("words=3%", "words takes no percentage")],
)
def test_a_condition_that_is_not_known_is_refused(text: str, hint: str) -> None:
    """With what might be meant."""
    with pytest.raises(UsageError, match="unknown condition") as refused:
        parse_conditions([text])
    assert hint in refused.value.hint


@pytest.mark.parametrize("percent", ["", "much", "-1", "nan", "inf", "1%%"])
def test_a_percentage_that_is_none_is_refused(percent: str) -> None:
    """The line says which."""
    with pytest.raises(UsageError, match="not a percentage"):
        parse_conditions([f"latency={percent}"])


def test_every_condition_can_be_named() -> None:
    """As the help lists them."""
    assert all(parse_conditions([name]) for name in CONDITIONS)
    assert len(set(CONDITIONS)) == len(CONDITIONS)
