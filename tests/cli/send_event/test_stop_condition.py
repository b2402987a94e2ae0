"""When send-event is finished."""

from __future__ import annotations

from typing import Any

from rtcli.cli.send_event.stop_condition import Progress, StopCondition
from rtcli.protocol.filters import parse_filter
from rtcli.protocol.frame_maker import FrameMaker

APPEND = {"type": "input_audio_buffer.append", "audio": ""}
CREATE = {"type": "response.create"}
DONE = {"type": "response.done", "response": {"id": "r"}}


class Fed(Progress):
    """Progress, with the frames that it looks at made here."""

    def __init__(self, stop: StopCondition) -> None:
        self.frames = FrameMaker()
        super().__init__(stop, self.frames.pending, 100.0)

    def sent(self, event: dict[str, Any], now: float = 100.0) -> None:
        self.observe(self.frames.sent(event, "", now), now)

    def received(self, event: dict[str, Any] | None, now: float = 100.0) -> None:
        self.observe(self.frames.received(event, "", now), now)


def exchange(stop: StopCondition, *events: dict[str, Any], open_input: bool = False) -> Fed:
    progress = Fed(stop)
    for event in events:
        progress.sent(event)
    progress.input_open = open_input
    return progress


def test_it_ends_with_the_last_answer() -> None:
    """By default every event's answer is waited for, and nothing else."""
    progress = exchange(StopCondition(), CREATE)

    assert not progress.finished(101.0)
    progress.received(DONE)
    assert progress.finished(101.0)


def test_events_without_a_reply_are_given_the_settling_time() -> None:
    """An error for one of them comes within it, if at all."""
    progress = exchange(StopCondition(settle=0.3), APPEND)

    assert not progress.finished(100.2)
    assert progress.next_look(100.0) == 100.3
    assert progress.finished(100.3)


def test_open_input_is_not_the_end() -> None:
    """More may be sent."""
    progress = exchange(StopCondition(timeout=1), CREATE, open_input=True)
    progress.received(DONE)

    assert not progress.finished(500.0)
    assert not progress.late(500.0)


def test_until_waits_for_its_type_and_not_for_answers() -> None:
    """A glob over types; answers that still are to come do not matter."""
    progress = exchange(
        StopCondition(
            until=(
                parse_filter("response.*.delta"),
                parse_filter("x"),
            )
        ),
        CREATE,
    )

    progress.received({"type": "response.created", "response": {"id": "r"}})
    assert not progress.finished(100.1)
    progress.received({"type": "response.output_text.delta"})
    assert progress.finished(100.1)


def test_until_takes_the_terms_of_filter() -> None:
    """All terms of one expression have to match; a frame that is not an event matches nothing but `error`."""
    progress = exchange(StopCondition(until=(parse_filter("response.* item=item_B"),)))

    for event in (None, {"type": "response.output_text.done", "item_id": "item_A"}, {"type": "x", "item_id": "item_B"}):
        progress.received(event)
    assert not progress.finished(100.1)
    progress.received({"type": "response.output_text.done", "item_id": "item_B"})
    assert progress.finished(100.1)


def test_count_counts_all_events_or_those_of_until() -> None:
    """--count 2, and --until a --count 2."""
    anything = exchange(StopCondition(count=2), CREATE)
    matching = exchange(StopCondition(count=2, until=(parse_filter("a"),)), CREATE)
    for progress in (anything, matching):
        for kind in ("a", "b"):
            progress.received({"type": kind})

    assert anything.finished(100.0)
    assert not matching.finished(100.0)
    matching.received({"type": "a"})
    assert matching.finished(100.0)


def test_a_fixed_time_is_listened_to_its_end_and_is_success() -> None:
    """--for neither ends early with the answers nor is it too late for them."""
    progress = exchange(StopCondition(seconds=5, timeout=1), CREATE)
    progress.received(DONE)

    assert not progress.finished(104.9)
    assert not progress.late(104.9)
    assert progress.finished(105.0)
    assert progress.verdict() is None


def test_a_fixed_time_that_ends_without_what_was_expected_is_a_failure() -> None:
    """--for 5 --until x: x has to come within 5 seconds."""
    progress = exchange(StopCondition(seconds=5, until=(parse_filter("x"),)), CREATE)

    assert progress.finished(105.0)
    assert "expected 1 of x, got 0" in str(progress.verdict())


def test_the_time_limit_counts_from_the_last_event_sent() -> None:
    """And says what was waited for."""
    progress = exchange(StopCondition(timeout=60), CREATE)
    progress.sent(CREATE, 130.0)

    assert not progress.late(189.9)
    assert progress.late(190.0)
    assert "response.create" in str(progress.late_error())


def test_no_time_limit_is_never_late() -> None:
    """--timeout 0."""
    progress = exchange(StopCondition(timeout=None), CREATE)

    assert not progress.late(1e9)
    assert progress.next_look(100.0) is None
