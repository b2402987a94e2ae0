"""How a part takes records in: it marks a handler for each kind, and a router finds all handlers of a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias, TypeVar

from rtcli.protocol.record import Direction, Frame, Record
from rtcli.views import View

RecordHandler: TypeAlias = Callable[..., Iterable[View] | None]
"""`handler(event, frame)` for a frame, `handler(record)` for any other record; the views that it amounts to."""

F = TypeVar("F", bound=RecordHandler)

_Key: TypeAlias = tuple[Direction | None, Any]
"""Direction and event type (None: not an event), or None and the class of a record."""

_RECEIVED = Direction.RECEIVED  # a member costs a search through its class


def received(*types: str) -> Callable[[F], F]:
    """Mark `handler(self, event, frame)` for server events of these types."""
    return _marked((Direction.RECEIVED, name) for name in types)


def sent(*types: str) -> Callable[[F], F]:
    """Mark `handler(self, event, frame)` for client events of these types."""
    return _marked((Direction.SENT, name) for name in types)


def not_an_event(handler: F) -> F:
    """Mark `handler(self, None, frame)` for frames of both directions that are not events."""
    return _marked((direction, None) for direction in Direction)(handler)


def moment(*kinds: type) -> Callable[[F], F]:
    """Mark `handler(self, record)` for records that are not frames."""
    return _marked((None, kind) for kind in kinds)


def _marked(keys: Iterable[_Key]) -> Callable[[F], F]:
    found = tuple(keys)

    def mark(handler: F) -> F:
        handler.__dict__["keys"] = (*handler.__dict__.get("keys", ()), *found)
        return handler

    return mark


class Part:
    """A part of a session that is fed with records. A handler gives the views that a record amounts to, or None."""

    _names: ClassVar[tuple[tuple[_Key, str], ...]] = ()  # of the handlers of the class, by what they take

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = ((key, name) for name, handler in vars(cls).items() for key in getattr(handler, "keys", ()))
        cls._names = (*cls._names, *own)

    @property
    def parts(self) -> Iterable[Part]:
        """The parts that this one is made of; they take a record in before it."""
        return ()

    def handlers(self) -> Iterator[tuple[_Key, RecordHandler]]:
        """What this part, and those it is made of, do with which records."""
        for part in self.parts:
            yield from part.handlers()
        for key, name in self._names:
            yield key, getattr(self, name)


class Router:
    """The handlers of several parts by the record that they take, in the order of the parts.

    Most frames concern one part or none: a table for all of them costs one look-up, where asking each costs one a part.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        tables: dict[Direction | None, dict[Any, list[tuple[str, RecordHandler]]]] = {
            None: {},
            **{way: {} for way in Direction},
        }
        for name, part in parts.items():
            for (direction, kind), handler in part.handlers():
                tables[direction].setdefault(kind, []).append((name, handler))
        self._moments = tables[None]
        self._received, self._sent = tables[Direction.RECEIVED], tables[Direction.SENT]

    def handlers(self, record: Record) -> Iterable[tuple[str, RecordHandler]]:
        """Those that take this record, each with the name of its part."""
        if not isinstance(record, Frame):
            return self._moments.get(type(record), ())
        kind = None
        if record.event is not None:
            kind = record.event.get("type")
            if not isinstance(kind, str):  # something of ours that is not an event either
                return ()
        return (self._received if record.direction is _RECEIVED else self._sent).get(kind, ())
