"""What is wrong with a text that is almost JSON: comments, trailing commas, JavaScript, Python, typographic quotes."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rtcli.masking import masked_start

_SPACE = " \t\r\n"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?(?:Infinity|NaN)|-?\d[\d.eE+-]*', re.DOTALL)
_NAME = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")
_PYTHON_STRING = re.compile(r"""[bBrRuUfF]{1,2}(?=['"])""")
_TYPOGRAPHIC = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u00ab\u00bb\u2039\u203a\uff02\uff07\u00b4"
_ESCAPES = r"\" \\ \/ \b \f \n \r \t and \uXXXX"
_MAX_LOOKED_AT = 100_000  # characters that are searched for signs of another language


class Diagnosis(NamedTuple):
    """What is wrong, and at which index of the text."""

    why: str
    at: int


_WORDS = {
    "True": "True is Python: JSON writes true",
    "False": "False is Python: JSON writes false",
    "None": "None is Python: JSON writes null",
    "undefined": "undefined is JavaScript: JSON has null, or no such key",
    "NaN": "JSON has no NaN",
    "Infinity": "JSON has no Infinity",
    "nan": "JSON has no nan",
    "inf": "JSON has no inf",
    "const": "this is JavaScript: leave only the object",
    "let": "this is JavaScript: leave only the object",
    "var": "this is JavaScript: leave only the object",
    "export": "this is JavaScript: leave only the object",
    "data": "these are server-sent events: leave out what stands before each {",
    "event": "these are server-sent events: leave only what stands behind data:",
}
_TRANSCRIPT = "this is what a terminal showed (> sent, < received): leave out what stands before each {"
_STARTS = (
    ("//", "a // comment: JSON has none"),
    ("/*", "a /* */ comment: JSON has none"),
    ("#", "a # comment: JSON has none"),
    ("<!--", "a <!-- --> comment: JSON has none"),
    ("> {", _TRANSCRIPT),
    ("< {", _TRANSCRIPT),
    (">", "a > sign: JSON has none"),
    ("<", "this is XML or HTML, not JSON"),
    ("```", "a Markdown fence: leave only the lines inside of it"),
    ("---", "this is YAML, not JSON"),
    ("...", "something was left out here (...)"),
    ("+", "a number with a plus sign: JSON has none"),
    (";", "a semicolon: JSON has none"),
    ("=", "an = sign: JSON has a colon between key and value"),
    ("(", "a parenthesis: JSON has none"),
    (")", "a parenthesis: JSON has none"),
)


def explain(text: str, error: json.JSONDecodeError) -> Diagnosis:
    """What makes the decoder stop, in words that name the character, the mistake and the language it belongs to."""
    fault = _fault(text, error)
    return fault._replace(why=f"not JSON: {fault.why}")


def _fault(text: str, error: json.JSONDecodeError) -> Diagnosis:
    at = error.pos
    if error.msg.startswith("Invalid control character"):
        return Diagnosis(_control(text[at : at + 1]), at)
    if error.msg.startswith("Invalid \\u"):
        return Diagnosis(r"\u needs four hexadecimal digits behind it", max(text.rfind("\\", 0, at + 1), 0))
    if error.msg.startswith("Invalid \\"):
        at = at if text[at : at + 1] == "\\" else max(at - 1, 0)
        return Diagnosis(f"{text[at : at + 2]} is not an escape: JSON has {_ESCAPES}", at)
    if error.msg.startswith("Unterminated string"):
        return Diagnosis("this string has no end: its closing quote is missing", at)
    # The decoder reports where a value was to begin, which may be lines before what is wrong.
    while at < len(text) and text[at] in _SPACE:
        at += 1
    for look in _LOOKS:
        fault = look(text, at)
        if fault is not None:
            return fault
    return Diagnosis(_expected(error.msg), at)


def find_number(text: str, start: int, literal: str) -> int:
    """Where a number, NaN or Infinity stands, outside of strings."""
    found = (match.start() for match in _NUMBER.finditer(text, start) if match[0] == literal)
    return next(found, start)


def name_of(char: str) -> str:
    """A character as `U+00A0, a no-break space`."""
    try:
        name = unicodedata.name(char).lower()
    except ValueError:
        name = "a control character"
    return f"U+{ord(char):04X}, {name}"


def _control(char: str) -> str:
    code = ord(char) if char else 0
    known = {"\n": ("a line break", r"\n"), "\r": ("a line break", r"\r"), "\t": ("a tab", r"\t")}
    what, escape = known.get(char, (f"the control character U+{code:04X}", f"\\u{code:04x}"))
    return f"{what} inside of a string: JSON writes {escape}, or the closing quote is missing"


def _the_end(text: str, at: int) -> Diagnosis | None:
    if at < len(text):
        return None
    missing = "".join(reversed(list(_open_brackets(text))))
    return Diagnosis(f"it ends too early: {missing} is missing" if missing else "it ends too early", at)


def _open_brackets(text: str) -> Iterator[str]:
    stack: list[str] = []
    # Brackets inside of strings are text.
    for char in _STRING.sub("", text):
        if char in "{[":
            stack.append("}" if char == "{" else "]")
        elif char in "}]" and stack:
            stack.pop()
    yield from stack


def _unseen(text: str, at: int) -> Diagnosis | None:
    """Characters that look like white space or a quote, and are none."""
    char = text[at]
    if char in _TYPOGRAPHIC:
        return Diagnosis(f"{name_of(char)}: a typographic quote; JSON's is \"", at)
    if char == "\ufeff":
        return Diagnosis("U+FEFF, a byte order mark in the middle of the text", at)
    if char.isspace() or unicodedata.category(char) in ("Cf", "Cc", "Zs", "Zl", "Zp"):
        return Diagnosis(f"{name_of(char)}: between values JSON takes plain spaces, tabs and line breaks", at)
    return None


def _comma(text: str, at: int) -> Diagnosis | None:
    before = text[:at].rstrip(_SPACE)
    if text[at] in "}]" and before.endswith(","):
        return Diagnosis(f"a comma before {text[at]}: JSON has none behind the last value", len(before) - 1)
    if text[at] == "," and text[at + 1 :].lstrip(_SPACE)[:1] in ("}", "]"):
        close = text[at + 1 :].lstrip(_SPACE)[0]
        return Diagnosis(f"a comma before {close}: JSON has none behind the last value", at)
    if text[at] == "," and before[-1:] in ("{", "[", ",", ":"):
        return Diagnosis("a value is missing before this comma", at)
    return None


def _starts(text: str, at: int) -> Diagnosis | None:
    for start, why in _STARTS:
        if text.startswith(start, at):
            return Diagnosis(why, at)
    return None


def _single_quote(text: str, at: int) -> Diagnosis | None:
    if text[at] == "'":
        origin = "Python's (json.dumps writes JSON)" if _is_python(text) else "JavaScript's or Python's"
        return Diagnosis(f"a string in single quotes is {origin}: JSON's are double", at)
    if text[at] == "`":
        return Diagnosis("a string in backticks is JavaScript's: JSON's quotes are double", at)
    if match := _PYTHON_STRING.match(text, at):
        return Diagnosis(f"a string that begins with {match[0]} is Python: json.dumps writes JSON", at)
    return None


def _is_python(text: str) -> bool:
    """A dict as Python prints it: it has Python's words, and no others."""
    outside = re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "''", text[:_MAX_LOOKED_AT], flags=re.DOTALL)
    words = set(_NAME.findall(outside))
    return bool(words) and words <= {"True", "False", "None"}


def _word(text: str, at: int) -> Diagnosis | None:
    match = _NAME.match(text, at)
    if match is None:
        return None
    word = match[0]
    behind = text[match.end() :].lstrip(" \t")[:1]
    if text[:at].rstrip(_SPACE)[-1:] in ("{", ",") and behind == ":":
        return Diagnosis(f'the key {word} has no quotes, as in JavaScript and JSON5: JSON writes "{word}"', at)
    if word in _WORDS:
        return Diagnosis(_WORDS[word], at)
    if behind == ":" and not text[:at].strip():
        return Diagnosis(f"this looks like YAML ({word}:), not JSON", at)
    if behind == "=":
        return Diagnosis("this is JavaScript or Python: leave only the object", at)
    if text[:at].endswith('"'):
        return Diagnosis("a quote inside of a string needs a \\ before it", at - 1)
    lower = word.lower()
    if lower in ("true", "false", "null"):
        return Diagnosis(f"JSON writes {lower}, not {word}", at)
    return Diagnosis(f"the word {masked_start(word, 40)} has no quotes: JSON knows true, false and null alone", at)


def _number(text: str, at: int) -> Diagnosis | None:
    """Numbers of other languages. The decoder reads the part that it knows, and stops behind it."""
    begin = at
    # The decoder stops behind the part of a number that JSON has: "0x1F" stops at the x.
    while begin and text[begin - 1] in "+-.0123456789abcdefABCDEFxXoO_n":
        begin -= 1
    match = re.compile(r"[-+]?(?:0[xXoObB][\da-fA-F_]+|\d[\d_.]*(?:[eE][-+]?\d*)?n?|\.\d+|\.)").match(text, begin)
    if match is None or not match[0].strip("."):
        return None
    literal = match[0]
    if re.match(r"[-+]?0[xXoObB]", literal):
        return Diagnosis(f"{literal}: JSON has decimal numbers alone", begin)
    if re.match(r"[-+]?0\d", literal):
        return Diagnosis(f"{literal}: a number of JSON has no zero before it", begin)
    if literal.startswith((".", "-.", "+.")) or literal.endswith(".") or re.search(r"\.[eE]", literal):
        return Diagnosis(f"{literal}: a number of JSON has digits on both sides of its point", begin)
    if "_" in literal or literal.endswith("n"):
        return Diagnosis(f"{literal}: a number of JSON has digits, a point and an exponent alone", begin)
    return None


def _missing(text: str, at: int) -> Diagnosis | None:
    """A comma or a colon that is not there."""
    before = text[:at].rstrip(_SPACE)[-1:]
    if text[at] in '"{[' and (before in '"}]' or before.isalnum()) and before:
        return Diagnosis("a comma or a colon is missing before this value, or a quote inside of a string has no \\", at)
    if text[at] in "}]" and before not in ":,":
        return Diagnosis(f"{text[at]} closes nothing", at)
    if text[at] in "}]":
        return Diagnosis(f"a value is missing before {text[at]}", at)
    if not text[at].isascii():
        return Diagnosis(f"{name_of(text[at])}: JSON has it inside of strings alone", at)
    return None


_LOOKS: tuple[Callable[[str, int], Diagnosis | None], ...] = (
    _the_end,
    _unseen,
    _comma,
    _starts,
    _single_quote,
    _number,
    _word,
    _missing,
)
"""From the most certain to the least."""


def _expected(message: str) -> str:
    """The decoder's own words, which begin with a capital."""
    return message[:1].lower() + message[1:]
