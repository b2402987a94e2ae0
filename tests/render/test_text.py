"""Text from a server on its way to a terminal."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.masking import masked
from rtcli.render.text import cells, clusters, cut, cut_left, one_line, visible, visible_json, wrap


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("two\nlines", "two\nlines"),
        ("dos\r\nlines", "dos\nlines"),
        ("a\tb", "a    b"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x07\x08\x7f", "\\x07\\x08\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("over\rwritten", "over\\x0dwritten"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("half \ud83d pair", "half \\ud83d pair"),
        ("日本 é 👍", "日本 é 👍"),
    ],
)
def test_nothing_in_a_text_can_act_on_the_terminal(text: str, expected: str) -> None:
    """Controls, reordering marks and broken characters are written out; everything else stays as it is."""
    assert visible(text) == expected


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    """Whatever a server sends, what is shown can be encoded and holds no control but the newline."""
    shown = visible(text)

    shown.encode()
    assert {unicodedata.category(character) for character in shown.replace("\n", "")}.isdisjoint({"Cc", "Cs"})


def test_a_text_on_one_line_shows_its_newlines() -> None:
    """A row stays a row."""
    assert one_line("a\nb") == "a⏎b"


@pytest.mark.parametrize("key", ["sk-proj-abcdefghijkl1234", "ek_abcdefghijklmnop", "sk-abcdefghijklmnop"])
def test_keys_are_cut_out(key: str) -> None:
    """A key that a server or a user repeats is not shown."""
    shown = masked(f"your key {key} is wrong")

    assert key not in shown
    assert shown.endswith("is wrong")


def test_words_that_only_look_a_little_like_keys_stay() -> None:
    """Ordinary text is never touched."""
    assert masked("a desk-bound week_long task-force") == "a desk-bound week_long task-force"


@pytest.mark.parametrize(
    ("text", "width", "expected"), [("hello", 5, "hello"), ("hello", 4, "hel…"), ("日本語", 5, "日本…")]
)
def test_cutting_counts_columns(text: str, width: int, expected: str) -> None:
    """A wide character takes two columns; the ellipsis says that something is missing."""
    assert cut(text, width) == expected


def test_cutting_from_the_left_keeps_the_end() -> None:
    """What is newest of a text that is being made stays in sight."""
    assert cut_left("one two three", 6) == "…three"
    assert cut_left("日本語", 5) == "…本語"


@given(st.text(alphabet="ab 日é👍", max_size=60), st.integers(2, 20))
def test_wrapping_keeps_width_and_words(text: str, width: int) -> None:
    """No row is wider than asked, and nothing but the spaces at breaks goes away."""
    rows, rest = wrap(text, width)

    assert all(cells(row) <= width for row in (*rows, rest))
    assert "".join((*rows, rest)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["x" * 50_000, "word " * 10_000, "世" * 50_000, "a\u0301" * 25_000, "\u0301" * 50_000])
def test_wrapping_measures_a_text_a_few_times_and_not_once_for_each_row(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line of a megabyte must not stop the prompt."""
    measured: list[int] = []

    def counted(part: str) -> int:
        measured.append(len(part))
        return cells(part)

    monkeypatch.setattr(sys.modules["rtcli.render.text"], "cells", counted)

    rows, rest = wrap(text, 80)

    assert "".join((*rows, rest)).replace(" ", "") == text.replace(" ", "")
    assert sum(measured) < 8 * len(text)


@pytest.mark.parametrize("hidden", "\xad\u061c\u180e\u200b\u2061\u2064\ufff9\ufffb\U000e0001\U000e0041\U000e007f")
def test_characters_that_nobody_can_see_are_written_out(hidden: str) -> None:
    """They reverse text, split words, or say something to a model alone; as JSON they are still the same value."""
    assert hidden not in visible(f"a{hidden}b")
    assert visible(f"a{hidden}b").isascii()
    assert visible_json(f'"a{hidden}b"').isascii()
    assert json.loads(visible_json(f'"a{hidden}b"')) == f"a{hidden}b"


def test_wrapping_breaks_between_words_where_it_can() -> None:
    """A word is broken only if it is wider than a row."""
    assert wrap("hello world again", 11) == (["hello world"], "again")
    assert wrap("abcdefghijkl", 5) == (["abcde", "fghij"], "kl")


@given(st.lists(st.text(alphabet="ab c", min_size=1, max_size=5), max_size=20))
def test_wrapping_piece_by_piece_gives_the_same_rows(pieces: list[str]) -> None:
    """Rows that left early are those that the whole text has."""
    rows, rest = [], ""
    for piece in pieces:
        full, rest = wrap(rest + piece, 7)
        rows += full

    assert (rows, rest) == wrap("".join(pieces), 7)


FAMILY, CODER, FLAG, THUMB = "👨\u200d👩\u200d👧\u200d👦", "👩\u200d💻", "🇩🇪", "👍🏽"


@pytest.mark.parametrize("width", range(1, 20))
@pytest.mark.parametrize("emoji", [FAMILY, CODER, FLAG, THUMB, "❤\ufe0f", "e\u0301", "1\ufe0f\u20e3"])
def test_an_emoji_of_several_characters_is_never_cut(emoji: str, width: int) -> None:
    """Neither by the end of a row nor by an ellipsis, nor where its second half comes later."""
    text = f"ab{emoji}{emoji}cd {emoji}x"
    rows, rest = wrap(text, width)
    early, open_row = [], ""
    for piece in text:
        full, open_row = wrap(open_row + piece, width)
        early += full

    for row in (*rows, rest, cut(text, width), cut_left(text, width)):
        assert set(clusters(row)) <= {*"abcdx …", emoji}
    assert "".join((*early, open_row)).replace(" ", "") == text.replace(" ", "")
