"""What an event should look like: the fields that are named, each by a value, a glob, a pattern or a comparison."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtcli.errors import UsageError
from rtcli.protocol.differences import NOTHING, Discrepancy
from rtcli.protocol.events import Event
from rtcli.protocol.matching import Matcher, matches_glob, text_matcher

_TEXTS = frozenset({"text", "transcript"})
"""Fields of words: a part of them is enough, in upper or lower case."""

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPARISON = re.compile(r"(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)\s*(ms|s)?")
_REGEX_CHARACTERS = re.compile(r"[\\^|*\[\]{}()]|\$$|(?<=\w)[+?](?=\w)|\.[+?]")
"""What is hardly ever said: an expression that was not marked as one. A question mark at the end of a word is said."""


_STAR = "a part of the words is enough, and * stands for itself in them; /x/ is a regular expression"


def _is_expression(expected: str) -> bool:
    return len(expected) > 1 and expected.startswith("/") and expected.endswith("/")


def words_matcher(expected: str) -> Matcher:
    """Matches words: those that hold the text, whatever its case; `/x/` is a regular expression.

    Raises UsageError for an expression that is not valid.
    """
    if _is_expression(expected):
        return text_matcher(expected[1:-1])
    plain = expected.casefold()
    return lambda value: isinstance(value, str) and bool(value) and plain in value.casefold()


def refuse_bare_expression(expected: str) -> None:
    """Raise UsageError for words that look like a regular expression, and are not written as one."""
    if not _is_expression(expected) and (found := _REGEX_CHARACTERS.search(expected)):
        raise UsageError(
            f"{expected!r} is looked for as it stands, and has {found[0]!r} in it",
            hint=f"write a regular expression as /{expected}/",
        )


@dataclass(frozen=True, slots=True)
class EventMatcher:
    """The fields of an event as they should be.

    Each key is a field, or a path of fields with dots. A mapping matches by its keys and a list by its positions. In
    `text` and `transcript` a string is a part of the words, or a regular expression as `/x/`; elsewhere it is equal,
    or a glob if it has a `*`, or a comparison ("<900ms", ">=2") with a number.
    """

    fields: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The type of the event; "" where that is open."""
        kind = self.fields.get("type", "")
        return kind if isinstance(kind, str) and "*" not in kind else ""

    @property
    def text(self) -> str:
        """How a message calls it."""
        return str(self.fields.get("type", "an event"))

    def differences(self, event: Event) -> Sequence[Discrepancy]:
        """Where the event is another one; the type alone, if that is."""
        # Of another type of event every field differs: that one line says it all.
        if "type" in self.fields and any(_differing("type", self.fields["type"], event.get("type"), "")):
            return (Discrepancy("", self.fields, event),)
        return tuple(_differing("", self.fields, event, ""))

    def met(self, event: Event) -> None:
        """Nothing is kept of it."""

    def may_follow(self, later: object) -> bool:
        """Each has its place."""
        return False


def _differing(key: str, expected: Any, got: Any, path: str) -> Iterator[Discrepancy]:
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        for name, value in expected.items():
            inner = f"{path}.{name}" if path else str(name)
            yield from _differing(str(name).rpartition(".")[2], value, value_at(got, str(name)), inner)
    elif isinstance(expected, list | tuple) and isinstance(got, list) and len(expected) == len(got):
        for index, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from _differing(key, one, other, f"{path}.{index}")
    elif not _matches(key, expected, got):
        literal = key in _TEXTS and isinstance(expected, str) and "*" in expected and not _is_expression(expected)
        yield Discrepancy(path, expected, got, _STAR if literal else "")


def stands_for_itself(value: Mapping[str, Any]) -> bool:
    """Whether fields that are expected as they are match themselves: `[a]*` is a glob, and matches something else."""
    try:
        return not any(_differing("", value, value, ""))
    except UsageError:  # words that look like an expression, which is not valid
        return False


def value_at(value: Any, path: str) -> Any:
    """What stands at a path of fields and positions; NOTHING where that leads nowhere."""
    # A key may have a dot in it itself, as metadata does.
    if isinstance(value, Mapping) and path in value:
        return value[path]
    first, _, rest = path.partition(".")
    if isinstance(value, Mapping):
        inner = value.get(first, NOTHING)
    elif isinstance(value, list) and first.isdecimal() and int(first) < len(value):
        inner = value[int(first)]
    else:
        return NOTHING
    return value_at(inner, rest) if rest else inner


def _matches(key: str, expected: Any, got: Any) -> bool:
    if not isinstance(expected, str):
        return bool(expected == got)
    if key in _TEXTS:
        return words_matcher(expected)(got)
    comparison = _COMPARISON.fullmatch(expected)
    if comparison and isinstance(got, int | float) and not isinstance(got, bool):
        # "<1.5s" of a field in milliseconds; elsewhere the unit is the field's own.
        number = float(comparison[2]) * (1000 if comparison[3] == "s" and key.endswith("_ms") else 1)
        return _OPERATORS[comparison[1]](got, number)
    if "*" in expected:
        return isinstance(got, str) and matches_glob(got, expected)
    return bool(expected == got)
