"""How long turns took, from which moment to which."""

from __future__ import annotations

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.record import Audio, Device, Direction
from rtcli.timeline.figures import FIGURES, parse_bounds, summary, values
from rtcli.timeline.turns import Turn, TurnKind
from tests.kit.told import Told, tone


def measured(turn: Turn) -> dict[str, int]:
    return {name: round(ms) for name, figure in FIGURES.items() if (ms := figure.of(turn)) is not None}


def test_a_typed_turn_is_measured_from_its_request() -> None:
    """response.create -> created -> first delta -> done."""
    told = Told()
    told.now = 1.0
    told.types()
    told.now = 1.2
    told.begins("r1")
    for told.now in (1.5, 1.7):
        told.gets("response.output_text.delta", response_id="r1", delta="x")
    told.now = 2.0
    told.ends("r1")

    (turn,) = told.timeline.turns
    assert measured(turn) == {"typed_to_first_delta": 500, "created": 200, "first_delta": 500, "done": 1000}
    assert turn.kind is TurnKind.TYPED


@pytest.mark.parametrize("told_ms", [300, 4000])
def test_nothing_is_heard_before_it_arrived_at_whatever_pace(told_ms: int) -> None:
    """With --pace 0 five seconds are played in no time: what is told then did not begin five seconds ago."""
    told = Told()
    told.now = 1.0
    told.types()
    told.begins("r1")
    told.now = 1.2
    told.plays("r1", "i", tone(5.0))
    told.now = 1.25
    told.hears("i", told_ms)
    told.now = 1.26
    told.hears("i", 5000)
    told.ends("r1")

    figures = measured(told.timeline.turns[0])
    assert figures["first_audio"] == figures["first_sample"] == 200


def test_a_spoken_turn_is_measured_from_the_end_of_the_voice_to_the_ear() -> None:
    """The silence before speech_stopped counts, and so does that with which the answer begins."""
    told = Told()
    told.speaks(tone(1.0, level=0))
    told.gets("input_audio_buffer.speech_started", item_id="u")
    told.speaks(tone(1.0))
    told.speaks(tone(0.6, level=0))
    told.ends_speech()
    told.now = 2.7
    told.begins("r1")
    told.now = 2.8
    told.plays("r1", "i", tone(0.1, level=0) + tone(0.5))
    told.now = 3.0
    told.hears("i", 150)
    told.now = 3.5
    told.ends("r1")

    (turn,) = told.timeline.turns
    figures = measured(turn)
    assert turn.kind is TurnKind.SPOKEN
    assert (figures["end_of_turn"], figures["first_audio"], figures["created"]) == (600, 200, 100)
    assert figures["first_sample"] == 250
    assert figures["voice_to_ear"] == 600 + 250 + 100
    assert "typed_to_first_delta" not in figures


def test_what_a_microphone_holds_back_is_no_part_of_the_turn() -> None:
    """The device's record says for how long audio waits here; the voice ended so much earlier than it was sent."""
    told = Told()
    told.records.append(Device(0.0, "booth", None, muted=False, input_ms=20))
    told.speaks(tone(1.0), late=0.02)
    told.speaks(tone(0.5, level=0), late=0.02)
    told.ends_speech()

    (turn,) = told.timeline.turns
    assert turn.voice and turn.voice.end == pytest.approx(1.0, abs=0.011)


def test_a_turn_that_is_committed_by_hand_ends_with_the_commit() -> None:
    """Push to talk: nobody tells when speech started or stopped, and the voice's end is found all the same."""
    told = Told()
    told.speaks(tone(0.3, level=0))
    told.speaks(tone(0.8))
    told.speaks(tone(0.2, level=0))
    told.sends("input_audio_buffer.commit")
    told.sends("response.create")
    told.gets("input_audio_buffer.committed", item_id="u")
    told.begins("r1")
    told.ends("r1")

    (turn,) = told.timeline.turns
    assert measured(turn)["end_of_turn"] == 200
    assert turn.voice and turn.voice.item_id == "u" and turn.voice.begun == pytest.approx(0.3, abs=0.011)


def test_a_response_nobody_asked_for_has_no_duration() -> None:
    """Without a beginning there is no latency, rather than a wrong one."""
    told = Told()
    told.begins("r1")

    (turn,) = told.timeline.turns
    assert measured(turn) == {} and turn.kind is TurnKind.UNASKED


