"""The server of a ScriptedTransport: plays the steps into a socket in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from rtcli.protocol.differences import Mismatch
from rtcli.protocol.events import Event, encode
from rtcli.protocol.play import EndConnection, Outgoing
from rtcli.protocol.play_recording import RETRIEVE
from rtcli.transports.memory import MemorySocket

_CONFIGURES = "session.update"


class Script(Protocol):
    """What is played: a Player, or a recording's."""

    def receive(self, event: Event, now: float) -> Mismatch | None: ...
    def due(self, now: float) -> tuple[list[Outgoing | EndConnection], float | None]: ...
    def left(self) -> Mismatch | None: ...
    @property
    def finished(self) -> bool: ...


class ScriptedServer:
    """Plays for one connection after the other. `failure` is the first that was not as the script has it.

    With a `session` each connection begins with it, and its first session.update is confirmed.
    """

    def __init__(self, session: Mapping[str, Any] | None) -> None:
        self.script: Script  # given by who makes it: the script may ask `retrieved`
        self.failure: Mismatch | None = None
        self.sent: list[Event] = []  # by the client
        self.moved = asyncio.Event()  # something was sent, or what was emitted has been heard
        self._session = session
        self._unconfirmed = False  # the first session.update is still to come
        self._socket: MemorySocket | None = None
        self._items: dict[str, Any] = {}  # as the script has told of them, by id

    async def dial(self, _url: str, _headers: dict[str, str], /) -> MemorySocket:
        """A connection, for `create_websocket`."""
        self._socket = MemorySocket()
        if self._session is not None:
            self._unconfirmed = True
            self._deliver([{"type": "session.created", "session": dict(self._session)}])
        self._play()
        return self._socket

    @property
    def was_dialed(self) -> bool:
        """There was a connection."""
        return self._socket is not None

    @property
    def is_played(self) -> bool:
        """Every step was played, and what was emitted has been received."""
        return self.script.finished and self._socket is not None and self._socket.is_empty

    def receive(self, event: Event) -> Mismatch | None:
        """The client has sent an event: why it is not what the script expects."""
        self.sent.append(event)
        self.moved.set()
        # Every transport configures its session first; a script that had to say so would begin with the same step each
        # time.
        if self._unconfirmed and event["type"] == _CONFIGURES:
            self._unconfirmed = False
            self._deliver([{"type": "session.updated", "session": {**(self._session or {}), **event["session"]}}])
            return None
        mismatch = self.script.receive(event, 0.0)
        self.failure = self.failure or mismatch  # the first: what comes after it follows from it
        self._play()
        return mismatch

    def retrieved(self, event: Event) -> Iterable[Outgoing] | None:
        """A client retrieves items by itself, where no step expects it."""
        item = self._items.get(str(event.get("item_id"))) if event["type"] == RETRIEVE else None
        return None if item is None else ({"type": "conversation.item.retrieved", "item": item},)

    def _play(self) -> None:
        due, _ = self.script.due(0.0)
        self._deliver(due)

    def _deliver(self, due: Iterable[Outgoing | EndConnection]) -> None:
        assert self._socket is not None
        for one in due:
            if isinstance(one, EndConnection):
                self._socket.end(one.code, one.reason)
                continue
            # Also of an event that only quotes it: the newest version of an item answers a retrieve.
            if isinstance(one, Mapping) and isinstance(item := one.get("item"), Mapping):
                self._items[str(item.get("id"))] = item
            self._socket.deliver(one if isinstance(one, str | bytes) else encode(one))
