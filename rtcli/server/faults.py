"""Faults on demand: the language `WHEN:WHAT`, and which of them a connection has to suffer now.

WHEN   connect | after=SECONDS | n=NUMBER (the server's NUMBERth event) | event=GLOB[@NUMBER] (its NUMBERth match)
WHAT   close[=CODE] | drop | stall=SECONDS | delay=SECONDS | duplicate | malformed | error[=CODE] | quota | expire |
       http=STATUS (with connect alone)

A fault happens once for each connection, before the event that sets it off goes out; but `delay` slows every event that
matches, and `quota` makes every later response fail. Times are like 3s, 250ms, 1.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rtcli.errors import UsageError
from rtcli.protocol.matching import matches_glob


class What(StrEnum):
    """The kinds of fault."""

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


class When(StrEnum):
    """What sets a fault off."""

    CONNECT = "connect"
    AFTER = "after"
    NUMBER = "n"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Action:
    """What happens: `number` is a close code, an HTTP status or seconds, `text` the code of an error."""

    what: What
    number: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """`number` is seconds, a count of events, or which match of `glob`."""

    when: When
    action: Action
    number: float = 1.0
    glob: str = ""


def _seconds(value: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)?", value)
    if not match:
        raise ValueError("a time like 3s or 250ms is missing")
    return float(match.group(1)) / (1000 if match.group(2) == "ms" else 1)


def _close_code(value: str) -> float:
    code = int(value or 1011)
    if not (code in range(1000, 1015) or code in range(3000, 5000)) or code in (1004, 1005, 1006):
        raise ValueError(f"{code} is no code that a close frame may carry")
    return code


def _status(value: str) -> float:
    status = int(value)
    if status not in range(300, 600):
        raise ValueError("an HTTP status from 300 to 599 is missing")
    return status


def _nothing(value: str) -> float:
    if value:
        raise ValueError(f"it takes no value, not {value!r}")
    return 0.0


_NUMBERS: Mapping[What, Callable[[str], float]] = {
    What.CLOSE: _close_code,
    What.HTTP: _status,
    What.STALL: _seconds,
    What.DELAY: _seconds,
    What.ERROR: lambda value: 0.0,
}


def parse_action(text: str) -> Action:
    """One WHAT. Raises UsageError for what it is not."""
    name, _, value = text.strip().partition("=")
    try:
        what = What(name)
        return Action(what, _NUMBERS.get(what, _nothing)(value), value if what is What.ERROR else "")
    except ValueError as error:
        kinds = ", ".join(What)
        raise UsageError(f"fault {text!r} cannot be read", why=str(error), hint=f"what can happen: {kinds}") from error


def parse_step(text: str) -> Action:
    """One WHAT as a step of a script. Raises UsageError also for what is too late once a client is connected."""
    action = parse_action(text)
    if action.what is What.HTTP:
        raise UsageError(f"fault {text!r} cannot be a step", why="an HTTP status is given at connect alone")
    return action


def parse_fault(text: str) -> Fault:
    """One `WHEN:WHAT`. Raises UsageError that says what is wrong with it."""
    when_text, colon, what_text = text.strip().partition(":")
    hint = "write WHEN:WHAT, as in after=3s:close=1011, event=response.created:stall=5s, connect:http=503"
    if not colon:
        raise UsageError(f"fault {text!r} cannot be read", why="there is no colon in it", hint=hint)
    action = parse_action(what_text)
    name, _, value = when_text.partition("=")
    try:
        fault = _WHENS[When(name)](value, action)
    except ValueError as error:
        raise UsageError(f"fault {text!r} cannot be read", why=str(error), hint=hint) from error
    if action.what is What.HTTP and fault.when is not When.CONNECT:
        raise UsageError(f"fault {text!r} cannot be", why="an HTTP status is given at connect alone", hint=hint)
    return fault


def _event(value: str, action: Action) -> Fault:
    glob, at, number = value.partition("@")
    if not glob or (at and int(number) < 1):
        raise ValueError("an event type is missing")
    return Fault(When.EVENT, action, int(number) if at else 1, glob)


def _number(value: str, action: Action) -> Fault:
    if int(value) < 1:
        raise ValueError("events count from 1")
    return Fault(When.NUMBER, action, int(value))


_WHENS: Mapping[When, Callable[[str, Action], Fault]] = {
    When.CONNECT: lambda value, action: Fault(When.CONNECT, action, _nothing(value)),
    When.AFTER: lambda value, action: Fault(When.AFTER, action, _seconds(value)),
    When.NUMBER: _number,
    When.EVENT: _event,
}


@dataclass(slots=True)
class FaultPlan:
    """The faults of one connection, as far as they are still to come."""

    faults: tuple[Fault, ...] = ()
    _sent: int = 0
    _matches: dict[Fault, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> FaultPlan:
        """Raises UsageError for the first that cannot be read."""
        return cls(tuple(map(parse_fault, texts)))

    def at_connect(self) -> list[Action]:
        """What happens as soon as a client dials."""
        return [fault.action for fault in self.faults if fault.when is When.CONNECT]

    def timed(self) -> list[tuple[float, Action]]:
        """(seconds after the connection is made, what happens then)."""
        return [(fault.number, fault.action) for fault in self.faults if fault.when is When.AFTER]

    def before(self, event_type: str) -> list[Action]:
        """What happens before an event of this type goes out; counts it."""
        self._sent += 1
        return [fault.action for fault in self.faults if self._due(fault, event_type)]

    def _due(self, fault: Fault, event_type: str) -> bool:
        if fault.when is When.NUMBER:
            return self._sent == fault.number
        if fault.when is not When.EVENT or not matches_glob(event_type, fault.glob):
            return False
        matches = self._matches[fault] = self._matches.get(fault, 0) + 1
        return matches == fault.number or (fault.action.what is What.DELAY and matches >= fault.number)
