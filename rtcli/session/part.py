"""How a part takes records in: it marks a handler for each kind, and `observe` finds the one for a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeAlias, TypeVar

from rtcli.protocol.record import Direction, Frame, Record
from rtcli.views import View

Handler: TypeAlias = Callable[..., Iterable[View] | None]
F = TypeVar("F", bound=Handler)

_NOTHING: tuple[View, ...] = ()


def received(*types: str) -> Callable[[F], F]:
    """Mark `handler(self, event, frame)` for server events of these types."""
    return _marked((Direction.RECEIVED, name) for name in types)


def sent(*types: str) -> Callable[[F], F]:
    """Mark `handler(self, event, frame)` for client events of these types."""
    return _marked((Direction.SENT, name) for name in types)


def moment(*kinds: type) -> Callable[[F], F]:
    """Mark `handler(self, record)` for records that are not frames."""
    return _marked(kinds)


def _marked(keys: Iterable[object]) -> Callable[[F], F]:
    found = tuple(keys)

    def mark(handler: F) -> F:
        handler.__dict__["keys"] = (*handler.__dict__.get("keys", ()), *found)
        return handler

    return mark


class Part:
    """A part of a session that is fed with records. A handler gives the views that a record amounts to, or None."""

    _handlers: ClassVar[Mapping[object, Handler]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._handlers = {key: handler for handler in vars(cls).values() for key in getattr(handler, "keys", ())}

    def observe(self, record: Record) -> Iterable[View]:
        """Take one record in; the views that it amounts to."""
        if not isinstance(record, Frame):
            handler = self._handlers.get(type(record))
            return (handler(self, record) or _NOTHING) if handler else _NOTHING
        if record.event is None:
            return _NOTHING
        handler = self._handlers.get((record.direction, str(record.event.get("type"))))
        return (handler(self, record.event, record) or _NOTHING) if handler else _NOTHING
