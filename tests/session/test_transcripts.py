"""Text streams, and the words that were heard before an interruption."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rtcli.protocol.items import MessageItem
from rtcli.protocol.record import Connected, Connection
from rtcli.session.transcripts import TranscriptStreams, heard_characters
from rtcli.views import Notice, SpeechDelta, SpeechDone, View
from tests.kit.records import Feeder

SPOKEN = "response.output_audio_transcript"
HEARD = "conversation.item.input_audio_transcription"
TEXT = "one two three four five six seven eight nine ten"


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "item_id": "item_1", "content_index": 0, **fields}


def view_of(streams: TranscriptStreams, of: dict[str, Any]) -> View | None:
    """The view that an event of the server makes."""
    views = Feeder(streams).received(of)
    assert len(views) <= 1
    return views[0] if views else None


def test_text_is_handed_on_as_it_is_made_and_once_whole() -> None:
    """Deltas name their stream; the end carries the server's whole text."""
    streams = TranscriptStreams()

    assert view_of(streams, event("response.output_text.delta", delta="he")) == SpeechDelta(
        "assistant", "item_1", 0, "he"
    )
    assert view_of(streams, event("response.output_text.done", text="hello")) == SpeechDone(
        "assistant", "item_1", 0, "hello"
    )


def test_a_character_that_was_cut_in_two_is_whole() -> None:
    """Some servers cut between the two halves that JSON writes of an emoji; the text is the same at its end."""
    streams = TranscriptStreams()
    deltas = ["a\ud83d", "\ude00\ud83d", "\ude00", "\ud83c"]
    views = [view_of(streams, event("response.output_text.delta", delta=delta)) for delta in deltas]

    assert [view.delta if isinstance(view, SpeechDelta) else None for view in views] == ["a", "😀", "😀", None]
    assert view_of(streams, event("response.output_text.done")) == SpeechDone("assistant", "item_1", 0, "a😀😀")


def test_what_the_person_said_is_a_stream_of_the_user() -> None:
    """Input transcription comes under its own role, also without deltas."""
    done = view_of(TranscriptStreams(), event(f"{HEARD}.completed", transcript="good morning"))

    assert done == SpeechDone("user", "item_1", 0, "good morning", spoken=True)


def test_deltas_alone_make_the_text_where_the_end_has_none() -> None:
    """A done without text loses nothing of what came before."""
    streams = TranscriptStreams()
    for piece in ("good ", "morning"):
        view_of(streams, event(f"{SPOKEN}.delta", delta=piece))

    done = view_of(streams, event(f"{SPOKEN}.done"))
    assert isinstance(done, SpeechDone)
    assert done.text == "good morning"
    assert streams.text("assistant", "item_1", 0) == "good morning"
    assert streams.text("assistant", "item_2", 0) == ""


def test_other_events_and_odd_fields_say_nothing() -> None:
    """An empty or odd delta makes no view; a second end neither."""
    streams = TranscriptStreams()
    view_of(streams, event("response.output_text.done", text="x"))

    assert view_of(streams, event("response.done")) is None
    assert view_of(streams, event("response.output_text.delta", delta=7, content_index="odd")) is None
    assert view_of(streams, event("response.output_text.delta", delta="")) is None
    assert view_of(streams, event("response.output_text.done", text="x")) is None


def test_late_words_of_an_interrupted_answer_are_not_shown() -> None:
    """After the cut only the end comes, with the number of characters that were heard."""
    streams = TranscriptStreams()
    view_of(streams, event(f"{SPOKEN}.delta", delta=TEXT))
    unheard = streams.cut("item_1", 0, heard_ms=1000, received_ms=4000)
    assert unheard is None, "its end will tell"
    assert view_of(streams, event(f"{SPOKEN}.delta", delta=" eleven")) is None

    done = view_of(streams, event(f"{SPOKEN}.done", transcript=TEXT))
    assert isinstance(done, SpeechDone) and done.heard is not None
    assert 0 < done.heard < len(TEXT)
    assert streams.heard("item_1", 0) == done.heard


def test_an_interruption_after_the_end_splits_the_whole_text() -> None:
    """Answers arrive faster than they play, so most interruptions come after the text is complete."""
    streams = TranscriptStreams()
    view_of(streams, event(f"{SPOKEN}.done", transcript=TEXT))

    unheard = streams.cut("item_1", 0, heard_ms=2000, received_ms=4000)
    heard = streams.heard("item_1", 0)
    assert heard is not None
    assert f"{TEXT[:heard]} {unheard}" == TEXT


