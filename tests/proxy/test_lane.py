"""One direction of a connection: order, faults, holding, dropping and changing, without a clock or a loop."""

from __future__ import annotations

import json

import pytest

from rtcli.protocol.faults import FaultPlan, parse_action
from rtcli.protocol.filters import parse_filter
from rtcli.protocol.record import Direction
from rtcli.proxy.lane import Lane, Terms
from rtcli.proxy.message import (
    HOLD_SECONDS,
    Dropped,
    Ended,
    FaultDue,
    Held,
    LaneStep,
    Message,
    Pass,
    Released,
    SideClose,
)


def lane(*faults: str, hold: str = "", drop: str = "", direction: Direction = Direction.RECEIVED) -> Lane:
    terms = Terms(parse_filter(hold) if hold else None, parse_filter(drop) if drop else None)
    return Lane(direction, FaultPlan.parse(faults), terms)


def message(kind: str, came: float = 0.0, **fields: object) -> Message:
    return Message(json.dumps({"type": kind, **fields}).encode(), False, came)


def told(steps: object) -> list[str]:
    """The steps in short."""
    return [_SHORT[type(step)](step) for step in steps]  # type: ignore[attr-defined]


def _kind(data: bytes) -> str:
    try:
        return str(json.loads(data)["type"])
    except ValueError:
        return f"broken {data.decode()}"


_SHORT = {
    Pass: lambda step: _kind(step.message.data),
    Dropped: lambda step: f"dropped {_kind(step.message.data)}",
    Held: lambda step: f"held {_kind(step.message.data)}",
    Released: lambda step: f"released{' late' if step.late else ''}",
    FaultDue: lambda step: f"fault {step.action}",
    Ended: lambda step: f"end {step.close.code}",
}


def test_a_lane_without_faults_and_terms_is_free() -> None:
    assert lane().free
    assert lane("after=3s:close").free, "time triggers it, and no message"
    assert lane("event=>a:stall=1").free, "it is of the other direction"
    assert not lane("event=a:stall=1").free
    assert not lane(hold="a").free
    assert not lane(drop="a").free


def test_a_stall_keeps_the_order_and_ends_with_its_time() -> None:
    one = lane("event=b:stall=5s")

    assert told(one.offer(message("a"), 0.0)) == ["a"]
    assert told(one.offer(message("b"), 1.0)) == ["fault stall=5"]
    assert told(one.offer(message("c"), 2.0)) == []
    assert one.due == 6.0
    assert told(one.run(5.9)) == []
    assert told(one.run(6.0)) == ["b", "c"]
    assert not one.waiting
    assert one.free is False, "it counts"


def test_a_delay_comes_before_each_event_that_matches() -> None:
    one = lane("event=d:delay=1s")

    assert told(one.offer(message("d"), 0.0)) == ["fault delay=1"]
    assert told(one.offer(message("d"), 0.5)) == []
    assert told(one.run(1.0)) == ["d", "fault delay=1"]
    assert told(one.run(2.0)) == ["d"]


def test_a_duplicate_goes_twice_and_a_malformed_one_is_cut_before_it() -> None:
    one = lane("n=2:duplicate", "n=3:malformed")

    steps = [step for kind in ("a", "b", "c") for step in told(one.offer(message(kind), 0.0))]

    assert steps == ["a", "fault duplicate", "b", "b", "fault malformed", 'broken {"type', "c"]


def test_half_of_a_text_is_text() -> None:
    one = lane("n=1:malformed")
    steps = one.offer(Message('{"type":"é€é€é€é"}'.encode(), False, 0.0), 0.0)

    assert all(step.message.data.decode() for step in steps if isinstance(step, Pass))


@pytest.mark.parametrize("kind", ["close=4000", "drop"])
def test_after_the_end_nothing_passes(kind: str) -> None:
    one = lane(f"event=b:{kind}", drop="b", hold="b")

    assert told(one.offer(message("a"), 0.0)) == ["a"]
    assert told(one.offer(message("b"), 0.0)) == [f"fault {kind}"]


