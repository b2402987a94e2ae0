"""A session that was recorded, played for a client: what it sent then is expected, what it got then is sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed

from rtcli.errors import InputError
from rtcli.protocol.differences import Mismatch
from rtcli.protocol.events import Malformed, decode, encode
from rtcli.protocol.play import EndConnection, Outgoing
from rtcli.protocol.play_recording import Recorded, RecordedPlayer, client_event, connections
from rtcli.recording.reader import open_recording
from rtcli.server.runtime.client_connection import ClientConnection
from rtcli.server.runtime.response_writer import QUOTA

OnMismatch = Callable[[Mismatch], object]
"""Is told of the first thing that a client does otherwise than in the recording."""


class Recording:
    """A recording as a server has it. A client that comes after the server has ended a connection gets the next one."""

    def __init__(self, file: Path | str) -> None:
        """Raises InputError for a file that cannot be read, or has nothing to play."""
        self.name = Path(file).name
        with open_recording(str(file)) as reader:
            self._connections = connections(reader)
            started = reader.header.started if reader.header is not None else None
            self.notes = reader.notes
        if not self._connections:
            raise InputError(str(file), "it has no frames to serve")
        self._started: datetime | None = started
        self._next = 0

    def take(self) -> Recorded:
        """The connection that the next client gets: the first, unless the one before was ended by the server."""
        taken = self._connections[self._next]
        self._next = 0
        return taken

    def ended(self, recorded: Recorded) -> None:
        """The server has ended this connection, as it did then."""
        self._next = (self._connections.index(recorded) + 1) % len(self._connections)

    @property
    def age(self) -> int:
        """Whole seconds since the recording began; 0 where that is not known."""
        return 0 if self._started is None else int((datetime.now(UTC) - self._started).total_seconds())


class RecordedSession:
    """Plays one connection of a recording for one client."""

    def __init__(self, recording: Recording, *, pace: float, on_mismatch: OnMismatch) -> None:
        self._recording = recording
        self._recorded = recording.take()
        self._pace = pace
        self._on_mismatch = on_mismatch
        self._changed = asyncio.Event()  # the client has sent something
        self._has_deviated = False
        self._has_ended = False  # by the server, as in the recording

    async def run(self, client: ClientConnection) -> None:
        """Serve the client until the connection ends."""
        self._loop = asyncio.get_running_loop()
        player = self._recorded.player(now=self._loop.time(), pace=self._pace, shift=self._recording.age)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.write()), group.create_task(self._send(player, client))]
            await self._read(player, client)
            for task in tasks:
                task.cancel()
        if not client.broken and not self._has_ended:
            self._tell(player.left())

    async def _read(self, player: RecordedPlayer, client: ClientConnection) -> None:
        try:
            async for frame in client.connection:
                event = client_event(frame)
                for _ in range(await client.inject_faults_before(event["type"])):
                    self._tell(player.receive(event, self._loop.time()))
                    self._changed.set()
                await client.drain()
        except ConnectionClosed:
            pass  # without a close frame, or with an error: the session ends all the same

    async def _send(self, player: RecordedPlayer, client: ClientConnection) -> None:
        while True:
            self._changed.clear()
            due, wake = player.due(self._loop.time())
            for outgoing in due:
                if isinstance(outgoing, EndConnection):
                    self._end(outgoing, client)
                elif (frame := _without_quota(outgoing) if client.quota_spent else outgoing) is not None:
                    client.send_frame(*_frame(frame))
                    await client.drain()
            # not wait_for(): up to Python 3.11 it swallows a cancellation that meets the event
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(wake):
                    await self._changed.wait()

    def _end(self, end: EndConnection, client: ClientConnection) -> None:
        self._has_ended = True
        self._recording.ended(self._recorded)
        client.end(end.code, end.reason)

    def _tell(self, mismatch: Mismatch | None) -> None:
        if mismatch is not None and not self._has_deviated:
            self._has_deviated = True
            self._on_mismatch(mismatch)


def _frame(outgoing: Outgoing) -> tuple[str | bytes, str]:
    """The frame and its type."""
    if not isinstance(outgoing, str | bytes):
        return encode(outgoing), str(outgoing["type"])
    event = decode(outgoing)
    return outgoing, "" if isinstance(event, Malformed) else str(event["type"])


def _without_quota(outgoing: Outgoing) -> Outgoing | None:
    """What is left of a recorded frame once the quota is spent: responses begin, and fail."""
    event: Any = outgoing if not isinstance(outgoing, str | bytes) else client_event(outgoing)
    if not event["type"].startswith("response.") or event["type"] == "response.created":
        return outgoing
    if event["type"] != "response.done":
        return None
    failed = {"status": "failed", "status_details": {"type": "failed", "error": QUOTA}, "output": []}
    return {**event, "response": {**event.get("response", {}), **failed}}
