"""The language of faults, and when each is due."""

from __future__ import annotations

import pytest

from rtcli.errors import UsageError
from rtcli.server.faults import Action, Fault, FaultPlan, What, When, parse_action, parse_fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("after=3s:close=1011", Fault(When.AFTER, Action(What.CLOSE, 1011), 3.0)),
        ("after=250ms:drop", Fault(When.AFTER, Action(What.DROP), 0.25)),
        ("event=response.created:stall=5s", Fault(When.EVENT, Action(What.STALL, 5.0), 1, "response.created")),
        ("event=response.*@3:delay=1.5", Fault(When.EVENT, Action(What.DELAY, 1.5), 3, "response.*")),
        ("connect:http=503", Fault(When.CONNECT, Action(What.HTTP, 503), 0.0)),
        ("n=20:malformed", Fault(When.NUMBER, Action(What.MALFORMED), 20)),
        ("n=1:close", Fault(When.NUMBER, Action(What.CLOSE, 1011), 1)),
        ("connect:quota", Fault(When.CONNECT, Action(What.QUOTA), 0.0)),
        ("n=2:error=boom", Fault(When.NUMBER, Action(What.ERROR, 0.0, "boom"), 2)),
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
        "n=1:drop=2", "n=1:http=503", "connect:http=200",
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_how_to_write_it(text: str) -> None:
    """A usage error with an example or the list of faults."""
    with pytest.raises(UsageError) as caught:
        parse_fault(text)

    assert caught.value.hint


def test_an_action_alone_can_be_read() -> None:
    """As scripts write it."""
    assert parse_action("close=4000") == Action(What.CLOSE, 4000)


def test_a_fault_happens_once() -> None:
    """At the Nth event, or at the Nth match of a glob."""
    plan = FaultPlan.parse(["n=2:duplicate", "event=response.*@2:malformed"])
    sent = ["session.created", "response.created", "response.done", "response.created"]

    assert [[action.what for action in plan.before(name)] for name in sent] == [
        [],
        [What.DUPLICATE],
        [What.MALFORMED],
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

    assert plan.timed() == [(2.0, Action(What.CLOSE, 1011))]
    assert plan.at_connect() == [Action(What.STALL, 1.0)]
