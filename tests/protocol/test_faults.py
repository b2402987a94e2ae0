"""The language of faults, and when each is due."""

from __future__ import annotations

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.faults import (
    Fault,
    FaultAction,
    FaultKind,
    FaultPlan,
    FaultTrigger,
    parse_action,
    parse_fault,
    parse_step,
)
from rtcli.protocol.record import Direction


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("after=3s:close=1011", Fault(FaultTrigger.AFTER, FaultAction(FaultKind.CLOSE, 1011), 3.0)),
        ("after=250ms:drop", Fault(FaultTrigger.AFTER, FaultAction(FaultKind.DROP), 0.25)),
        (
            "event=response.created:stall=5s",
            Fault(FaultTrigger.EVENT, FaultAction(FaultKind.STALL, 5.0), 1, "response.created"),
        ),
        ("event=response.*@3:delay=1.5", Fault(FaultTrigger.EVENT, FaultAction(FaultKind.DELAY, 1.5), 3, "response.*")),
        ("connect:http=503", Fault(FaultTrigger.CONNECT, FaultAction(FaultKind.HTTP, 503), 0.0)),
        ("n=20:malformed", Fault(FaultTrigger.NUMBER, FaultAction(FaultKind.MALFORMED), 20)),
        ("n=1:close", Fault(FaultTrigger.NUMBER, FaultAction(FaultKind.CLOSE, 1011), 1)),
        ("connect:quota", Fault(FaultTrigger.CONNECT, FaultAction(FaultKind.QUOTA), 0.0)),
        (
            "event=>response.create:delay=1s",
            Fault(FaultTrigger.EVENT, FaultAction(FaultKind.DELAY, 1.0), 1, "response.create", Direction.SENT),
        ),
        ("event=<response.done:drop", Fault(FaultTrigger.EVENT, FaultAction(FaultKind.DROP), 1, "response.done")),
        ("n=>3:close", Fault(FaultTrigger.NUMBER, FaultAction(FaultKind.CLOSE, 1011), 3, direction=Direction.SENT)),
        ("n=2:error=boom", Fault(FaultTrigger.NUMBER, FaultAction(FaultKind.ERROR, 0.0, "boom"), 2)),
    ],
)
def test_a_fault_is_when_and_what(text: str, fault: Fault) -> None:
    """Every example of the language."""
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text",
    [
        "", "close", "soon:close", "after=:close", "after=3m:close", "n=0:close", "n=x:close", "event=:close",
        "event=a@0:close", "connect=1:close", "n=1:close=999", "n=1:close=1005", "n=1:explode", "n=1:stall",
        "n=1:drop=2", "n=1:http=503", "connect:http=200", "event=>:close", "event=>@2:close", "n=>:close",
        "after=>1s:close", "connect:http=x", "n=1:close=x", "n=\u0661:close",
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_how_to_write_it(text: str) -> None:
    """A usage error with an example or the list of faults."""
    with pytest.raises(UsageError) as caught:
        parse_fault(text)

    assert caught.value.hint


def test_an_action_alone_can_be_read() -> None:
    """As scripts write it."""
    assert parse_action("close=4000") == FaultAction(FaultKind.CLOSE, 4000)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("soon:close", "'soon' is not one of connect, after, n, event"),
        ("n=x:close", "expected a number of an event, got 'x'"),
        ("n=1:explode", "'explode' is not one of close, drop, stall"),
        ("n=1:close=1005", "1005 is not a code that a close frame may carry"),
        ("after=3m:close", "expected a duration like 3s or 250ms, got '3m'"),
    ],
)
def test_the_reason_names_the_value(text: str, why: str) -> None:
    """In words of this language, not of the one it is written in."""
    with pytest.raises(UsageError) as caught:
        parse_fault(text)

    assert str(caught.value.why).startswith(why)


def test_a_step_of_a_script_comes_too_late_for_an_http_status() -> None:
    """The client is connected by then."""
    assert parse_step("drop") == FaultAction(FaultKind.DROP)
    with pytest.raises(UsageError, match="cannot be a step"):
        parse_step("http=503")


def test_the_directions_are_counted_apart() -> None:
    """What the client sends triggers nothing that waits for the server's events, and the other way round."""
    plan = FaultPlan.parse(["n=2:drop", "event=>response.*:stall=1s", "n=>1:duplicate"])

    assert [action.kind for action in plan.before("response.create", Direction.SENT)] == [
        FaultKind.STALL,
        FaultKind.DUPLICATE,
    ]
    assert plan.before("response.created") == []
    assert [action.kind for action in plan.before("response.done")] == [FaultKind.DROP]


def test_a_fault_happens_once() -> None:
    """At the Nth event, or at the Nth match of a glob."""
    plan = FaultPlan.parse(["n=2:duplicate", "event=response.*@2:malformed"])
    sent = ["session.created", "response.created", "response.done", "response.created"]

    assert [[action.kind for action in plan.before(name)] for name in sent] == [
        [],
        [FaultKind.DUPLICATE],
        [FaultKind.MALFORMED],
        [],
    ]


def test_a_delay_slows_every_match() -> None:
    """From the one that it names on."""
    plan = FaultPlan.parse(["event=*.delta@2:delay=1s"])

    assert [len(plan.before(name)) for name in ("a.delta", "a.delta", "b", "a.delta")] == [0, 1, 0, 1]


def test_each_connection_has_its_own_plan() -> None:
    """Counting starts anew."""
    first, second = FaultPlan.parse(["n=1:drop"]), FaultPlan.parse(["n=1:drop"])
    first.before("x")

    assert [len(first.before("x")), len(second.before("x"))] == [0, 1]


def test_timed_faults_and_those_at_connect_are_told_apart() -> None:
    """Whoever runs the connection asks for both."""
    plan = FaultPlan.parse(["after=2s:close", "connect:stall=1s"])

    assert plan.timed() == [(2.0, FaultAction(FaultKind.CLOSE, 1011))]
    assert plan.at_connect() == [FaultAction(FaultKind.STALL, 1.0)]
