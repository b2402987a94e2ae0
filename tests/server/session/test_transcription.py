"""Transcription events, with and without a recognizer."""

from __future__ import annotations

import pytest

from rtcli.protocol.audio_formats import encode_base64
from rtcli.server.session.effects import TranscribePartial
from tests.server.playbook import Playbook, only, silence, to_transcribe, types, user, voice

PREFIX = "conversation.item.input_audio_transcription"


def committed(model: str | None, pcm: bytes) -> Playbook:
    wanted = None if model is None else {"model": model}
    book = Playbook(audio={"input": {"turn_detection": None, "transcription": wanted}})
    book.append_audio(pcm)
    return book


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("whisper-1", {"type": "duration", "seconds": 2}),
        (
            "gpt-4o-mini-transcribe",
            {
                "type": "tokens",
                "total_tokens": 18,
                "input_tokens": 15,
                "input_token_details": {"text_tokens": 0, "audio_tokens": 15},
                "output_tokens": 3,
            },
        ),
    ],
)
def test_a_transcript_comes_in_words_and_whole(model: str, usage: dict[str, object]) -> None:
    """Deltas, then completed with the usage of its model; the item has the transcript from then on."""
    book = committed(model, voice(1.5))
    item = to_transcribe(book.send("input_audio_buffer.commit"))
    events = book.core.transcribed(item, "Hello there")
    completed = only(events, f"{PREFIX}.completed")

    assert types(events) == [f"{PREFIX}.delta", f"{PREFIX}.delta", f"{PREFIX}.completed"]
    assert "".join(event["delta"] for event in events[:2] if isinstance(event, dict)) == "Hello there"
    assert (completed["transcript"], completed["usage"], completed["content_index"]) == ("Hello there", usage, 0)
    retrieved = only(book.send("conversation.item.retrieve", item_id=item.id), "conversation.item.retrieved")
    assert retrieved["item"]["content"][0]["transcript"] == "Hello there"


def test_without_a_recognizer_speech_fails_and_says_why() -> None:
    """No empty transcript of what somebody said. No `param` either: there is nothing to put there."""
    book = committed("whisper-1", voice(1))
    item = to_transcribe(book.send("input_audio_buffer.commit"))
    failed = only(book.core.transcribed(item, None), f"{PREFIX}.failed")

    assert list(failed["error"]) == ["type", "code", "message"]
    assert f"'{item.id}'" in failed["error"]["message"]
    assert "no recognizer" in failed["error"]["message"]


def test_silence_has_an_empty_transcript_with_or_without_a_recognizer() -> None:
    """And costs no seconds."""
    book = committed("whisper-1", silence(1))
    item = to_transcribe(book.send("input_audio_buffer.commit"))
    completed = only(book.core.transcribed(item, None), f"{PREFIX}.completed")

    assert (completed["transcript"], completed["usage"]) == ("", {"type": "duration", "seconds": 0})


def test_audio_in_an_item_is_recognized_and_not_transcribed() -> None:
    """Transcription is about the input buffer."""
    book = Playbook(audio={"input": {"transcription": {"model": "whisper-1"}}})
    content = [{"type": "input_audio", "audio": encode_base64(voice(0.5))}]
    item = to_transcribe(book.send("conversation.item.create", item=user("") | {"content": content}))

    assert book.core.transcribed(item, "Hello") == []
    assert item.recognized_text == "Hello"


def test_a_streaming_transcriber_tells_while_somebody_speaks() -> None:
    """Words on which two attempts agree, of an item that does not exist yet; the rest after the commit."""
    book = Playbook(audio={"input": {"transcription": {"model": "gpt-realtime-whisper"}}})
    effects = book.append_audio(silence(1) + voice(1.6))
    attempts = [effect for effect in effects if isinstance(effect, TranscribePartial)]
    item_id = only(effects, "input_audio_buffer.speech_started")["item_id"]
    hypotheses = ["Count", "Count two", "Count to", "Count to ten"]
    sent = [event for text in hypotheses for event in book.core.partly_transcribed(item_id, text)]
    item = to_transcribe(book.append_audio(silence(1)))
    late = book.core.partly_transcribed(item_id, "Count to ten now")
    rest = book.core.transcribed(item, "Count to ten.")

    assert len(attempts) >= 3
    assert len(attempts[1].pcm) > len(attempts[0].pcm)
    assert {attempt.item_id for attempt in attempts} == {item_id, item.id}
    assert [event["delta"] for event in sent if isinstance(event, dict)] == ["Count ", "to "]
    assert late == []
    assert types(rest) == [f"{PREFIX}.delta", f"{PREFIX}.completed"]


def test_a_wrong_guess_is_put_right_by_completed() -> None:
    """No delta can take words back."""
    book = Playbook(audio={"input": {"transcription": {"model": "gpt-realtime-whisper"}}})
    item_id = only(book.append_audio(silence(1) + voice(1)), "input_audio_buffer.speech_started")["item_id"]
    for text in ("Mount to", "Mount to ten"):
        book.core.partly_transcribed(item_id, text)
    item = to_transcribe(book.append_audio(silence(1)))

    assert types(book.core.transcribed(item, "Count to ten.")) == [f"{PREFIX}.completed"]


def test_other_transcribers_wait_for_the_commit() -> None:
    """Nothing is attempted before."""
    book = Playbook(audio={"input": {"transcription": {"model": "whisper-1"}}})

    assert not [effect for effect in book.append_audio(silence(1) + voice(1)) if isinstance(effect, TranscribePartial)]


def test_nobody_is_told_where_transcription_is_off() -> None:
    """What was heard is kept for the reply all the same."""
    book = committed(None, voice(1))
    item = to_transcribe(book.send("input_audio_buffer.commit"))

    assert book.core.transcribed(item, "Hello") == []
    assert item.recognized_text == "Hello"
    assert item.wire["content"][0]["transcript"] is None
