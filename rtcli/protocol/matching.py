"""How a value is compared with what a user expects: by a glob, by a pattern that is searched for, by equality."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from rtcli.errors import UsageError
from rtcli.protocol.patterns import compile_pattern

Matcher: TypeAlias = Callable[[Any], bool]
"""Whether a value is what was expected."""


def matches_glob(text: str, glob: str) -> bool:
    """Whether a text, such as an event type, matches a glob as a whole; case matters."""
    return fnmatch.fnmatchcase(text, glob)


@lru_cache(maxsize=256)
def text_matcher(pattern: str) -> Matcher:
    """Matches a text in which the pattern is found, in upper or lower case. Nothing is found in an empty text.

    Raises UsageError for a pattern that is not valid.
    """
    compiled = compile_pattern(pattern, ignore_case=True)
    return lambda value: isinstance(value, str) and bool(value) and compiled.search(value)


def equal_to(expected: object) -> Matcher:
    """Matches a value that is equal."""
    return lambda value: bool(value == expected)


def one_of(expected: object) -> Matcher:
    """Matches a collection that holds the expected value."""
    return lambda values: expected in values


class FieldMatcher:
    """Matches when every named field does; a field without an expectation matches whatever its value is."""

    def __init__(self, expected: Mapping[str, Any], kinds: Mapping[str, Callable[[Any], Matcher]]) -> None:
        """`kinds` says for each field how its expected value becomes a matcher.

        Raises UsageError that names the field for an expected value that makes none.
        """
        self.expected = dict(expected)
        self._matchers = {name: _made(name, kinds[name], value) for name, value in expected.items()}

    def __repr__(self) -> str:
        return f"FieldMatcher({self.expected!r})"

    def matches(self, values: Mapping[str, Callable[[], Any]]) -> bool:
        """Whether all fields match. `values` gives each field's value when it is asked for, and only then."""
        return all(matches(values[name]()) for name, matches in self._matchers.items())


def _made(name: str, kind: Callable[[Any], Matcher], expected: Any) -> Matcher:
    try:
        return kind(expected)
    except UsageError as error:
        raise UsageError(f"{name}: {error.what}", why=error.why, hint=error.hint) from error