def test_written_answers_are_never_split() -> None:
    """Text is read at once: there is nothing unheard in it."""
    streams = TranscriptStreams()
    view_of(streams, event("response.output_text.done", text=TEXT))

    assert streams.cut("item_1", 0, heard_ms=1, received_ms=10) is None
    assert streams.heard("item_1", 0) is None
    assert streams.cut("item_unknown", 0, heard_ms=1, received_ms=10) is None


def test_streams_are_bounded() -> None:
    """An endless session does not keep every text for ever."""
    streams = TranscriptStreams()
    for number in range(2500):
        view_of(streams, event("response.output_text.done", item_id=f"item_{number}", text="x"))

    assert streams.text("assistant", "item_0", 0) == ""
    assert streams.text("assistant", "item_2499", 0) == "x"


@given(st.text(alphabet="ab ", max_size=60), st.integers(-5, 5000), st.integers(0, 5000), st.booleans())
def test_what_was_heard_is_a_beginning_that_ends_with_a_word(text: str, heard: int, received: int, whole: bool) -> None:
    """Never more than the text, never a part of a word."""
    count = heard_characters(text, heard, received, whole=whole)

    assert 0 <= count <= len(text)
    assert count in (0, len(text)) or text[count].isspace()


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_more_sound_heard_is_never_fewer_words(one: int, other: int) -> None:
    """The estimate grows with what was heard."""
    low, high = sorted((one, other))

    assert heard_characters(TEXT, low, 5000, whole=True) <= heard_characters(TEXT, high, 5000, whole=True)


def test_all_sound_heard_is_all_words_once_the_answer_is_whole() -> None:
    """Nothing is called unheard that was played to its end."""
    assert heard_characters(TEXT, 4000, 4000, whole=True) == len(TEXT)
    assert heard_characters(TEXT, 400, 400, whole=False) < len(TEXT), "the transcript runs ahead of its sound"


def test_a_text_that_never_ended_ends_with_its_connection() -> None:
    """As it stands, once; what was whole stays as it was."""
    streams = TranscriptStreams()
    view_of(streams, event(f"{SPOKEN}.delta", delta="half a"))
    view_of(streams, {**event(f"{SPOKEN}.done", transcript="whole"), "item_id": "item_2"})

    lost = Connection(1.0, Connected.LOST)
    assert Feeder(streams).record(lost) == [SpeechDone("assistant", "item_1", 0, "half a", spoken=True)]
    assert Feeder(streams).record(lost) == []


def test_an_item_as_it_was_heard_ends_at_the_cut() -> None:
    """What nobody heard was not said; an item that was not interrupted is the same object."""
    streams = TranscriptStreams()
    view_of(streams, event(f"{SPOKEN}.done", transcript=TEXT))
    part = {"type": "output_audio", "transcript": TEXT}
    item = MessageItem("item_1", "assistant", "completed", [part])
    assert streams.as_heard(item) is item
    streams.cut("item_1", 0, heard_ms=1000, received_ms=4000)

    (heard,) = streams.as_heard(item).content
    assert heard["transcript"] and TEXT.startswith(heard["transcript"]) and heard["transcript"] != TEXT
    assert item.content == [part]


def test_texts_are_bounded_together_and_the_oldest_go_first() -> None:
    """For the heard part of a late interruption the newest are enough."""
    streams = TranscriptStreams(max_characters=1000)
    feed = Feeder(streams)
    for number in range(50):
        feed.received(event("response.output_text.done", text="x" * 100) | {"item_id": f"item_{number}"})

    kept = [number for number in range(50) if streams.text("assistant", f"item_{number}", 0)]
    assert kept == list(range(50 - len(kept), 50))
    assert 5 < len(kept) <= 10


def test_a_text_that_never_ends_is_shown_whole_and_kept_so_far() -> None:
    """Every piece is handed on; that no more of it is kept is told once."""
    streams = TranscriptStreams(max_characters=1000)
    feed = Feeder(streams)
    views = [view for _ in range(50) for view in feed.received(event("response.output_text.delta", delta="y" * 100))]

    assert sum(isinstance(view, SpeechDelta) for view in views) == 50
    assert len([view for view in views if isinstance(view, Notice)]) == 1
    assert streams.text("assistant", "item_1", 0) == "y" * 1000
    whole = feed.received(event("response.output_text.done", text="y" * 5000))
    assert whole[0] == SpeechDone("assistant", "item_1", 0, "y" * 5000)
    assert len(streams.text("assistant", "item_1", 0)) == 1000
