"""Text that is being made."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from rtcli.render.speech import MAX_OPEN, SpeechTexts
from rtcli.render.styles import Line, plain
from rtcli.render.text import cells
from rtcli.render.written import WrittenText
from rtcli.views import SpeechDelta, SpeechDone


def delta(text: str, item: str = "item_1", role: str = "assistant", part: int = 0) -> SpeechDelta:
    return SpeechDelta(role, item, part, text)


def done(text: str, item: str = "item_1", role: str = "assistant", heard: int | None = None) -> SpeechDone:
    return SpeechDone(role, item, 0, text, heard=heard)


def lines(rows: Iterable[Line]) -> list[str]:
    return [plain(row) for row in rows]


def test_full_rows_leave_once_and_the_rest_is_a_tail() -> None:
    """A row leaves at the width or at a newline; what is unfinished is only looked at."""
    texts = SpeechTexts()
    texts.append(delta("one two three four\nfi"))

    assert lines(texts.take_rows(12)) == ["● one two", "  three four"]
    assert lines(texts.tails(12)) == ["  fi"]
    assert lines(texts.take_rows(12)) == []
    assert lines(texts.finish(done("one two three four\nfive"), 12)) == ["  five"]
    assert texts.tails(12) == []


def test_a_text_without_pieces_is_shown_whole() -> None:
    """A transcript that comes in one."""
    assert lines(SpeechTexts().finish(done("hello there", role="user"), 40)) == ["○ hello there"]


def test_a_final_text_that_differs_is_shown_again() -> None:
    """Transcribers correct themselves: the last word is the server's."""
    texts = SpeechTexts()
    texts.append(delta("hello their", role="user"))

    assert lines(texts.finish(done("hello there", role="user"), 40)) == ["○ hello their", "○ hello there"]


def test_two_streams_are_told_apart() -> None:
    """Who goes on after somebody else is named again."""
    texts = SpeechTexts()
    texts.append(delta("a1\na2\n"))
    texts.append(delta("u1\n", item="item_2", role="user"))
    first = lines(texts.take_rows(40))
    texts.append(delta("a3\n"))

    assert first == ["● a1", "  a2", "○ u1"]
    assert lines(texts.take_rows(40)) == ["● a3"]


def test_a_speaker_is_named_again_after_something_else_was_shown() -> None:
    """A row without a label would look like a part of what stands above it."""
    texts = SpeechTexts()
    texts.append(delta("one\n"))
    texts.take_rows(40)
    texts.interrupt()
    texts.append(delta("two\n"))

    assert lines(texts.take_rows(40)) == ["● two"]


def test_an_interrupted_answer_says_what_was_not_heard() -> None:
    """The words behind the cut, and none that nobody had seen are added to the answer."""
    texts = SpeechTexts()
    texts.append(delta("I was going to say"))
    rows = lines(texts.finish(done("I was going to say a lot more", heard=11), 60))

    assert rows == ["● I was going to say", "  ⟂ not heard: “to say a lot more”"]


def test_an_answer_heard_whole_says_nothing_of_it() -> None:
    """No note without a reason."""
    assert lines(SpeechTexts().finish(done("all of it", heard=9), 60)) == ["● all of it"]


def test_a_stream_that_never_ends_is_shown_as_it_stands() -> None:
    """The connection is gone: what came stays."""
    texts = SpeechTexts()
    texts.append(delta("half a sen"))

    assert lines(texts.abandon(40)) == ["● half a sen"]
    assert texts.abandon(40) == []


def test_control_characters_and_keys_do_not_get_through() -> None:
    """Also when a key comes in two pieces."""
    texts = SpeechTexts()
    texts.append(delta("\x1b[2J\r key sk-abcdefgh"))
    texts.append(delta("ijklmnopqrstuv\n"))
    (row,) = lines(texts.take_rows(100))

    assert row == "● \\x1b[2J\\x0d key sk-…"


@given(st.lists(st.text(alphabet="ab *`_#\n日", max_size=12), max_size=30), st.integers(6, 40), st.data())
def test_nothing_is_lost_and_nothing_too_wide(pieces: list[str], width: int, data: st.DataObject) -> None:
    """Whenever rows are taken, and whatever Markdown it is: all characters arrive, in order, within the width."""
    texts, rows = SpeechTexts(), []
    for piece in pieces:
        texts.append(delta(piece))
        if data.draw(st.booleans()):
            rows += texts.take_rows(width)
            assert all(cells(plain(tail)) <= width for tail in texts.tails(width))
    rows += texts.finish(done("".join(pieces)), width)

    assert all(cells(plain(row)) <= width for row in rows)
    shown = "".join(plain(row)[2:] for row in rows)
    assert shown.replace(" ", "") == "".join(pieces).replace(" ", "").replace("\n", "")


def test_streams_that_never_end_make_room_for_newer_ones() -> None:
    """A server that opens one after another: what came of each is shown, and no more than a few are looked at."""
    texts = SpeechTexts()
    for number in range(MAX_OPEN * 3):
        texts.append(delta(f"text {number}", item=f"item_{number}"))

    rows = lines(texts.take_rows(40))
    assert rows == [f"● text {number}" for number in range(MAX_OPEN * 2)]
    assert len(texts.tails(40)) == MAX_OPEN
    assert len(lines(texts.abandon(40))) == MAX_OPEN


@given(st.lists(st.text(max_size=5), max_size=8), st.text(max_size=20))
def test_a_written_text_is_known_again_as_the_beginning_of_the_whole(pieces: list[str], whole: str) -> None:
    """As if the text itself had been kept."""
    written = WrittenText()
    for piece in pieces:
        written.append(piece)

    assert written.begins(whole) is whole.startswith("".join(pieces))
    assert written.begins("".join(pieces) + whole)
    assert written.length == len("".join(pieces))
