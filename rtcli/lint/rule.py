"""What a rule is: a function that looks at one event, and the words that explain it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rtcli.lint.facts import Facts
    from rtcli.protocol.record import Frame

AnyEvent: TypeAlias = Mapping[str, Any]


class Severity(StrEnum):
    """How bad it is: an ERROR is refused by the API or loses something, a WARNING may, a NOTE makes work harder."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of a rule. `number` is the frame's, None for the session as a whole; `at` is in its seconds."""

    rule: Rule
    text: str
    number: int | None = None
    at: float = 0.0


EventCheck: TypeAlias = Callable[["Facts", AnyEvent, "Frame"], Iterable[str]]
"""What is wrong with an event, given what was known before it."""

EndCheck: TypeAlias = Callable[["Facts"], Iterable[tuple[int, str]]]
"""What was left undone in a session that has ended: the frame that it is about, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`sentence` says how it should be, `prevents` the trouble that the rule is made for.

    `on` names the events that are looked at: `>response.create`, `<error`, `>` for all that were sent; MALFORMED for
    messages that are not events, AT_END for what is left undone when the session ends.
    """

    id: str
    severity: Severity
    on: tuple[str, ...]
    prevents: str
    check: EventCheck | EndCheck

    @property
    def sentence(self) -> str:
        """How it should be: the first line of the function's docstring."""
        # The page of rules and `--rules` are made of it, so that code and docs cannot differ.
        return (self.check.__doc__ or "").partition("\n")[0]


AT_END = "end"
MALFORMED = "malformed"


def rule(id_: str, severity: Severity, *on: str, prevents: str) -> Callable[[EventCheck], Rule]:
    """Make a rule of a function that looks at one event."""
    return lambda check: Rule(id_, severity, on, prevents, check)


def rule_at_end(id_: str, severity: Severity, *, prevents: str) -> Callable[[EndCheck], Rule]:
    """Make a rule of a function that looks at what is left when the session has ended."""
    return lambda check: Rule(id_, severity, (AT_END,), prevents, check)
