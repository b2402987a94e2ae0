"""How a text is compared with what a user expects: by a glob, or by a pattern that is searched for."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

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
