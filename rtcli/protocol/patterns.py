"""Compiles and searches every regular expression that a user writes: one engine, with one limit of time.

The engine is `regex`: it has the syntax and the character classes of Python's own, which a linear engine (RE2) has not,
lets other threads run while it searches, and gives up in time on a pattern that tries every way to match.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtcli.errors import UsageError

if TYPE_CHECKING:
    import regex

MAX_SECONDS = 0.1
"""For one text. An ordinary pattern reads megabytes in that time."""


class Pattern:
    """A regular expression as the user wrote it."""

    def __init__(self, text: str, compiled: regex.Pattern[str]) -> None:
        self.text = text
        self._compiled = compiled
        self._hopeless = False  # it was given up once; trying again would cost as much for each text to come

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def search(self, text: str) -> bool:
        """Whether the expression matches anywhere in the text. Raises UsageError where that takes too long."""
        return self.span(text) is not None

    def span(self, text: str) -> tuple[int, int] | None:
        """Where the expression first matches; None: nowhere. Raises UsageError where that takes too long."""
        if not self._hopeless:
            try:
                found = self._compiled.search(text, timeout=MAX_SECONDS, concurrent=True)
                return found.span() if found is not None else None
            except (TimeoutError, MemoryError):
                self._hopeless = True
        raise UsageError(
            f"the regular expression {self.text!r} was given up",
            why=f"it takes too long on a text of {len(text)} characters",
            hint="avoid repeats within repeats, as in (a+)+",
        )


def compile_pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    """The pattern that a text describes. Raises UsageError that names the pattern and the position of the mistake."""
    import regex

    try:
        # Without the engine's cache, which would keep every pattern that was ever typed.
        return Pattern(text, regex.compile(text, regex.IGNORECASE if ignore_case else 0, cache_pattern=False))
    except (regex.error, RecursionError, OverflowError, MemoryError, ValueError) as error:
        raise UsageError(f"{text!r} is not a valid regular expression", why=_reason(error)) from error


def _reason(error: Any) -> str:
    message, position = getattr(error, "msg", None), getattr(error, "pos", None)
    if message is None:
        return "it is nested too deeply, or repeats too often"
    # The engine counts from 0; users count characters from 1.
    return str(message) if position is None else f"{message} at character {position + 1}"
