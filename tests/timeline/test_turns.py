"""What happened in a turn: who began it, what it led to, what was cut, what went wrong, when nothing came."""

from __future__ import annotations

import pytest

from rtcli.protocol.record import Connected, Connection, Frame
from rtcli.timeline.figures import FIGURES
from rtcli.timeline.timeline import read
from rtcli.timeline.turns import TurnKind
from tests.kit.told import Told, spoken_turn_with_a_tool_and_an_interruption, tone


def test_a_turn_goes_on_through_its_tools_to_the_interruption() -> None:
    """One turn, two responses, a call, a cut; who interrupts begins another turn."""
    first, second = spoken_turn_with_a_tool_and_an_interruption().timeline.turns

    assert first.kind is TurnKind.SPOKEN and [response.id for response in first.responses] == ["r1", "r2"]
    (call,) = first.calls
    assert call.answered and round(call.answered.at - call.begun.at, 3) == 0.7 and call.output == "sunny"
    (cut,) = first.interruptions
    assert (cut.key, cut.received_ms, cut.audio_end_ms) == (("i2", 0), 2000, 600)
    (part,) = first.parts
    assert part.heard_ms == 600 and len(part.heard) == 1
    assert not first.running and first.cancelled and not first.failed
    assert second.voice and second.running


def test_records_as_they_come_and_from_a_file_make_the_same_turns() -> None:
    """Looking in between changes nothing."""
    records = spoken_turn_with_a_tool_and_an_interruption().records
    timeline = read(())
    for record in records:
        timeline.observe(record)
        for turn in timeline.turns:
            assert turn.end >= turn.start
            for part in turn.parts:
                assert part.first_audible is None or part.first_audible > 0

    assert timeline.turns == read(records).turns


def test_a_message_typed_while_a_tool_runs_is_a_turn_of_its_own() -> None:
    """The answer to the tool belongs to the turn of the call, the other to the message."""
    told = Told()
    told.types("one")
    told.begins("r1")
    told.calls("r1", "c1")
    told.ends("r1")
    told.types("two")
    told.begins("r2")
    told.ends("r2")
    told.answers("c1")
    told.begins("r3")
    told.ends("r3")

    turns = told.timeline.turns
    assert [[response.id for response in turn.responses] for turn in turns] == [["r1", "r3"], ["r2"]]
    assert [turn.text for turn in turns] == ["one", "two"]


