"""One client's connection, as the session sees it: a bounded queue, one writer, and the faults to inject."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

from websockets.exceptions import ConnectionClosed

from rtcli.protocol.events import WireObject, encode
from rtcli.protocol.faults import FaultAction, FaultKind, FaultPlan
from rtcli.protocol.record import Direction
from rtcli.server.runtime.recorder import record_fault
from rtcli.server.validation import api_errors

HIGH_WATER = 4 * 2**20
"""Bytes that may wait for a client that reads slowly; what makes more waits, and so does the client's own input."""

_ON_THE_WAY_IN = frozenset({FaultKind.STALL, FaultKind.DELAY, FaultKind.DUPLICATE, FaultKind.MALFORMED})
"""Faults that happen to an event of the client before it is handled; the others wait for their turn to be sent."""


class Abortable(Protocol):
    """What can be ended at once."""

    def abort(self) -> None:
        """End it, and send nothing that waits."""


class EventConnection(Protocol):
    """What events travel over: a WebSocket of the library, or the data channel of a call with its manners."""

    @property
    def remote_address(self) -> Any:
        """(host, port), or None."""

    @property
    def transport(self) -> Abortable:
        """What lies below it."""

    async def send(self, message: str | bytes) -> None:
        """Raises websockets' ConnectionClosed once it is closed."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """What the client sends, until it leaves."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it."""

    async def wait_closed(self) -> None:
        """Wait until it is closed."""


