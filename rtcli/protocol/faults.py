"""Faults on demand: the language `WHEN:WHAT`, and which faults of a connection are due now.

WHEN   connect | after=SECONDS | n=NUMBER (the server's NUMBERth event) | event=GLOB[@NUMBER] (its NUMBERth match)
WHAT   close[=CODE] | drop | stall=SECONDS | delay=SECONDS | duplicate | malformed | error[=CODE] | quota | expire |
       http=STATUS (with connect alone)

`n` and `event` count what the server sends; with `>` before the value, as in `event=>response.create`, they count what
the client sends. A fault happens once for each connection, before the event that triggers it passes; but `delay` slows
every event that matches, and `quota` makes every later response fail. Durations are like 3s, 250ms, 1.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from rtcli.errors import UsageError
from rtcli.protocol.matching import matches_glob
from rtcli.protocol.record import Direction

_DEFAULT_CLOSE_CODE = 1011
_RESERVED_CLOSE_CODES = (1004, 1005, 1006)  # RFC 6455, 7.4.1: never in a close frame
_HINT = "write WHEN:WHAT, as in after=3s:close=1011, event=response.created:stall=5s, connect:http=503"


class FaultKind(StrEnum):
    """WHAT: the kinds of fault."""

    CLOSE = "close"
    DROP = "drop"
    STALL = "stall"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    MALFORMED = "malformed"
    ERROR = "error"
    QUOTA = "quota"
    EXPIRE = "expire"
    HTTP = "http"


class FaultTrigger(StrEnum):
    """WHEN: what triggers a fault."""

    CONNECT = "connect"
    AFTER = "after"
    NUMBER = "n"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class FaultAction:
    """What happens: `number` is a close code, an HTTP status or seconds, `text` the code of an error."""

    kind: FaultKind
    number: float = 0.0
    text: str = ""

    def __str__(self) -> str:
        """As a user writes it: `stall=5`, `close=1011`, `error=rate_limit`, `drop`."""
        value = self.text or (f"{self.number:g}" if self.number else "")
        return f"{self.kind}={value}" if value else str(self.kind)


@dataclass(frozen=True, slots=True)
class Fault:
    """`number` is seconds, a count of events, or which match of `glob`; `direction` is that of the events to match."""

    trigger: FaultTrigger
    action: FaultAction
    number: float = 1.0
    glob: str = ""
    direction: Direction = Direction.RECEIVED  # as a client sees it: what the server sends


# parsing: every parser of a value raises ValueError that says what is wrong with it -----------------------------------


def _seconds(value: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)?", value)
    if not match:
        raise ValueError(f"expected a duration like 3s or 250ms, got {value!r}")
    return float(match.group(1)) / (1000 if match.group(2) == "ms" else 1)


def _integer(value: str, expected: str) -> int:
    # Nine digits: int() takes underscores, Arabic digits and numbers without end.
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError(f"expected {expected}, got {value!r}")
    return int(value)


def _close_code(value: str) -> float:
    code = _integer(value, "a close code") if value else _DEFAULT_CLOSE_CODE
    if not (code in range(1000, 1015) or code in range(3000, 5000)) or code in _RESERVED_CLOSE_CODES:
        raise ValueError(f"{code} is not a code that a close frame may carry")
    return code


def _status(value: str) -> float:
    status = _integer(value, "an HTTP status")
    if status not in range(300, 600):
        raise ValueError(f"expected an HTTP status from 300 to 599, got {status}")
    return status


def _no_value(value: str) -> float:
    if value:
        raise ValueError(f"it takes no value, got {value!r}")
    return 0.0


_ACTION_NUMBERS: Mapping[FaultKind, Callable[[str], float]] = {
    FaultKind.CLOSE: _close_code,
    FaultKind.HTTP: _status,
    FaultKind.STALL: _seconds,
    FaultKind.DELAY: _seconds,
    FaultKind.ERROR: lambda value: 0.0,  # its value is text
}

_Word = TypeVar("_Word", bound=StrEnum)


def _word(words: type[_Word], text: str) -> _Word:
    if text not in list(words):
        raise ValueError(f"{text!r} is not one of {', '.join(words)}")
    return words(text)


def parse_action(text: str) -> FaultAction:
    """One WHAT. Raises UsageError for anything else."""
    name, _, value = text.strip().partition("=")
    try:
        kind = _word(FaultKind, name)
        return FaultAction(kind, _ACTION_NUMBERS.get(kind, _no_value)(value), value if kind is FaultKind.ERROR else "")
    except ValueError as error:
        raise UsageError(f"invalid fault {text!r}", why=str(error), hint=f"faults: {', '.join(FaultKind)}") from error


def parse_step(text: str) -> FaultAction:
    """One WHAT as a step of a script. Raises UsageError also for what is too late once a client is connected."""
    action = parse_action(text)
    if action.kind is FaultKind.HTTP:
        raise UsageError(f"fault {text!r} cannot be a step", why="an HTTP status is sent at connect alone")
    return action


def parse_fault(text: str) -> Fault:
    """One `WHEN:WHAT`. Raises UsageError that says what is wrong with it."""
    when, colon, what = text.strip().partition(":")
    if not colon:
        raise UsageError(f"invalid fault {text!r}", why="there is no colon in it", hint=_HINT)
    action = parse_action(what)
    name, _, value = when.partition("=")
    try:
        fault = _TRIGGERS[_word(FaultTrigger, name)](value, action)
    except ValueError as error:
        raise UsageError(f"invalid fault {text!r}", why=str(error), hint=_HINT) from error
    if action.kind is FaultKind.HTTP and fault.trigger is not FaultTrigger.CONNECT:
        raise UsageError(f"invalid fault {text!r}", why="an HTTP status is sent at connect alone", hint=_HINT)
    return fault


def _count(value: str) -> int:
    count = _integer(value, "a number of an event")
    if count < 1:
        raise ValueError("events count from 1")
    return count


def _direction(value: str) -> tuple[Direction, str]:
    if value[:1] in list(Direction):
        return Direction(value[0]), value[1:]
    return Direction.RECEIVED, value


def _event_fault(value: str, action: FaultAction) -> Fault:
    direction, pattern = _direction(value)
    glob, at, number = pattern.partition("@")
    if not glob:
        raise ValueError("an event type is missing")
    return Fault(FaultTrigger.EVENT, action, _count(number) if at else 1, glob, direction)


def _number_fault(value: str, action: FaultAction) -> Fault:
    direction, number = _direction(value)
    return Fault(FaultTrigger.NUMBER, action, _count(number), direction=direction)


_TRIGGERS: Mapping[FaultTrigger, Callable[[str, FaultAction], Fault]] = {
    FaultTrigger.CONNECT: lambda value, action: Fault(FaultTrigger.CONNECT, action, _no_value(value)),
    FaultTrigger.AFTER: lambda value, action: Fault(FaultTrigger.AFTER, action, _seconds(value)),
    FaultTrigger.NUMBER: _number_fault,
    FaultTrigger.EVENT: _event_fault,
}

# matching -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class FaultPlan:
    """The faults of one connection, as far as they are still to come."""

    faults: tuple[Fault, ...] = ()
    _passed: dict[Direction, int] = field(default_factory=dict)  # events so far, by direction
    _matches: dict[Fault, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> FaultPlan:
        """Raises UsageError for the first that cannot be read."""
        return cls(tuple(map(parse_fault, texts)))

    def at_connect(self) -> list[FaultAction]:
        """What happens as soon as a client connects."""
        return [fault.action for fault in self.faults if fault.trigger is FaultTrigger.CONNECT]

    def timed(self) -> list[tuple[float, FaultAction]]:
        """(seconds after the connection is made, what happens then)."""
        return [(fault.number, fault.action) for fault in self.faults if fault.trigger is FaultTrigger.AFTER]

    def counts(self, direction: Direction) -> bool:
        """Whether the events of this direction have to be shown to `before`."""
        counting = (FaultTrigger.NUMBER, FaultTrigger.EVENT)
        return any(fault.trigger in counting and fault.direction is direction for fault in self.faults)

    def before(self, event_type: str, direction: Direction = Direction.RECEIVED) -> list[FaultAction]:
        """What happens before an event of this type passes in this direction; counts it."""
        # Counted for every event, also where no fault asks for it: `n=20` means the 20th of all.
        self._passed[direction] = self._passed.get(direction, 0) + 1
        # All are asked, none is skipped: each counts its own matches.
        due = [fault for fault in self.faults if fault.direction == direction and self._is_due(fault, event_type)]
        return [fault.action for fault in due]

    def _is_due(self, fault: Fault, event_type: str) -> bool:
        if fault.trigger is FaultTrigger.NUMBER:
            return self._passed[fault.direction] == fault.number
        if fault.trigger is not FaultTrigger.EVENT or not matches_glob(event_type, fault.glob):
            return False
        matches = self._matches[fault] = self._matches.get(fault, 0) + 1
        return matches == fault.number or (fault.action.kind is FaultKind.DELAY and matches >= fault.number)
