"""What a voice says of a text, and where it takes breath."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.server.voice.spoken_text import sentences, spoken


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**Bold** and _slanted_ and `code`", "Bold and slanted and code"),
        ("snake_case stays", "snake_case stays"),
        ("# Heading", "Heading"),
        ("- one\n* two\n> three", "one two three"),
        ("see [the docs](https://example.com/a_b) now", "see the docs now"),
        ("![a cat](cat.png)", "a cat"),
        ("look at https://example.com/x?y=1 first", "look at the link first"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a b 1 2"),
        ("Great 😀👍🏽 job ❤️", "Great job"),
        ("It is 22 °C, © 2026", "It is 22 °C, © 2026"),
        ("```python\nprint(1)\n```", ""),
        ("```\nnever closed", ""),
        ("🎉", ""),
        ("", ""),
    ],
)
def test_marks_for_the_eye_are_not_said(text: str, said: str) -> None:
    """Markdown, addresses and emoji leave their words behind, or nothing."""
    assert spoken(text) == said


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two! Three?", ["One. ", "Two! ", "Three?"]),
        (
            "Dr. Smith met J. Doe at 3 p.m. today. Then he left.",
            ["Dr. Smith met J. Doe at 3 p.m. today. ", "Then he left."],
        ),
        ("It costs $5.99 now. Fine.", ["It costs $5.99 now. ", "Fine."]),
        ('He said "Go." Then went.', ['He said "Go." ', "Then went."]),
        ("first line\nsecond line", ["first line\n", "second line"]),
        ("Look: ```a. B. c``` Done.", ["Look: ", "```a. B. c```", " Done."]),
        ("What? no way", ["What? no way"]),
        ("\n\nHello. ", ["\n\nHello. "]),
    ],
)
def test_a_text_is_said_sentence_by_sentence(text: str, pieces: list[str]) -> None:
    """A stop ends a sentence unless it belongs to an abbreviation, an initial, a number or code."""
    assert list(sentences(text)) == pieces


@given(st.text())
def test_nothing_of_the_text_is_lost(text: str) -> None:
    """The pieces joined are the text, whatever it is: the transcript is what was asked for."""
    assert "".join(sentences(text)) == text


@given(st.text())
def test_what_is_said_is_one_line(text: str) -> None:
    """No line ends and no double spaces reach a voice."""
    said = spoken(text)

    assert said == " ".join(said.split())
