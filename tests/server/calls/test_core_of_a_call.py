"""The core of a call: its audio is played and not sent, and is cut where it was heard."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from rtcli.protocol.events import WireObject
from rtcli.rtc.playout import FRAME_BYTES, Played
from rtcli.server.session.effects import ServerEffect
from rtcli.server.session.events import key_pressed
from rtcli.server.session.output_audio import OutputAudio
from rtcli.server.session.response import Response
from tests.server.playbook import Playbook, only, silence, types, voice

SECOND = voice(1.0)


def output(book: Playbook) -> OutputAudio:
    """The output audio buffer of a call."""
    assert book.core.output is not None
    return book.core.output


def play(book: Playbook, frames: int) -> list[WireObject]:
    """So many frames of 20 ms are heard; the events that tell of them."""
    return [event for _ in range(frames) for event in output(book).played()[1]]


def speaking(book: Playbook, pcm: bytes = SECOND) -> Response:
    """A response that has said something and goes on."""
    response = book.start()
    response.say("One two three. ")
    response.add_audio(pcm)
    return response


def test_no_event_carries_the_audio_of_a_call() -> None:
    """It is played; the transcript comes by event, and so does the end of the audio."""
    book = Playbook.call()
    response = book.start()

    during = [*response.say("Hello. "), *response.add_audio(SECOND)]
    after = book.core.response_ended(response)
    heard = b"".join(output(book).played()[0].pcm for _ in range(50))

    assert "response.output_audio.delta" not in types(during)
    assert "response.output_audio.done" in types(after)
    assert heard == SECOND


def test_what_is_played_is_told_when_it_starts_and_stops() -> None:
    """The response may have been made long before; ids of these events have the recorded form."""
    book = Playbook.call()
    response = speaking(book)
    book.core.response_ended(response)

    events = play(book, 60)

    assert [event["type"] for event in events] == ["output_audio_buffer.started", "output_audio_buffer.stopped"]
    assert {event["response_id"] for event in events} == {response.id}
    assert all(re.fullmatch(r"event_[0-9a-f]{16}", event["event_id"]) for event in events)


def test_clear_cuts_the_item_where_it_was_heard() -> None:
    """Its transcript goes with the rest, also where the response was complete already."""
    book = Playbook.call()
    response = speaking(book)
    book.core.response_ended(response)
    play(book, 7)

    cleared = book.send("output_audio_buffer.clear")

    assert types(cleared) == ["output_audio_buffer.cleared", "conversation.item.truncated"]
    cut = only(cleared, "conversation.item.truncated")
    assert cut["audio_end_ms"] == 140
    item = only(book.send("conversation.item.retrieve", item_id=cut["item_id"]), "conversation.item.retrieved")["item"]
    assert "transcript" not in item["content"][0]
    assert play(book, 5) == []


def test_clear_without_anything_to_play_does_nothing() -> None:
    """As often as it is sent."""
    book = Playbook.call()

    assert book.send("output_audio_buffer.clear") == []


def test_a_plain_session_knows_no_output_buffer() -> None:
    """Its client plays, so it has the buffer."""
    error = Playbook().refused("output_audio_buffer.clear")

    assert error["code"] == "invalid_value"


def test_speech_cuts_what_is_played_before_it_cancels() -> None:
    """The order of the wire: speech_started, cleared, truncated, then the end of the response."""
    book = Playbook.call()
    speaking(book)
    play(book, 10)

    told = types(book.append_audio(voice(0.5)))

    wanted = [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
        "response.output_audio.done",
        "response.done",
    ]
    assert [name for name in told if name in wanted] == wanted


def test_speech_cuts_a_response_that_is_complete_but_still_played() -> None:
    """A plain session has nothing to interrupt any more; here the caller still hears it."""
    book = Playbook.call()
    book.core.response_ended(speaking(book))
    play(book, 10)

    cut = only(book.append_audio(voice(0.5)), "conversation.item.truncated")

    assert cut["audio_end_ms"] == 200


def test_speech_that_must_not_interrupt_leaves_the_audio_alone() -> None:
    """interrupt_response: false."""
    detection = {"type": "server_vad", "interrupt_response": False}
    book = Playbook.call(audio={"input": {"turn_detection": detection}})
    book.core.response_ended(speaking(book))
    play(book, 10)

    told = book.append_audio(voice(0.5) + silence(0.1))

    assert "output_audio_buffer.cleared" not in types(told)
    assert output(book).playout.waiting


def test_an_item_that_was_deleted_is_cut_without_an_error() -> None:
    """Nobody asked for a truncation: there is nothing to refuse."""
    book = Playbook.call()
    response = speaking(book)
    ended = book.core.response_ended(response)
    item_id = only(ended, "response.output_item.done")["item"]["id"]
    play(book, 3)
    book.send("conversation.item.delete", item_id=item_id)

    assert types(book.send("output_audio_buffer.clear")) == ["output_audio_buffer.cleared"]


def test_a_response_beside_the_conversation_is_played_and_not_truncated() -> None:
    """It has no item that a later response would read."""
    book = Playbook.call()
    response = book.start(conversation="none")
    response.add_audio(SECOND)
    started = play(book, 5)

    assert [event["response_id"] for event in started] == [response.id]
    assert types(book.send("output_audio_buffer.clear")) == ["output_audio_buffer.cleared"]


def test_what_a_cleared_response_goes_on_to_say_is_not_heard() -> None:
    """`clear` without a cancel: the response is made to its end, for the transcript alone."""
    book = Playbook.call()
    response = speaking(book)
    play(book, 5)
    book.send("output_audio_buffer.clear")

    response.add_audio(SECOND)
    book.core.response_ended(response)

    assert output(book).played() == (Played(bytes(FRAME_BYTES)), [])


def test_a_key_of_the_telephone_is_an_event_without_an_id() -> None:
    """As the API has it."""
    assert key_pressed("5", 1_700_000_000) == (
        {"type": "input_audio_buffer.dtmf_event_received", "event": "5", "received_at": 1_700_000_000}
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(("say", "end", "play", "clear")), max_size=40))
def test_started_is_followed_by_one_end_of_it(moves: list[str]) -> None:
    """Whatever happens in which order: started and then stopped or cleared, and nothing is heard twice."""
    book = Playbook.call()
    told: list[ServerEffect] = []
    running: Response | None = None
    for move in moves:
        if move == "say":
            running = running or book.start()
            running.add_audio(voice(0.05))
        elif move == "end" and running is not None:
            told += book.core.response_ended(running)
            running = None
        elif move == "play":
            told += play(book, 2)
        elif move == "clear":
            told += book.send("output_audio_buffer.clear")

    names = [name.rpartition(".")[2] for name in types(told) if name.startswith("output_audio_buffer.")]
    assert names[0::2] == ["started"] * len(names[0::2])
    assert "started" not in names[1::2]
    playout = output(book).playout
    assert playout.heard + playout.cleared + playout.waiting == playout.added