class ClientConnection:
    """The writing half of a connection. `sideband` says that it joined a session that another client opened."""

    def __init__(self, connection: EventConnection, plan: FaultPlan, *, sideband: bool = False) -> None:
        self.connection = connection
        self.sideband = sideband
        self.quota_spent = False  # set by a fault: every later response fails
        self.broken = False  # a fault has ended the connection
        self._duplicate_next = False  # set by a fault: the next event is sent twice
        self._plan = plan
        # what the writer does next, in order: send a frame, inject a fault, or end with (code, reason)
        self._queue: deque[str | bytes | FaultAction | tuple[int | None, str]] = deque()
        self._types: deque[str] = deque()  # the event types of the frames in the queue: faults match them
        self._waiting_bytes = 0  # of the frames in the queue
        self._ended = False
        self._wake = asyncio.Event()  # set when the queue has something for the writer
        self._below_high_water = asyncio.Event()
        self._below_high_water.set()

    def __repr__(self) -> str:
        kind = "sideband" if self.sideband else "opener"
        state = "ended" if self._ended else f"{len(self._queue)} queued, {self._waiting_bytes} bytes"
        return f"<ClientConnection {kind} {self.connection.remote_address}: {state}>"

    def send(self, event: WireObject) -> None:
        """Queue an event. Nothing is queued for a connection that has ended."""
        self.send_frame(encode(event), event["type"])

    def send_frame(self, frame: str | bytes, event_type: str) -> None:
        """Queue a frame as it stands; faults match it by the type."""
        if self._ended:
            return
        self._types.append(event_type)
        self._waiting_bytes += len(frame)
        if self._waiting_bytes > HIGH_WATER:
            self._below_high_water.clear()
        self._push(frame)

    def inject_fault(self, action: FaultAction) -> None:
        """Queue a fault, to happen after what is queued already."""
        self._push(action)

    async def inject_faults_before(self, event_type: str) -> int:
        """Inject what is due before an event of the client is handled. Returns how many times to handle it.

        A malformed event is what the session makes of half a frame: an error.
        """
        times = 1
        for action in self._plan.before(event_type, Direction.SENT):
            if action.kind in _ON_THE_WAY_IN:
                record_fault(self.connection, action)
            if action.kind in (FaultKind.STALL, FaultKind.DELAY):
                await asyncio.sleep(action.number)
            elif action.kind is FaultKind.DUPLICATE:
                times += 1
            elif action.kind is FaultKind.MALFORMED:
                self.send(api_errors.invalid_json("A fault cut the frame off.").event())
            else:
                self.inject_fault(action)
        return times

    def end(self, code: int | None, reason: str) -> None:
        """Queue the end of the connection; None: without a close frame."""
        self._push((code, reason))

    def abort(self) -> None:
        """End the TCP connection without a close frame, now."""
        self.connection.transport.abort()

    async def drain(self) -> None:
        """Wait until the client has read enough of what was queued."""
        await self._below_high_water.wait()

    async def write(self) -> None:
        """Send what is queued, until the connection ends: the one writer."""
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(seconds, self.inject_fault, action) for seconds, action in self._plan.timed()]
        try:
            while True:
                while not self._queue:
                    self._wake.clear()
                    await self._wake.wait()
                await self._write_one(self._queue.popleft())
        except ConnectionClosed:
            pass  # the reader sees it too, and ends the session
        finally:
            self._ended = True
            self._below_high_water.set()  # nobody waits for a client that has left
            for timer in timers:
                timer.cancel()

    def _push(self, entry: str | bytes | FaultAction | tuple[int | None, str]) -> None:
        self._queue.append(entry)
        self._wake.set()

    async def _write_one(self, entry: str | bytes | FaultAction | tuple[int | None, str]) -> None:
        if isinstance(entry, FaultAction):
            await self._inject(entry, "")
        elif isinstance(entry, tuple):
            await self._end(*entry)
        else:
            for action in self._plan.before(self._types.popleft()):
                await self._inject(action, entry)
            copies, self._duplicate_next = 1 + self._duplicate_next, False
            for _ in range(copies):
                await self.connection.send(entry)
            self._waiting_bytes -= len(entry)
            if self._waiting_bytes <= HIGH_WATER:
                self._below_high_water.set()

    async def _end(self, code: int | None, reason: str) -> None:
        if code is not None:
            await self.connection.close(code, reason)
            return
        self.abort()
        await self.connection.wait_closed()

    # faults: `frame` is the one that triggers the fault, "" where none does -------------------------------------------

    async def _inject(self, action: FaultAction, frame: str | bytes) -> None:
        record_fault(self.connection, action)
        await _INJECTORS[action.kind](self, action, frame)

    async def _close(self, action: FaultAction, frame: str | bytes) -> None:
        self.broken = True
        await self.connection.close(int(action.number), "fault")

    async def _drop(self, action: FaultAction, frame: str | bytes) -> None:
        self.broken = True
        await self._end(None, "")

    async def _stall(self, action: FaultAction, frame: str | bytes) -> None:
        await asyncio.sleep(action.number)

    async def _duplicate(self, action: FaultAction, frame: str | bytes) -> None:
        self._duplicate_next = True

    async def _malformed(self, action: FaultAction, frame: str | bytes) -> None:
        await self.connection.send(frame[: len(frame) // 2] or '{"type": ')

    async def _error(self, action: FaultAction, frame: str | bytes) -> None:
        error = api_errors.ApiError("A fault was asked for.", action.text or None, None, "server_error")
        await self.connection.send(encode(error.event()))

    async def _quota(self, action: FaultAction, frame: str | bytes) -> None:
        self.quota_spent = True

    async def _expire(self, action: FaultAction, frame: str | bytes) -> None:
        self.broken = True
        expired = api_errors.session_expired(60)
        await self.connection.send(encode(expired.event()))
        await self.connection.close(1001, expired.message)

    async def _http(self, action: FaultAction, frame: str | bytes) -> None:
        """Nothing: an HTTP status is sent before there is a connection."""


_INJECTORS: Mapping[FaultKind, Callable[[ClientConnection, FaultAction, str | bytes], Awaitable[None]]] = {
    FaultKind.CLOSE: ClientConnection._close,
    FaultKind.DROP: ClientConnection._drop,
    FaultKind.STALL: ClientConnection._stall,
    FaultKind.DELAY: ClientConnection._stall,
    FaultKind.DUPLICATE: ClientConnection._duplicate,
    FaultKind.MALFORMED: ClientConnection._malformed,
    FaultKind.ERROR: ClientConnection._error,
    FaultKind.QUOTA: ClientConnection._quota,
    FaultKind.EXPIRE: ClientConnection._expire,
    FaultKind.HTTP: ClientConnection._http,
}
