"""The records of one connection of the server, as its client would make them (what it sends is `>`)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from websockets.asyncio.server import ServerConnection

from rtcli.errors import InputError
from rtcli.protocol.events import read_frame
from rtcli.protocol.faults import FaultAction
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.record import DECIMALS, Connected, Connection, Frame, Mark, Record
from rtcli.recording.folder import RecordingFolder
from rtcli.recording.header import Header
from rtcli.recording.writer import RecordingWriter
from rtcli.server.runtime.call_recording import CallRecording

logger = logging.getLogger("rtcli.server")


RecordObserver: TypeAlias = Callable[[Record], None]
"""Gets the records of one connection, at once and one after the other."""


class ConnectionRecorder:
    """The records of one connection, from its start to `end`: for a recording in `folder`, for `observe`, or both."""

    def __init__(
        self,
        endpoint: str,
        model: str,
        *,
        folder: Path | None = None,
        observe: RecordObserver | None = None,
        failed: Callable[[str], object] = logger.warning,
    ) -> None:
        """`failed` is told why nothing, or nothing more, is recorded."""
        self._observe = observe
        # None: nothing is recorded
        self._writer = _writer(folder, endpoint, model, failed) if folder is not None else None
        self._frames = FrameMaker()
        self._frames.began = time.monotonic()
        self.call = CallRecording(self._add, self._now)  # the audio that is in no event, if it is one
        self._add(Connection(0.0, Connected.OPEN, endpoint))

    @property
    def path(self) -> Path | None:
        """Where it is recorded; None: nowhere."""
        return self._writer.path if self._writer is not None else None

    def to_client(self, message: str | bytes) -> None:
        """The server has sent a message."""
        event, problem = read_frame(message)
        binary = isinstance(message, bytes)
        self._add(self._frames.received(event, message, time.monotonic(), binary=binary, problem=problem))

    def from_client(self, message: str | bytes) -> None:
        """The client has sent a message."""
        event, problem = read_frame(message)
        frame = self._frames.sent(event, message, time.monotonic(), problem=problem)
        frame.binary = isinstance(message, bytes)
        self._add(frame)

    def fault(self, action: FaultAction) -> None:
        """A fault happens now."""
        self._add(Mark(self._now(), f"fault {action}"))

    def end(self, code: int | None, reason: str | None) -> None:
        """The connection has ended, with the close frame that the client got, if there was one."""
        self.call.end()
        at = self._now()
        state = Connected.LOST if code in (None, 1006) else Connected.CLOSED
        self._add(Connection(at, state, code=code, reason=reason or ""))
        if self._writer is not None:
            self._writer.close(at)

    def _add(self, record: Record) -> None:
        if self._writer is not None:
            self._writer.add(record)
        if self._observe is not None:
            self._observe(record.shown if isinstance(record, Frame) else record)

    def _now(self) -> float:
        return round(time.monotonic() - self._frames.began, DECIMALS)


def _writer(folder: Path, endpoint: str, model: str, failed: Callable[[str], object]) -> RecordingWriter | None:
    """A new recording. A folder that takes no file costs the session nothing; it is told."""
    started = datetime.now(UTC)
    recordings = RecordingFolder(folder)
    try:
        writer = RecordingWriter(
            recordings.new_path("serve", started),
            Header(started, "serve", endpoint, model),
            defer=asyncio.get_running_loop().call_soon,
            failed=lambda problem: failed(f"the recording of a connection ends here: {problem}"),
        )
    except InputError as error:
        failed(f"a connection is not recorded: {error}")
        return None
    recordings.prune()
    return writer


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


@runtime_checkable
class Recordable(Protocol):
    """A connection that tells its recorder, if it has one, of every message."""

    recorder: ConnectionRecorder | None
    close_code: Any  # of the close frame that the client got
    close_reason: Any


def start_recording(connection: object, recorder: ConnectionRecorder) -> None:
    """Give every message of this connection to the recorder from now on."""
    assert isinstance(connection, Recordable)
    connection.recorder = recorder


def record_fault(connection: object, action: FaultAction) -> None:
    """A fault happens to this connection now."""
    if isinstance(connection, Recordable) and connection.recorder is not None:
        connection.recorder.fault(action)


def end_recording(connection: object) -> None:
    """The connection is over."""
    if isinstance(connection, Recordable) and connection.recorder is not None:
        connection.recorder.end(connection.close_code, connection.close_reason)
        connection.recorder = None
