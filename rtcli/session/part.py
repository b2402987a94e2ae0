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
    return _marked((None, kind) for kind in kinds)


def _marked(keys: Iterable[tuple[Direction | None, Any]]) -> Callable[[F], F]:
    found = tuple(keys)

    def mark(handler: F) -> F:
        handler.__dict__["keys"] = (*handler.__dict__.get("keys", ()), *found)
        return handler

    return mark


class Part:
    """A part of a session that is fed with records. A handler gives the views that a record amounts to, or None."""

    _received: ClassVar[Mapping[str, Handler]] = {}
    _sent: ClassVar[Mapping[str, Handler]] = {}
    _moments: ClassVar[Mapping[type, Handler]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        marked = [(key, handler) for handler in vars(cls).values() for key in getattr(handler, "keys", ())]
        cls._received = {name: handler for (way, name), handler in marked if way is Direction.RECEIVED}
        cls._sent = {name: handler for (way, name), handler in marked if way is Direction.SENT}
        cls._moments = {kind: handler for (way, kind), handler in marked if way is None}

    def observe(self, record: Record) -> Iterable[View]:
        """Take one record in; the views that it amounts to."""
        if not isinstance(record, Frame):
            handler = self._moments.get(type(record))
            return (handler(self, record) or _NOTHING) if handler else _NOTHING
        event = record.event
        if event is None:
            return _NOTHING
        handlers = self._received if record.direction is Direction.RECEIVED else self._sent
        handler = handlers.get(str(event.get("type")))
        return (handler(self, event, record) or _NOTHING) if handler else _NOTHING
