"""What an event of ours had waited for, and when that is there again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from rtcli.protocol.cues import Cue, Cues

CREATE = {"type": "response.create"}
OUTPUT = {"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "c1", "output": "1"}}


def created(name: str) -> dict[str, Any]:
    return {"type": "response.created", "response": {"id": name}}


def done(name: str) -> dict[str, Any]:
    return {"type": "response.done", "response": {"id": name}}


def called(name: str) -> dict[str, Any]:
    return {"type": "response.output_item.done", "item": {"type": "function_call", "id": f"i_{name}", "call_id": name}}


DELTA = {"type": "response.output_text.delta", "delta": "x"}


def cue_after(*events: Mapping[str, Any], of: Mapping[str, Any] = CREATE) -> Cue:
    """The cue of an event that is sent after these came."""
    cues = Cues()
    for event in events:
        cues.received(event)
    return cues.sent(of)


def test_a_cue_counts_what_came_before() -> None:
    """And comes back from its JSON as it was; without anything it is empty."""
    cue = cue_after(created("r1"), done("r1"), created("r2"), DELTA, DELTA)

    assert cue == Cue(begun=2, ended=1, deltas=2)
    assert Cue.of(json.loads(json.dumps(cue.as_json()))) == cue
    assert cue_after().as_json() == {} and Cue.of({}) == Cue()


def test_an_id_of_the_server_is_known_by_its_place() -> None:
    """The second call stays the second call, whatever it is called this time; ids of ours stay."""
    cue = cue_after(called("c0"), called("c1"), of={**OUTPUT, "event_id": "mine"})
    again = Cues()
    again.received(called("other0"))
    assert not again.met(cue)
    again.received(called("other1"))

    assert cue.ids == {"c1": ("call", 1)}
    assert again.met(cue)
    assert again.named('{"call_id":"c1","event_id":"mine"}', cue) == '{"call_id":"other1","event_id":"mine"}'


def test_an_id_that_the_client_made_is_left_alone() -> None:
    """The server confirms it, which does not make it the server's."""
    cues = Cues()
    cues.sent({"type": "conversation.item.create", "item": {"id": "mine"}})
    cues.received({"type": "conversation.item.added", "item": {"id": "mine"}})

    assert cues.sent({"type": "conversation.item.delete", "item_id": "mine"}).ids == {}


@pytest.mark.parametrize(
    ("came", "met"),
    [
        ((), False),
        ((created("a"),), False),
        ((created("a"), DELTA), False),
        ((created("a"), DELTA, DELTA), True),
        ((created("a"), DELTA, done("a")), True),  # it was shorter this time
        ((created("a"), created("b")), True),  # it is over, as far as anybody waits for it
    ],
)
def test_an_event_from_the_middle_of_an_answer_waits_for_the_middle(
    came: tuple[Mapping[str, Any], ...], met: bool
) -> None:
    """Of one that is long enough."""
    again = Cues()
    for event in came:
        again.received(event)

    assert again.met(cue_after(created("r"), DELTA, DELTA)) is met


def test_a_dialect_counts_alike() -> None:
    """The beta's names of the same events."""
    beta = {"type": "response.text.delta", "response_id": "r", "item_id": "i", "delta": "x"}

    assert cue_after(created("r"), beta).deltas == 1


@pytest.mark.parametrize("value", [None, [], 3, {"begun": -1}, {"ended": "x"}, {"ids": []}, {"deltas": True}])
def test_what_is_not_a_cue_is_none(value: object) -> None:
    """An event with it is sent at once."""
    assert Cue.of(value) is None


@pytest.mark.parametrize("place", [["call", 9], ["nosuch", 0], ["call", -1], ["call", "x"], ["call"], "call"])
def test_a_place_that_never_comes_is_waited_for(place: object) -> None:
    """Or is none at all; it never raises."""
    cue = Cue.of({"ids": {"c": place}})
    cues = Cues()
    cues.received(called("c1"))

    assert cue is not None and cues.met(cue) is not bool(cue.ids)
    assert cues.named('"c"', cue) == '"c"'


@pytest.mark.parametrize("event", [{}, {"type": 3}, {"type": "x", "item": "y", "response": 3, "item_id": {}}])
def test_odd_events_count_for_nothing(event: Mapping[str, Any]) -> None:
    """Whatever they hold."""
    assert cue_after(event) == Cue()
