"""Compiles and searches every regular expression that a user writes: one engine, with one set of limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rtcli.errors import UsageError


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression as the user wrote it."""

    text: str
    _compiled: re.Pattern[str] = field(repr=False)

    def search(self, text: str) -> bool:
        """Whether the expression matches anywhere in the text."""
        return self._compiled.search(text) is not None


def compile_pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    """The pattern that a text describes. Raises UsageError that names the pattern and the position of the mistake."""
    try:
        return Pattern(text, re.compile(text, re.IGNORECASE if ignore_case else 0))
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"{text!r} is not a valid regular expression", why=_reason(error)) from error


def _reason(error: Exception) -> str:
    if not isinstance(error, re.error):
        return "it is nested too deeply, or repeats too often"
    # The engine counts from 0; users count characters from 1.
    return error.msg if error.pos is None else f"{error.msg} at character {error.pos + 1}"
