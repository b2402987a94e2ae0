"""The little language of `/filter`: which frames of the wire a user wants to see.

Terms are separated by spaces and all must match; `-` before a term negates it.

    response.*      a glob over event types
    <  >            from the server, to the server
    item=ID         frames about an item: its id, the short form that rows show, or its end
    error           an `error` event, something that failed, or a frame that is not an event
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from rtcli.errors import UsageError
from rtcli.protocol.ids import fits
from rtcli.protocol.matching import matches_glob
from rtcli.protocol.record import Direction, Frame

_Test = Callable[[Frame], bool]
_FAILED_STATUS = ("failed", "incomplete")


@dataclass(frozen=True, slots=True)
class WireFilter:
    """A parsed expression; `matches` is its whole use."""

    expression: str
    tests: tuple[_Test, ...]

    def matches(self, record: Frame) -> bool:
        """Whether every term matches the frame."""
        return all(test(record) for test in self.tests)


@lru_cache(maxsize=32)
def parse_filter(expression: str) -> WireFilter:
    """The filter that an expression says; an empty one matches everything.

    Raises UsageError for a term that can match nothing: an empty one, an unknown `key=`, a character no type has.
    """
    return WireFilter(expression, tuple(_term(term) for term in expression.split()))


def _term(term: str) -> _Test:
    if term.startswith("-"):
        if term == "-":
            raise UsageError("the filter term '-' negates nothing", hint="write -response.* or -error")
        negated = _term(term[1:])
        return lambda record: not negated(record)
    if term in ("<", ">"):
        direction = Direction(term)
        return lambda record: record.direction is direction
    if term == "error":
        return is_failure
    key, equals, value = term.partition("=")
    return _about(key, value) if equals else _type_glob(term)


def _about(key: str, value: str) -> _Test:
    if key != "item" or not value:
        raise UsageError(f"unknown filter term {key}={value}", hint="the only term with a value is item=ID")
    return lambda record: any(fits(id_, value) for id_ in item_ids(record.event))


def _type_glob(term: str) -> _Test:
    # A filter with a typing mistake would show nothing, which looks like a silent server.
    if not re.fullmatch(r"[\w.*?\[\]!-]+", term):
        raise UsageError(
            f"the filter term {term!r} is not an event type", hint="for example: response.* -*.delta < item=ID"
        )
    return lambda record: matches_glob(type_of(record), term)


def unknown_types(expression: str, known: Iterable[str]) -> list[str]:
    """The types and globs of an expression that no known type fits; what is negated counts for nothing."""
    names = [term for term in expression.split() if term[0] not in "<>-" and "=" not in term and term != "error"]
    return [name for name in names if not any(fnmatchcase(event_type, name) for event_type in known)]


def type_of(record: Frame) -> str:
    """The event's type, "" for a frame that is not an event."""
    return str(record.event.get("type", "")) if record.event is not None else ""


def item_ids(event: Mapping[str, Any] | None) -> Iterator[str]:
    """Every item that an event is about (not the one it only follows)."""
    if event is None:
        return
    if isinstance(event.get("item_id"), str):
        yield event["item_id"]
    response = event.get("response")
    output = response.get("output") if isinstance(response, Mapping) else None
    for item in (event.get("item"), *(output if isinstance(output, list) else ())):
        if isinstance(item, Mapping) and isinstance(item.get("id"), str):
            yield item["id"]


def is_failure(record: Frame) -> bool:
    """An `error` event, something that failed or stayed incomplete, or a frame that is not an event."""
    if record.event is None:
        return True
    type_ = type_of(record)
    response = record.event.get("response")
    failed = isinstance(response, Mapping) and response.get("status") in _FAILED_STATUS
    return type_ == "error" or type_.endswith(".failed") or failed
