"""Ids in a play: those that the client makes are others each time, and stand for those that were recorded."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from rtcli.protocol.events import Event

_ID_FIELDS = frozenset({"item_id", "previous_item_id", "response_id", "call_id", "approval_request_id", "event_id"})
_OWNERS = frozenset({"item", "input"})
"""What stands under these has an `id` of its own: an item, and the items that a response.create carries."""


def is_id(key: str, owner: str) -> bool:
    """Whether the value under `key`, in an object under `owner`, is an id of this session."""
    return key in _ID_FIELDS or (key == "id" and owner in _OWNERS)


class Ids:
    """Which id of the client stands for which recorded one; `servers` are the recorded ids that the server made."""

    def __init__(self, servers: Container[str] = ()) -> None:
        self._servers = servers
        self._clients: dict[str, str] = {}  # recorded -> the client's own
        self._events: dict[str, str | None] = {}  # the same for event_ids; None: the client's event has none
        self._changed: set[str] = set()  # those of both that are others

    def same(self, recorded: str, got: str) -> bool:
        """Whether the client's id may stand for the recorded one."""
        if recorded in self._clients:
            return self._clients[recorded] == got
        return recorded == got or recorded not in self._servers

    def bind(self, recorded: Any, got: Any, owner: str = "") -> None:
        """The client's event stands for the recorded one, and so do its ids."""
        if isinstance(recorded, Mapping) and isinstance(got, Mapping):
            for key, value in recorded.items():
                other = got.get(key)
                if not isinstance(value, str):
                    self.bind(value, other, key)
                elif is_id(key, owner) and value not in self._servers:
                    self._bind(key, value, other)
        elif isinstance(recorded, list) and isinstance(got, list):
            for one, another in zip(recorded, got, strict=False):
                self.bind(one, another, owner)

    def _bind(self, key: str, recorded: str, got: Any) -> None:
        if key == "event_id":
            self._events[recorded] = got if isinstance(got, str) else None
        elif isinstance(got, str):
            self._clients.setdefault(recorded, got)
        else:
            return  # the server goes on with the recorded one
        if recorded != got:
            self._changed.add(recorded)

    def changes(self, event: Event) -> bool:
        """Whether a recorded event names an id that the client has another for."""
        return bool(self._changed) and not self._changed.isdisjoint(ids_in(event))

    def translated(self, event: Event) -> Event:
        """A recorded event of the server with the client's ids in it."""
        return {key: self._value(key, value) for key, value in event.items()}

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, str):
            return self._events.get(value, value) if key == "event_id" else self._clients.get(value, value)
        if isinstance(value, Mapping):
            return {name: self._value(name, inner) for name, inner in value.items()}
        return [self._value(key, inner) for inner in value] if isinstance(value, list) else value


def ids_in(event: Mapping[str, Any], owner: str = "") -> set[str]:
    """Every id in an event."""
    found: set[str] = set()
    for key, value in event.items():
        if isinstance(value, str):
            if key == "id" or is_id(key, owner):
                found.add(value)
        elif isinstance(value, Mapping):
            found |= ids_in(value, key)
        elif isinstance(value, list):
            for inner in value:
                if isinstance(inner, Mapping):
                    found |= ids_in(inner, key)
    return found
