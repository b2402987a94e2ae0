"""A text as a voice says it: in sentences, without the markup, addresses and symbols that are only for reading."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# their full stop does not end a sentence
_ABBREVIATIONS = {"mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "e.g", "i.e", "no", "approx"}
_SENTENCE_END = re.compile(r"[.!?…。！？]+[\"”’')\]*_]*(?=\s)|\n")
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)

_MARKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (_CODE_BLOCK, " "),
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),  # a link or an image: its words
    (re.compile(r"<?(?:https?://|www\.)[^\s>)\]]+>?"), "the link"),
    (re.compile(r"^\s{0,3}(?:#{1,6}\s+|>\s?|[-*+•]\s+)", re.MULTILINE), ""),  # headings, quotes, bullets
    (re.compile(r"^\s*(?:\|?\s*:?-{3,}:?\s*)+\|?\s*$", re.MULTILINE), " "),  # rules, and those below a table's heading
    (re.compile(r"[*`~|]+|(?<!\w)_+|_+(?!\w)"), " "),
)


def sentences(text: str) -> Iterator[str]:
    """`text` in pieces to be spoken one by one, which joined give `text` again.

    A piece is a sentence with the white space behind it, a line, or a block of code; an abbreviation, an initial or
    a lower-case word behind the stop does not end a sentence.
    """
    start = 0
    for block in _CODE_BLOCK.finditer(text):
        yield from _sentences(text[start : block.start()])
        yield block[0]
        start = block.end()
    yield from _sentences(text[start:])


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for stop in _SENTENCE_END.finditer(text):
        rest = text[stop.end() :]
        behind = stop.end() + len(rest) - len(rest.lstrip())
        if text[start : stop.end()].strip() and _ends_here(
            text[start : stop.start()], stop[0], text[behind : behind + 1]
        ):
            yield text[start:behind]
            start = behind
    if start < len(text):
        yield text[start:]


def _ends_here(before: str, stop: str, following: str) -> bool:
    if stop != ".":
        return stop == "\n" or not following.islower()
    word = before.rpartition(" ")[2].lstrip("(\"“‘'")
    initial = len(word) == 1 and word.isupper()
    return not (following.islower() or initial or word.lower() in _ABBREVIATIONS)


def spoken(text: str) -> str:
    """`text` as a voice should say it, on one line: no Markdown, "the link" for an address, no emoji; may be ""."""
    for pattern, replacement in _MARKS:
        text = pattern.sub(replacement, text)
    return " ".join("".join(" " if _is_symbol(character) else character for character in text).split())


def _is_symbol(character: str) -> bool:
    """Emoji, arrows, boxes, and what joins or tints them; signs of the Latin-1 range (° ©) are words."""
    if character < "\u200b":
        return False
    kind = unicodedata.category(character)
    return kind in {"So", "Cf", "Co", "Cs"} or character in "\ufe0f\u20e3" or "\U0001f3fb" <= character <= "\U0001f3ff"