def test_faults_that_no_message_triggers() -> None:
    one = lane()

    assert told(one.happen(parse_action("duplicate"), 0.0)) == ["fault duplicate"]
    assert told(one.offer(message("a"), 0.0)) == ["a", "a"]
    assert one.free
    assert told(one.happen(parse_action("stall=2"), 1.0)) == ["fault stall=2"]
    assert told(one.offer(message("b"), 1.5)) == []
    assert told(one.run(3.0)) == ["b"]
    assert one.free
    assert told(one.happen(parse_action("malformed"), 4.0)) == ["fault malformed", 'broken {"type": ']


def test_what_is_held_stops_what_is_behind_it_until_it_is_released() -> None:
    one = lane(hold="b")

    assert told(one.offer(message("a"), 0.0)) == ["a"]
    assert told(one.offer(message("b"), 1.0)) == ["held b"]
    assert told(one.offer(message("c"), 2.0)) == []
    assert told(one.offer(message("b"), 3.0)) == []
    assert told(one.release(4.0)) == ["released", "b", "c", "held b"]
    assert told(one.release(5.0)) == ["released", "b"]
    assert told(one.release(6.0)) == []


def test_nobody_holds_longer_than_a_minute() -> None:
    one = lane(hold="b")
    list(one.offer(message("b"), 1.0))

    assert one.due == 1.0 + HOLD_SECONDS
    assert told(one.run(1.0 + HOLD_SECONDS - 0.1)) == []
    assert told(one.run(1.0 + HOLD_SECONDS)) == ["released late", "b"]


def test_a_held_message_that_is_changed_goes_as_it_was_changed_and_tells_how_it_came() -> None:
    one = lane(hold="b")
    list(one.offer(message("b", text="before"), 1.0))
    one.change(b'{"type":"b","text":"between"}', "/edit")
    one.change(b'{"type":"b","text":"after"}', "/edit")

    (step,) = [step for step in one.release(2.0) if isinstance(step, Pass)]

    assert step.message.data == b'{"type":"b","text":"after"}'
    assert json.loads(step.message.was)["text"] == "before"
    assert step.message.by == "/edit"
    assert one.waiting == 0


def test_terms_that_do_not_hold_any_more_release() -> None:
    one = lane(hold="b")
    list(one.offer(message("b"), 0.0))
    one.terms.hold = parse_filter("b.*")
    assert told(one.apply_terms(1.0)) == ["released", "b"]

    one.terms.hold = None
    list(one.apply_terms(1.0))
    assert one.free


def test_what_is_dropped_goes_nowhere_and_what_is_behind_it_passes() -> None:
    one = lane(drop="b error")
    two = lane(drop="< *.delta")

    assert told(one.offer(message("b"), 0.0)) == ["b"], "all terms have to match"
    assert told(two.offer(message("x.delta"), 0.0)) == ["dropped x.delta"]
    assert told(two.offer(message("x.done"), 0.0)) == ["x.done"]
    assert two.waiting == 0


def test_the_end_comes_behind_what_waits() -> None:
    one = lane("event=a:stall=1s")

    assert told(one.offer(message("a"), 0.0)) == ["fault stall=1"]
    assert told(one.offer(SideClose(4000, "bye"), 0.5)) == []
    assert told(one.run(1.0)) == ["a", "end 4000"]


def test_a_source_that_has_gone_is_not_held_up_for_long() -> None:
    one = lane("event=a:stall=3600s")
    list(one.offer(message("a"), 0.0))
    list(one.offer(SideClose(1000), 1.0))
    one.hurry(2.0)

    assert told(one.run(2.0 + HOLD_SECONDS)) == ["a", "end 1000"]

    one.clear()
    assert not one.due


def test_what_waits_is_counted_in_bytes() -> None:
    one = lane(hold="*")
    sizes = 0
    for number in range(5):
        entry = message("a", number=number)
        sizes += len(entry.data)
        list(one.offer(entry, 0.0))

    assert one.waiting == sizes
    one.clear()
    assert one.waiting == 0


def test_a_frame_that_is_not_an_event_passes_and_counts() -> None:
    one = lane("n=2:duplicate", hold="b")
    odd = Message(b"\xff\x00", True, 0.0)

    passed: list[LaneStep] = [*one.offer(odd, 0.0), *one.offer(Message(b"no JSON", False, 0.0), 0.0)]

    assert [step.message.data for step in passed if isinstance(step, Pass)] == [b"\xff\x00", b"no JSON", b"no JSON"]
