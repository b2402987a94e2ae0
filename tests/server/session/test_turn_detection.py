"""Turns of the user, heard in audio: server_vad, semantic_vad, and their flags."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.server.session.effects import EvaluatePause, SetIdleTimer
from tests.server.playbook import Playbook, only, silence, started, types, voice

TURN = silence(1) + voice(0.6) + silence(1)
COMMITTED = ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]


def detection(kind: str = "server_vad", **fields: Any) -> Playbook:
    return Playbook(audio={"input": {"turn_detection": {"type": kind, **fields}}})


def test_a_spoken_turn_is_committed_and_answered() -> None:
    """started, stopped, committed, added, done, and a response, all about one item."""
    effects = detection().append_audio(TURN)
    start, stop = only(effects, "input_audio_buffer.speech_started"), only(effects, "input_audio_buffer.speech_stopped")

    assert types(effects) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        *COMMITTED,
        "response.created",
    ]
    assert start["item_id"] == stop["item_id"] == only(effects, "conversation.item.added")["item"]["id"]
    assert start["audio_start_ms"] == pytest.approx(700, abs=30)  # 1 s less 300 ms of padding
    assert stop["audio_end_ms"] == pytest.approx(1_800, abs=70)  # with 200 ms of silence
    assert started(effects).context[-1].id == start["item_id"]


def test_milliseconds_count_over_the_whole_session() -> None:
    """The second turn is later by all that was sent in between, committed or not."""
    book = detection(create_response=False)
    first, second = book.append_audio(TURN), book.append_audio(TURN)
    starts = [only(turn, "input_audio_buffer.speech_started")["audio_start_ms"] for turn in (first, second)]

    assert starts[1] - starts[0] == 2_600


def test_the_item_has_the_padding_the_speech_and_the_silence() -> None:
    """300 + 600 + 200 ms, and nothing of the seconds before."""
    book = detection()
    effects = book.append_audio(TURN)
    item = book.core.conversation.get(only(effects, "input_audio_buffer.committed")["item_id"])

    assert item is not None
    assert len(item.audio[0]) / 48 == pytest.approx(1_100, abs=70)


def test_settings_move_both_ends() -> None:
    """No padding and a second of silence."""
    effects = detection(prefix_padding_ms=0, silence_duration_ms=1_000).append_audio(
        silence(1) + voice(0.6) + silence(1.5)
    )

    assert only(effects, "input_audio_buffer.speech_started")["audio_start_ms"] == pytest.approx(1_000, abs=30)
    assert only(effects, "input_audio_buffer.speech_stopped")["audio_end_ms"] == pytest.approx(2_600, abs=70)


def test_create_response_false_commits_and_says_nothing() -> None:
    """The client asks for the response itself."""
    assert types(detection(create_response=False).append_audio(TURN))[-3:] == COMMITTED


def test_speech_interrupts_the_answer() -> None:
    """What is open is closed incomplete, then cancelled by turn_detected, all before the turn is committed."""
    book = detection()
    book.say("count")
    response = book.start()
    response.say("one, ")
    response.add_audio(voice(0.2))
    effects = book.append_audio(TURN)
    done = only(effects, "response.done")["response"]

    assert types(effects)[:8] == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert done["status"] == "cancelled"
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert done["output"][0]["status"] == "incomplete"
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "one, "}]
    assert types(effects)[-1] == "response.created"


def test_interrupt_response_false_lets_the_answer_go_on() -> None:
    """The automatic response is refused then, because one is running."""
    book = detection(interrupt_response=False)
    running = book.start()
    effects = book.append_audio(TURN)
    error = only(effects, "error")["error"]

    assert not running.finished
    assert "response.created" not in types(effects)
    assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", None)


def test_out_of_band_responses_are_not_interrupted() -> None:
    """Only the default conversation's answer is."""
    book = detection()
    aside = book.start(conversation="none")
    book.append_audio(TURN)

    assert not aside.finished


def test_a_commit_by_hand_ends_the_turn_without_a_stop() -> None:
    """The item is the one that speech_started named, and the rest of the speech is not a turn of its own."""
    book = detection()
    start = only(book.append_audio(silence(1) + voice(0.5)), "input_audio_buffer.speech_started")
    commit = book.send("input_audio_buffer.commit")
    rest = book.append_audio(silence(1))

    assert only(commit, "input_audio_buffer.committed")["item_id"] == start["item_id"]
    assert types(rest) == []


def test_clearing_ends_the_turn_without_a_stop() -> None:
    """Nothing is committed."""
    book = detection()
    book.append_audio(silence(1) + voice(0.5))
    book.send("input_audio_buffer.clear")

    assert types(book.append_audio(silence(1))) == []


