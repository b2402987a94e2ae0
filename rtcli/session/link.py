"""Link: what every acting part of a session works with, to send, to ask, and to hand records and views on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

from rtcli.errors import ConnectionLostError, ExitCode, RtcliError, UsageError
from rtcli.protocol.dialects import Dialect
from rtcli.protocol.filters import type_of
from rtcli.protocol.record import DECIMALS, Connected, Frame, Record
from rtcli.protocol.session_kind import SessionKind
from rtcli.session.neighbors import require_conversation, require_turns
from rtcli.session.pending import Requests, is_error
from rtcli.session.state import SessionState
from rtcli.session.view_feed import ViewFeed
from rtcli.session.waits import Waits
from rtcli.transports.connected import ConnectedTransport
from rtcli.views import Level, Notice, View

ANSWER_SECONDS = 10.0
"""How long the server may take to confirm something."""

_ITEM_CHANGES = frozenset({"conversation.item.create", "conversation.item.delete"})


class Link:
    """Feeds `state` with the transport's frames and with what the parts report; shows what comes of it.

    `kind` says which protocol is spoken. `codes` holds what went wrong outside of the records. `changed` is set
    whenever something happened.
    """

    def __init__(
        self,
        transport: ConnectedTransport,
        state: SessionState,
        clock: Callable[[], float],
        kind: SessionKind = SessionKind.REALTIME,
    ) -> None:
        self.transport = transport
        self.kind = kind
        transport.frames.pending.kind = kind
        self.state = state
        self.feed = ViewFeed()
        self.record: Callable[[Record], None] | None = None  # gets every record before its views are shown
        self.requests = Requests(transport.frames.pending)
        self.codes: set[ExitCode] = set()
        self.changed = asyncio.Event()
        self.waits = Waits(lambda: self.now)
        # The transport stamps frames with the same clock; from now on they say the session's time.
        self._clock, self._began = clock, clock()
        transport.frames.began = self._began
        self._event_numbers = count(1)  # for the event_ids of ours, across connections
        # Frames feed the looking half; the acting parts listen to the transport's semantic events instead.
        transport.dialect = Dialect()
        transport.attach_wire(self.observe)
        transport.on("error", self._on_error)

    def __repr__(self) -> str:
        return f"<Link: {self.transport.status}, {len(self.state.log)} frames>"

    # -- records in, views out ---------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds since the session began, as in its records."""
        return self.at(self._clock())

    def at(self, moment: float) -> float:
        """A moment on the session's clock as its records say it."""
        return round(moment - self._began, DECIMALS)

    def observe(self, record: Record) -> None:
        """The one way for a record into the session: `state` takes it in, and what comes of it is shown."""
        views = self.state.observe(record)
        if self.record is not None:
            self.record(record)
        # After the state, which knows by now what this frame settles; before the views, which an error may not need.
        raised = isinstance(record, Frame) and self.requests.observe(record)
        refused = self.transport.frames.pending.settled if isinstance(record, Frame) and is_error(record) else ()
        if any(request.optional and request.type == "conversation.item.retrieve" for request in refused):
            self.transport.omissions.retrieve = True  # nobody but us wants it: it is not asked for again
        for view in views:
            if not (raised and isinstance(view, Notice)):  # the caller raises what it says
                self.feed.show(view)
        # Where the error names nothing that is a guess. The transport makes none; we wait no longer.
        for request in refused:
            if request.type == "response.create" and isinstance(record, Frame) and record.parent is None:
                self.transport.give_up_response(request)
        self.changed.set()

    def show(self, view: View) -> None:
        """Hand a view to everyone who watches."""
        self.feed.show(view)

    def _on_error(self, payload: Any) -> None:
        """The server's own error events are reported from the wire; this is for exceptions of ours."""
        error = payload.error
        if isinstance(error, ConnectionLostError):
            return  # `disconnected` follows, and is what ends a session
        if isinstance(error, RtcliError) and self.connected:
            self.show(Notice(error.what, error.why, error.hint, Level.ERROR))
        elif isinstance(error, Exception) and not isinstance(error, RtcliError):
            self.codes.add(ExitCode.UNEXPECTED)
            self.show(Notice("internal error in rtcli", why=f"{type(error).__name__}: {error}", level=Level.ERROR))

    # -- sending -----------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """The session stands: its settings are confirmed, and the connection has not ended."""
        return self.state.connection is Connected.OPEN

    def require_connection(self) -> None:
        """Raise UsageError with what to do where there is no connection."""
        if self.transport.status != "connected":
            raise UsageError("not connected", hint="/reconnect")

    def require_conversation(self) -> None:
        """Raise UsageError without a connection, and where there are no messages, items and responses."""
        self.require_connection()
        require_conversation(self.kind)

    def require_turns(self) -> None:
        """Raise UsageError without a connection, and where audio is not committed."""
        self.require_connection()
        require_turns(self.kind)

    def event_id(self, what: str) -> str:
        """An id for an event of ours, by which an error can name it."""
        return f"rtcli_{what}_{next(self._event_numbers)}"

    def send(self, event_type: str, **fields: Any) -> None:
        """Send an event of ours. Raises UsageError without a connection."""
        self.require_connection()
        event_id = self.event_id(event_type.rpartition(".")[2])
        self.transport.send_event({"type": event_type, "event_id": event_id, **fields})

    async def untaken(self, since: int) -> int:
        """Wait until the server has answered the changes of items sent after frame `since`; how many it did not take.

        A refusal is reported like any error. A change that it says nothing about for ANSWER_SECONDS counts as not
        taken, and so do all when the connection ends.
        """
        pending, log = self.transport.frames.pending, self.state.log
        numbers = [frame.number for frame in log.sent_since(since) if type_of(frame) in _ITEM_CHANGES]
        left = deque(numbers)
        while left and self.transport.status == "connected":
            if not pending.awaits(left[0]):
                left.popleft()
                continue
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._answered(left[0])
            except TimeoutError:
                return len(left)
        if left:
            return len(numbers)
        sent = set(numbers)
        return sum(type_of(frame) == "error" and frame.parent in sent for frame in log.since(since))

    async def _answered(self, number: int) -> None:
        """Wait until frame `number` waits no more, or the connection has ended."""
        while self.transport.frames.pending.awaits(number) and self.transport.status == "connected":
            self.changed.clear()
            await self.changed.wait()

    async def ask(self, event_type: str, **fields: Any) -> Frame:
        """Send an event and wait for the reply that the catalog names for it.

        Raises UsageError without a connection, ServerError where the server refuses, ExpectationError where it says
        nothing, ConnectionLostError.
        """
        self.require_connection()
        event = {"type": event_type, "event_id": self.event_id(event_type.rpartition(".")[2]), **fields}
        return await self.requests.ask(self.transport.send_event, event, seconds=ANSWER_SECONDS)
