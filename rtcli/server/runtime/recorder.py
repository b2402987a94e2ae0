"""Records one connection of the server, as its client would have: what it sends is `>`."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection

from rtcli.errors import InputError
from rtcli.protocol.events import Malformed, decode
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.record import DECIMALS, Connected, Connection
from rtcli.recording.folder import RecordingFolder
from rtcli.recording.header import Header
from rtcli.recording.writer import RecordingWriter

logger = logging.getLogger("rtcli.server")


class ConnectionRecorder:
    """The recording of one connection, from its start to `end`."""

    def __init__(self, folder: Path, endpoint: str, model: str) -> None:
        """Raises InputError where no file can be made in the folder."""
        started = datetime.now(UTC)
        recordings = RecordingFolder(folder)
        header = Header(started, "serve", endpoint, model)
        self._writer = RecordingWriter(
            recordings.new_path("serve", started),
            header,
            defer=asyncio.get_running_loop().call_soon,
            failed=lambda problem: logger.warning("the recording ends here: %s", problem),
        )
        recordings.prune()
        self._frames = FrameMaker()
        self._frames.began = time.monotonic()
        self._writer.add(Connection(0.0, Connected.OPEN, endpoint))

    def to_client(self, message: str | bytes) -> None:
        """The server has sent a message."""
        event, problem = _read(message)
        binary = isinstance(message, bytes)
        self._writer.add(self._frames.received(event, message, time.monotonic(), binary=binary, problem=problem))

    def from_client(self, message: str | bytes) -> None:
        """The client has sent a message."""
        event, problem = _read(message)
        frame = self._frames.sent(event, message, time.monotonic(), problem=problem)
        frame.binary = isinstance(message, bytes)
        self._writer.add(frame)

    def end(self, code: int | None, reason: str | None) -> None:
        """The connection has ended, with the close frame that the client got, if there was one."""
        at = round(time.monotonic() - self._frames.began, DECIMALS)
        state = Connected.LOST if code in (None, 1006) else Connected.CLOSED
        self._writer.add(Connection(at, state, code=code, reason=reason or ""))
        self._writer.close(at)


def _read(message: str | bytes) -> tuple[dict[str, Any] | None, str]:
    event = decode(message)
    return (None, event.reason) if isinstance(event, Malformed) else (event, "")


class RecordedConnection(ServerConnection):
    """A connection that tells its recorder, if it has one, of every message."""

    recorder: ConnectionRecorder | None = None

    async def send(self, message: Any, **options: Any) -> None:
        """Send a message, which is recorded first: a client may answer before this returns."""
        if self.recorder is not None:
            self.recorder.to_client(message)
        await super().send(message, **options)

    async def recv(self, decode: bool | None = None) -> Any:
        """The next message."""
        message = await super().recv(decode)
        if self.recorder is not None:
            self.recorder.from_client(message)
        return message


def start_recording(connection: ServerConnection, folder: Path, endpoint: str, model: str) -> None:
    """Record this connection from now on. A folder that takes no file costs the session nothing; it is logged."""
    assert isinstance(connection, RecordedConnection)
    try:
        connection.recorder = ConnectionRecorder(folder, endpoint, model)
    except InputError as error:
        logger.warning("this connection is not recorded: %s", error)


def end_recording(connection: ServerConnection) -> None:
    """The connection is over."""
    if isinstance(connection, RecordedConnection) and connection.recorder is not None:
        connection.recorder.end(connection.close_code, connection.close_reason)
        connection.recorder = None
