"""A line as words: quotes and backslashes keep spaces, the rest of a line can be taken whole."""

from __future__ import annotations

from dataclasses import dataclass

from rtcli.errors import UsageError

_QUOTES = "\"'"
_BLANKS = " \t\r\n\v\f\u3000"  # not U+202F or U+00A0, which stand in the names of files
_ESCAPED = " \"'\\"


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a line: what it says, and where it stands (`end` is one behind it). `open`: its quote is not closed."""

    text: str
    start: int
    end: int
    open: bool = False


def next_word(line: str, start: int) -> Token | None:
    """The word that begins at or behind `start`; None where there is none left."""
    while start < len(line) and line[start] in _BLANKS:
        start += 1
    if start >= len(line):
        return None
    text, quote, at = "", "", start
    while at < len(line):
        letter = line[at]
        # Only before these: in "C:\temp" or a regular expression a backslash is itself. As in a shell, '...' escapes
        # nothing.
        if letter == "\\" and at + 1 < len(line) and line[at + 1] in _ESCAPED and quote != "'":
            at += 1
            text += line[at]
        elif quote:
            quote, text = ("", text) if letter == quote else (quote, text + letter)
        elif letter in _QUOTES and at == start:  # only a word's first letter quotes: "don't" is a word
            quote = letter
        elif letter in _BLANKS:
            break
        else:
            text += letter
        at += 1
    return Token(text, start, at, bool(quote))


def closed(word: Token) -> Token:
    """The word itself. Raises UsageError where its quote is open."""
    if word.open:
        raise UsageError(f"the quote in {word.text!r} is not closed")
    return word


def quoted(text: str) -> str:
    """Text as one word of a line."""
    # Quoted only where the lexer would read it otherwise: completion should not put quotes around every path.
    if next_word(text, 0) == Token(text, 0, len(text)):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