def test_without_turn_detection_nothing_is_heard() -> None:
    """null: only commit and response.create do anything."""
    assert types(Playbook(audio={"input": {"turn_detection": None}}).append_audio(TURN)) == []


def test_switching_detection_off_forgets_open_speech() -> None:
    """And a commit makes an item of its own."""
    book = detection()
    start = only(book.append_audio(silence(1) + voice(0.5)), "input_audio_buffer.speech_started")
    book.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})

    assert only(book.send("input_audio_buffer.commit"), "input_audio_buffer.committed")["item_id"] != start["item_id"]


# semantic_vad ---------------------------------------------------------------------------------------------------------


def pause(book: Playbook) -> EvaluatePause:
    """Speech and half a second of silence: somebody may now judge the pause."""
    pause_transcribed = [
        e for e in book.append_audio(silence(1) + voice(0.6) + silence(0.7)) if isinstance(e, EvaluatePause)
    ]
    assert len(pause_transcribed) == 1
    return pause_transcribed[0]


@pytest.mark.parametrize("transcript", ["Count to ten.", "Really?", 'She said "no."', "はい。"])
def test_a_sentence_that_is_complete_ends_the_turn(transcript: str) -> None:
    """500 ms are enough then; the audio that is evaluated is the turn's."""
    book = detection("semantic_vad")
    command = pause(book)
    effects = book.core.pause_transcribed(transcript)

    assert types(effects)[0] == "input_audio_buffer.speech_stopped"
    assert len(command.pcm) / 48 == pytest.approx(300 + 600 + 500, abs=80)


@pytest.mark.parametrize(("eagerness", "limit"), [("high", 2.0), ("medium", 4.0), ("auto", 4.0), ("low", 8.0)])
def test_an_open_sentence_waits_for_the_eagerness_limit(eagerness: str, limit: float) -> None:
    """Counted from the last word, and no sooner."""
    book = detection("semantic_vad", eagerness=eagerness)
    pause(book)
    pause_transcribed = types(book.core.pause_transcribed("Well, I think that"))
    before = types(book.append_audio(silence(limit - 0.9)))
    after = types(book.append_audio(silence(0.4)))

    assert (pause_transcribed, before) == ([], [])
    assert after[0] == "input_audio_buffer.speech_stopped"


def test_speech_that_goes_on_is_the_same_turn() -> None:
    """A pause within a sentence starts nothing new, and a late judgement of it ends nothing."""
    book = detection("semantic_vad")
    pause(book)
    assert types(book.append_audio(voice(0.6))) == []
    assert types(book.core.pause_transcribed("It was complete after all.")) == []
    book.append_audio(silence(0.7))

    assert types(book.core.pause_transcribed("Done."))[0] == "input_audio_buffer.speech_stopped"


# idle timeout ---------------------------------------------------------------------------------------------------------


def armed(effects: list[Any]) -> list[float | None]:
    return [effect.seconds for effect in effects if isinstance(effect, SetIdleTimer)]


def test_the_idle_time_is_armed_when_an_answer_ends() -> None:
    """And disarmed when somebody speaks or another answer starts."""
    book = detection(idle_timeout_ms=6_000)
    effects = book.core.receive({"type": "response.create"})
    response = started(effects)

    assert armed(effects) == [None]
    assert armed(book.core.response_ended(response)) == [6.0]
    assert armed(book.append_audio(silence(1) + voice(0.3))) == [None]


def test_silence_becomes_the_users_turn() -> None:
    """timeout_triggered, a committed silent item, and a response."""
    book = detection(idle_timeout_ms=5_000)
    book.append_audio(silence(7))
    effects = book.core.idle_elapsed()
    fired = only(effects, "input_audio_buffer.timeout_triggered")

    assert types(effects) == ["input_audio_buffer.timeout_triggered", *COMMITTED, "response.created"]
    assert (fired["audio_start_ms"], fired["audio_end_ms"]) == (2_000, 7_000)
    assert fired["item_id"] == only(effects, "input_audio_buffer.committed")["item_id"]


def test_no_idle_turn_while_somebody_speaks_or_where_it_is_off() -> None:
    """A timer that is too late does nothing."""
    speaking = detection(idle_timeout_ms=5_000)
    speaking.append_audio(silence(1) + voice(0.3))
    answering = detection(idle_timeout_ms=5_000)
    answering.start()

    assert [book.core.idle_elapsed() for book in (speaking, answering, detection())] == [[], [], []]


def test_an_answer_that_was_cut_arms_nothing() -> None:
    """The user is there."""
    book = detection(idle_timeout_ms=5_000)
    book.start()

    assert 5.0 not in armed(book.send("response.cancel"))
