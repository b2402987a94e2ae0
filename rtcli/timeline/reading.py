"""How the parts of a timeline take events in: the fields they read, and a mark for their handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from rtcli.protocol.record import Direction, Frame
from rtcli.timeline.turns import Moment

EventFields: TypeAlias = Mapping[str, Any]
FrameReader: TypeAlias = Callable[[Any, EventFields, Frame], None]

H = TypeVar("H", bound=FrameReader)


def received(*types: str) -> Callable[[H], H]:
    """Mark `handler(self, event, frame)` for events of the server, by the names of GA."""
    return _marked(Direction.RECEIVED, types)


def sent(*types: str) -> Callable[[H], H]:
    """Mark `handler(self, event, frame)` for events of ours."""
    return _marked(Direction.SENT, types)


def _marked(direction: Direction, types: tuple[str, ...]) -> Callable[[H], H]:
    def mark(handler: H) -> H:
        # On the function itself: two decorators may mark one handler, and the class does not exist yet.
        handler.__dict__.setdefault("reads", []).extend((direction, name) for name in types)
        return handler

    return mark


def handlers(part: object) -> Iterator[tuple[Direction, str, Callable[[EventFields, Frame], None]]]:
    """The marked methods of a part, and what each reads."""
    # In the order of the class, which is the order in which handlers of one event are called.
    for name, handler in vars(type(part)).items():
        for direction, type_ in getattr(handler, "reads", ()):
            yield direction, type_, getattr(part, name)


def mapping(event: EventFields, name: str) -> EventFields:
    """An object in an event; an empty one where there is none."""
    value = event.get(name)
    return value if isinstance(value, Mapping) else {}


def objects(event: EventFields, name: str) -> list[EventFields]:
    """The objects of a list in an event; none where it is not a list."""
    value = event.get(name)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def text(event: EventFields, name: str) -> str:
    """A text in an event, "" where there is none."""
    value = event.get(name)
    return value if isinstance(value, str) else ""


def moment(frame: Frame) -> Moment:
    """When a frame crossed the wire."""
    return Moment(frame.at, frame.number)
