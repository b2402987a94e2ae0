"""A line as words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.commands.lexer import closed, next_word, quoted
from rtcli.errors import UsageError


def words(line: str) -> list[str]:
    found, at = [], 0
    while word := next_word(line, at):
        found.append(word.text)
        at = word.end
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a b  c", ["a", "b", "c"]),
        ('"my picture.png" what?', ["my picture.png", "what?"]),
        ("'a \"b\" c' d", ['a "b" c', "d"]),
        (r"my\ file.png x", ["my file.png", "x"]),
        (r"C:\temp\x.png", [r"C:\temp\x.png"]),
        ('don\'t say "no"', ["don't", "say", "no"]),
        (r'"say \"hi\""', ['say "hi"']),
        ("", []),
        ("   ", []),
    ],
)
def test_quotes_and_backslashes_keep_spaces(line: str, expected: list[str]) -> None:
    """As in a shell where that is natural; apostrophes and Windows paths are left alone."""
    assert words(line) == expected


def test_an_open_quote_is_no_word_to_act_on() -> None:
    """The completer may still look at it."""
    word = next_word('"my pic', 0)

    assert word is not None and word.open and word.text == "my pic"
    with pytest.raises(UsageError, match="not closed"):
        closed(word)


@given(st.text(min_size=1))
def test_what_is_quoted_is_read_back_as_one_word(text: str) -> None:
    """Completion can insert any file name."""
    assert words(quoted(text)) == [text]
