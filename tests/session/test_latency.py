"""How long turns took, from which moment to which."""

from __future__ import annotations

from typing import Any

from rtcli.protocol.record import Heard
from rtcli.session.latency import STEPS, Turns
from tests.kit.records import Feeder


class Watched(Feeder):
    """Turns, fed with frames that know their parents."""

    def __init__(self) -> None:
        self.turns = Turns()
        super().__init__(self.turns)


def created(name: str) -> dict[str, Any]:
    return {"type": "response.created", "response": {"id": name}}


def measured(turns: Turns) -> list[dict[str, float | None]]:
    return [{step: take(turn) for step, take in STEPS.items()} for turn in turns.turns]


def test_a_typed_turn_is_measured_from_its_request() -> None:
    """response.create -> created -> first delta -> done."""
    wire = Watched()
    wire.sent({"type": "response.create"}, 1.0)
    wire.received(created("r1"), 1.2)
    wire.received({"type": "response.output_text.delta", "response_id": "r1"}, 1.5)
    wire.received({"type": "response.output_text.delta", "response_id": "r1"}, 1.7)
    wire.received({"type": "response.done", "response": {"id": "r1", "status": "completed"}}, 2.0)

    (turn,) = measured(wire.turns)
    assert {step: round(ms) for step, ms in turn.items() if ms is not None} == {
        "created": 200,
        "first delta": 500,
        "done": 1000,
    }
    assert not wire.turns.turns[0].spoken


def test_a_spoken_turn_is_measured_from_the_end_of_speech_to_what_was_heard() -> None:
    """speech stopped -> created -> first audio -> first sample played."""
    wire = Watched()
    for name, at in (("speech_stopped", 10.0), ("committed", 10.05)):
        wire.received({"type": f"input_audio_buffer.{name}", "item_id": "u"}, at)
    wire.received(created("r1"), 10.1)
    wire.received(
        {"type": "response.output_audio.delta", "response_id": "r1", "item_id": "i", "content_index": 1}, 10.4
    )
    wire.record(Heard(10.45, "other", 0, 20))
    wire.record(Heard(10.47, "i", 1, 0))
    wire.record(Heard(10.7, "i", 1, 200))
    wire.record(Heard(99.0, "i", 1, 300))

    (turn,) = wire.turns.turns
    assert turn.spoken
    assert round(turn.after(turn.played) or 0) == 500
    assert round(turn.after(turn.first_audio) or 0) == 400


def test_a_response_nobody_asked_for_has_no_duration() -> None:
    """Without a beginning there is no latency, rather than a wrong one."""
    wire = Watched()
    wire.received(created("r1"), 3.0)

    assert measured(wire.turns)[0]["created"] is None
    assert wire.turns.summary("created", 0.5) is None


def test_a_refused_request_does_not_shift_the_next_one() -> None:
    """The request that the server refused belongs to no turn."""
    wire = Watched()
    wire.sent({"type": "response.create"}, 1.0)
    wire.received(created("r1"), 1.1)
    wire.sent({"type": "response.create", "event_id": "early"}, 2.0)
    wire.received({"type": "error", "error": {"code": "unknown_parameter", "event_id": "early"}}, 2.1)
    wire.sent({"type": "response.create"}, 5.0)
    wire.received(created("r2"), 5.2)

    assert [round(entry["created"] or 0) for entry in measured(wire.turns)] == [100, 200]


def test_percentiles_are_over_all_turns_and_old_turns_are_let_go() -> None:
    """/stats says p50 and p95 of what was measured, of the last thousand turns."""
    wire = Watched()
    for number in range(1100):
        wire.sent({"type": "response.create"}, number)
        wire.received(created(f"r{number}"), number + (0.1 if number % 10 else 0.9))

    assert len(wire.turns.turns) == 1000
    assert round(wire.turns.summary("created", 0.5) or 0) == 100
    assert round(wire.turns.summary("created", 0.95) or 0) == 900


def test_a_refusal_that_names_no_event_takes_the_request_that_it_speaks_of() -> None:
    """A race provoked by hand: the refused request must not count for the answer to the next one."""
    wire = Watched()
    wire.sent({"type": "response.create"}, 1.0)
    wire.received({"type": "error", "error": {"code": "conversation_already_has_active_response"}}, 1.1)
    wire.sent({"type": "response.create"}, 5.0)
    wire.received({"type": "error", "error": {"code": "server_error"}}, 5.1)
    wire.received(created("r2"), 5.2)

    assert [turn.asked for turn in wire.turns.turns] == [5.0]