def test_what_is_carried_over_before_a_message_is_no_turn() -> None:
    """Items that nothing is asked for belong to the turn that comes; it begins with its own message."""
    told = Told()
    content = [{"type": "input_text", "text": "before"}]
    told.sends("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    told.now = 100.0
    told.types("now")
    told.begins("r1")
    told.ends("r1")

    (turn,) = told.timeline.turns
    assert turn.start == 100.0 and turn.text == "before\nnow"


def test_an_out_of_band_response_stands_beside_the_users_turn() -> None:
    """The turn that waits for its answer goes on."""
    told = Told()
    told.types("one")
    told.sends("response.create", response={"conversation": "none"})
    told.begins("r1")
    told.begins("r2")
    told.ends("r2")
    told.ends("r1")

    turns = told.timeline.turns
    assert [(turn.kind, turn.responses[0].id) for turn in turns] == [
        (TurnKind.TYPED, "r1"),
        (TurnKind.OUT_OF_BAND, "r2"),
    ]


def test_a_server_that_owes_something_and_says_nothing_is_silent() -> None:
    """Before the response and within it; not while nothing is owed, and not while a tool runs."""
    told = Told()
    told.now = 1.0
    told.types()
    told.now = 3.0
    told.begins("r1")
    told.now = 7.0
    told.calls("r1", "c1")
    told.ends("r1")
    told.now = 60.0
    told.answers("c1")
    told.begins("r2")
    told.ends("r2")
    told.now = 99.0
    told.gets("rate_limits.updated")

    (turn,) = told.timeline.turns
    assert [(silence.start, silence.end) for silence in turn.silences] == [(1.0, 3.0), (3.0, 7.0)]


def test_what_runs_when_the_connection_breaks_has_failed() -> None:
    """The response, and a call whose answer nobody takes any more."""
    told = Told()
    told.types()
    told.begins("r1")
    told.calls("r1", "c1")
    told.now = 2.0
    told.loses(1011)
    told.records.append(Connection(3.0, Connected.OPEN))
    told.now = 4.0
    told.types()
    told.loses(None)

    first, second = told.timeline.turns
    assert first.why_failed == "lost" and first.calls[0].problem == "the connection ended"
    assert first.problems[0].what == "the connection was lost, close code 1011"
    assert second.failed and second.why_failed == "the connection was lost"
    assert not first.running and not second.running


def test_a_call_that_is_not_complete_is_not_waited_for() -> None:
    """The response was cut off within the arguments."""
    told = Told()
    told.types()
    told.begins("r1")
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a', "status": "incomplete"}
    told.ends("r1", "cancelled", output=[call])

    (turn,) = told.timeline.turns
    assert turn.calls[0].problem and not turn.running


def test_the_servers_own_cut_counts_as_ours_does() -> None:
    """Where the server counts what was heard, it tells where it cut; what follows is heard by nobody."""
    told = Told()
    told.types()
    told.begins("r1")
    told.plays("r1", "i", tone(1.0))
    told.gets("conversation.item.truncated", item_id="i", content_index=0, audio_end_ms=300)
    told.plays("r1", "i", tone(1.0))

    (turn,) = told.timeline.turns
    (part,) = turn.parts
    assert turn.interruptions[0].cause == "the server" and part.cut_ms == 300 and part.received_ms == 1000


def test_shortening_an_old_answer_interrupts_nothing() -> None:
    """A truncation long after the answer was heard is kept, and is no interruption."""
    told = Told()
    told.types()
    told.begins("r1")
    told.plays("r1", "i", tone(1.0))
    told.now = 1.0
    told.hears("i", 1000)
    told.now = 30.0
    told.sends("conversation.item.truncate", item_id="i", content_index=0, audio_end_ms=300)

    (turn,) = told.timeline.turns
    assert not turn.interruptions and next(turn.parts).cut_ms == 300


def test_a_pause_of_the_player_is_seen() -> None:
    """Audio that runs dry is heard in two runs; a position that is told late is not a pause."""
    told = Told()
    told.types()
    told.begins("r1")
    told.plays("r1", "i", tone(2.0))
    for told.now, milliseconds in ((0.2, 200), (0.4, 400), (0.6, 600), (1.6, 800), (1.8, 1000), (2.2, 1210)):
        told.hears("i", milliseconds)

    (turn,) = told.timeline.turns
    runs = [(round(run.start, 3), run.first_ms, run.last_ms) for run in next(turn.parts).heard]
    assert runs == [(0.0, 0, 600), (1.4, 600, 1210)]


def test_strangers_records_break_nothing() -> None:
    """Fields of other types, and events without what belongs in them."""
    told = Told()
    odds: tuple[object, ...] = (None, 5, "x", [], {})
    for odd in odds:
        told.sends("input_audio_buffer.append", audio=odd)
        told.sends("conversation.item.create", item=odd)
        told.sends("conversation.item.truncate", item_id=odd, audio_end_ms=odd)
        told.sends("response.create", response=odd)
        for name in ("session.updated", "error", "response.created", "response.done"):
            told.gets(name, session=odd, error=odd, response=odd)
        for name in ("output_audio.delta", "output_item.done", "output_text.done", "mcp_call.completed"):
            told.gets(f"response.{name}", response_id=odd, item_id=odd, item=odd, delta=odd, text=odd)
        told.gets("input_audio_buffer.speech_stopped", item_id=odd)
        told.gets("input_audio_buffer.committed", item_id=odd)

    assert all(turn.end >= turn.start for turn in told.timeline.turns)


def test_records_without_links_make_the_same_turns() -> None:
    """Of a program that does not say which frame answers which: what was asked for last is what begins."""
    told = spoken_turn_with_a_tool_and_an_interruption()
    linked = told.timeline.turns
    for record in told.records:
        if isinstance(record, Frame):
            record.parent = None
    turns = told.timeline.turns

    assert [[response.id for response in turn.responses] for turn in turns] == [["r1", "r2"], []]
    for name, figure in FIGURES.items():
        assert figure.of(turns[0]) == pytest.approx(figure.of(linked[0])), name


def test_what_was_said_and_taken_back_is_no_turn() -> None:
    """A buffer that we clear, and one that a connection takes with it: what is said then stands alone."""
    told = Told()
    for give_up in (lambda: told.sends("input_audio_buffer.clear"), told.loses):
        told.speaks(tone(1.0))
        told.gets("input_audio_buffer.speech_started", item_id="u")
        give_up()
        assert not any(turn.running for turn in told.timeline.turns)
    told.speaks(tone(0.5, level=0) + tone(1.0))
    told.sends("input_audio_buffer.commit")

    (turn,) = told.timeline.turns
    assert turn.voice and round(turn.voice.begun or 0, 2) == 2.5