@pytest.mark.parametrize("named", [True, False])
def test_a_refused_request_does_not_shift_the_next_one(named: bool) -> None:
    """The request that the server refused belongs to no response, whether or not the error names it."""
    told = Told()
    for response in ("r1", "r2"):
        told.now += 2.0
        told.sends("response.create")
        told.now += 0.1
        told.begins(response)
        told.ends(response)
        told.now += 1
        told.sends("response.create", event_id="early")
        error = {"code": "conversation_already_has_active_response", **({"event_id": "early"} if named else {})}
        told.gets("error", error=error)

    timeline = told.timeline
    assert values("created", timeline.turns) == [pytest.approx(100)] * 2
    assert [turn.why_failed for turn in timeline.turns if turn.failed] == [
        "conversation_already_has_active_response"
    ] * 2


def test_failed_and_cancelled_turns_are_not_quick_ones() -> None:
    """What failed counts in no figure; what was cut short has no end to be measured."""
    told = Told()
    for response, status in (("r1", "completed"), ("r2", "failed"), ("r3", "cancelled"), ("r4", "incomplete")):
        told.types()
        told.now += 0.1
        told.begins(response)
        told.ends(response, status, status_details={"reason": "turn_detected", "error": {"code": "quota"}})

    turns = told.timeline.turns
    assert values("done", turns) == [pytest.approx(100)]
    assert len(values("created", turns)) == 2
    assert turns[1].why_failed == "failed: turn_detected, quota"


def test_percentiles_are_over_all_turns_and_old_turns_are_let_go() -> None:
    """Nearest rank, of the last thousand turns; their numbers stay."""
    told = Told()
    for number in range(1100):
        told.now = number
        told.sends("response.create")
        told.now += 0.1 if number % 10 else 0.9
        told.begins(f"r{number}")
        told.ends(f"r{number}")

    turns = told.timeline.turns
    assert len(turns) == 1000 and turns[0].number == 101
    assert round(summary("created", 0.5, turns) or 0) == 100
    assert round(summary("created", 0.95, turns) or 0) == 900
    assert summary("voice_to_ear", 0.5, turns) is None


@pytest.mark.parametrize(
    ("value", "milliseconds"), [(900, 900), (0.5, 0.5), ("900ms", 900), ("<1.5s", 1500), ("<= 2 s", 2000), ("7", 7)]
)
def test_bounds_are_read_as_numbers_or_times(value: object, milliseconds: float) -> None:
    """Milliseconds where no unit stands."""
    assert parse_bounds({"voice_to_ear": value}) == {"voice_to_ear": milliseconds}


@pytest.mark.parametrize("value", [0, -1, True, None, "soon", "", "ms", "nan", "inf", [], "1.5m"])
def test_a_bound_that_is_no_time_is_refused(value: object) -> None:
    """The error names the figure and says what would do."""
    with pytest.raises(UsageError, match=r"done = .* is not a time"):
        parse_bounds({"done": value})


def test_a_bound_of_nothing_known_is_refused() -> None:
    """The error lists what there is."""
    with pytest.raises(UsageError, match="'speed' is not a figure") as refused:
        parse_bounds({"speed": 1})
    assert "voice_to_ear" in refused.value.hint


def test_audio_beside_the_events_is_measured_alike() -> None:
    """Over WebRTC audio has records of its own, 100 ms each, and what arrives is what is heard."""
    told = Told()

    def beside(direction: Direction, pcm: bytes) -> None:
        for start in range(0, len(pcm), 9600):
            told.now += 0.1
            told.records.append(Audio(told.now, direction, pcm[start : start + 9600], 48_000))

    beside(Direction.SENT, tone(0.5, level=0, rate=48_000) + tone(1.0, rate=48_000) + tone(0.4, level=0, rate=48_000))
    told.ends_speech()
    told.begins("r1")
    beside(Direction.RECEIVED, tone(0.3, level=0, rate=48_000) + tone(0.5, rate=48_000))
    told.ends("r1")
    told.gets("output_audio_buffer.stopped", response_id="r1")
    beside(Direction.RECEIVED, tone(5.0, level=0, rate=48_000))

    (turn,) = told.timeline.turns
    figures = measured(turn)
    assert (figures["end_of_turn"], figures["voice_to_ear"]) == (400, 700)
    assert round(turn.end, 1) == 2.7 and not turn.running
