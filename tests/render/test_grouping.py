"""The summary of the event view."""

from __future__ import annotations

from rtcli.protocol.filters import type_of
from rtcli.protocol.record import Frame
from rtcli.render.grouping import Entry, EventGrouper, Stream
from tests.render.frames import Wire, base64_of, spoken_answer


def names(entries: list[Entry]) -> list[str]:
    return [entry.name if isinstance(entry, Stream) else type_of(entry) for entry in entries]


def fed(fold: EventGrouper, frames: list[Frame]) -> list[Entry]:
    return [entry for frame in frames for entry in fold.feed(frame)]


def test_a_five_second_spoken_answer_is_eleven_rows() -> None:
    """However many deltas: sound is one row, its transcript is one row, the rest is what it is."""
    frames = list(spoken_answer(Wire(), seconds=5))
    fold = EventGrouper()
    entries = fed(fold, frames)

    assert len(frames) > 55
    assert len(entries) == 11
    assert fold.open == ()


def test_a_stream_counts_while_it_is_open() -> None:
    """Pieces, bytes of sound, characters of text; the end closes it with its own frame as the last."""
    frames = [frame for frame in spoken_answer(Wire(), seconds=2) if type_of(frame).endswith(".delta")]
    fold = EventGrouper()
    finished = fed(fold, frames)
    text, sound = fold.open

    assert finished == []
    assert (text.count, text.characters) == (10, sum(len(f"word{i} ") for i in range(10)))
    assert (sound.count, sound.audio_bytes, sound.size) == (10, 96_000, 130_000)
    assert not text.closed


def test_streams_of_different_items_and_parts_are_apart() -> None:
    """Two items that stream at the same time are two rows."""
    wire = Wire()
    fold = EventGrouper()
    for item, part in (("a", 0), ("b", 0), ("a", 1), ("a", 0)):
        fold.feed(wire.frame("response.output_text.delta", item_id=item, content_index=part, delta="x"))

    assert [stream.count for stream in fold.open] == [2, 1, 1]


def test_an_end_without_a_stream_is_a_row() -> None:
    """A .done whose deltas were never seen is shown as it came."""
    entries = EventGrouper().feed(Wire().frame("response.output_text.done", item_id="a", content_index=0, text="x"))

    assert names(entries) == ["response.output_text.done"]


def test_an_interrupted_response_closes_its_streams_unfinished() -> None:
    """What never saw its end is shown before the response's end, marked as open; other responses go on."""
    wire, fold = Wire(), EventGrouper()
    fold.feed(wire.frame("response.output_text.delta", item_id="a", response_id="resp_1", delta="x"))
    fold.feed(wire.frame("response.output_text.delta", item_id="b", response_id="resp_2", delta="x"))
    entries = fold.feed(wire.frame("response.done", response={"id": "resp_1", "status": "cancelled"}))

    assert names(entries) == ["response.output_text", "response.done"]
    assert isinstance(entries[0], Stream)
    assert not entries[0].closed
    assert [stream.first.event["item_id"] for stream in fold.open if stream.first.event] == ["b"]


def test_microphone_sound_is_one_row_until_the_turn_ends() -> None:
    """Appends count together; the commit (the server's or ours) finishes them."""
    wire, fold = Wire(), EventGrouper()
    for _ in range(50):
        fold.feed(wire.frame("input_audio_buffer.append", ">", audio=base64_of(bytes(960))))
    entries = fold.feed(wire.frame("input_audio_buffer.committed", item_id="item_1"))

    assert names(entries) == ["input_audio_buffer.append", "input_audio_buffer.committed"]
    assert isinstance(entries[0], Stream)
    assert (entries[0].count, entries[0].audio_bytes) == (50, 48_000)


def test_transcription_ends_with_completed_or_failed() -> None:
    """Streams that end with another word than done are folded too."""
    for ending in ("completed", "failed"):
        wire, fold = Wire(), EventGrouper()
        name = "conversation.item.input_audio_transcription"
        fold.feed(wire.frame(f"{name}.delta", item_id="a", content_index=0, delta="hel"))
        entries = fold.feed(wire.frame(f"{name}.{ending}", item_id="a", content_index=0))

        assert names(entries) == [name]
        assert fold.open == ()


def test_a_frame_that_is_no_event_is_a_row() -> None:
    """Nothing is hidden because it cannot be read."""
    bad = Frame(1, 0.0, Wire().frame("x").direction, None, 3, problem="not JSON")

    assert EventGrouper().feed(bad) == [bad]


def test_odd_fields_do_not_stop_the_fold() -> None:
    """A delta that is not text, an index that is not a number: counted, shown, survived."""
    wire, fold = Wire(), EventGrouper()
    for delta in (None, 7, {"a": 1}):
        fold.feed(wire.frame("response.output_text.delta", item_id=None, content_index="x", delta=delta))
    fold.feed(wire.frame("response.done", response=None))

    assert [entry.count for entry in fold.close() if isinstance(entry, Stream)] == [3]


def test_streams_that_never_end_are_shown_as_they_stand() -> None:
    """So many at once are a fault of the server; none is counted for ever."""
    wire, fold = Wire(), EventGrouper()
    deltas = [wire.frame("response.output_text.delta", item_id=f"item_{number}", delta="x") for number in range(500)]

    rows = fed(fold, deltas)

    assert len(rows) + len(fold.open) == 500
    assert len(fold.open) < 100
    assert all(isinstance(row, Stream) and not row.closed for row in rows)
