"""One call while it lasts: its session runs behind a peer or a telephone, and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from rtcli.protocol.moves import move
from rtcli.server.calls.life import CALL_MOVES, CallMove, CallStage
from rtcli.server.runtime.client_connection import ClientConnection
from rtcli.server.runtime.live_session import LiveSession
from rtcli.server.runtime.sessions import Sessions


class CallLine(Protocol):
    """What carries the audio of a call, both ways."""

    @property
    def client(self) -> ClientConnection:
        """Who opened the session, as far as events go."""

    @property
    def is_open(self) -> bool:
        """Whether the caller gets what is sent."""

    async def carry(self, session: LiveSession) -> None:
        """Let caller and session hear each other, until it is cancelled."""

    async def end(self) -> None:
        """The call is over: let the caller know, and keep nothing open."""


class ServedCall:
    """A call by its id; `by_telephone` says that it rings first, and can be referred."""

    def __init__(self, call_id: str, *, by_telephone: bool) -> None:
        self.id = call_id
        self.by_telephone = by_telephone
        self.stage = CallStage.RINGING if by_telephone else CallStage.ACCEPTED
        self.status_code: int | None = None  # of SIP, once it was rejected
        self.target: str | None = None  # where it was referred to
        self.changed = asyncio.Event()  # set and replaced at every move
        self._running: tuple[LiveSession, CallLine] | None = None

    def __repr__(self) -> str:
        return f"<ServedCall {self.id} {self.stage.value}>"

    def allows(self, done: CallMove) -> bool:
        """Whether that can be done to the call now."""
        return (self.stage, done) in CALL_MOVES

    def move(self, done: CallMove) -> None:
        """Do that to the call. Raises IllegalMoveError where it does not allow it."""
        self.stage = move(CALL_MOVES, self.stage, done)
        self.changed.set()
        self.changed = asyncio.Event()

    async def until(self, holds: Callable[[CallStage], bool]) -> CallStage:
        """Wait for a state."""
        while not holds(self.stage):
            await self.changed.wait()
        return self.stage

    async def run(self, sessions: Sessions, session: LiveSession, line: CallLine) -> None:
        """Serve the caller until one side ends the call, or the session ends."""
        self._running = session, line
        try:
            async with asyncio.TaskGroup() as group:
                carrying = group.create_task(line.carry(session), name=f"{self.id} audio")
                await sessions.run(session, line.client)
                carrying.cancel()
        finally:
            if not self.stage.over:  # the caller has left, or the session has ended by itself
                self.move(CallMove.LEAVE)
            await line.end()

    async def end(self, how: CallMove, code: int = 1000) -> None:
        """End it from here, and its session with it. Raises IllegalMoveError where it is over."""
        self.move(how)
        if self._running is not None:
            session, line = self._running
            await session.close(code)
            if not line.is_open:
                line.client.abort()  # what it should be told first would wait for it
