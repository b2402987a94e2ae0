"""A recording in a server's place, in memory: nothing is dialed, and its time is that of the recording."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from rtcli.errors import InputError
from rtcli.protocol.differences import Mismatch
from rtcli.protocol.events import Event, encode
from rtcli.protocol.play import EndConnection
from rtcli.protocol.play_recording import AUDIO_BEFORE, client_event, connections
from rtcli.protocol.record import Direction, Frame
from rtcli.recording.reader import open_recording
from rtcli.transports.memory import MemorySocket

_REACTION_SECONDS = 0.05
"""Real time for the client to go on when what it has slept for has come."""


class _Socket(MemorySocket):
    """What the client sends goes to the server."""

    def __init__(self, server: RecordedServer) -> None:
        super().__init__()
        self._server = server

    async def send(self, message: str, /) -> None:
        self._server.receive(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._server.closed()
        await super().close(code, reason)


class RecordedServer:
    """Plays the first connection of a recording. `now` is its clock, in seconds, which jumps from event to event.

    What the client does otherwise is in `mismatch`, but for its settings: a test may ask for others.
    """

    def __init__(self, file: Path | str) -> None:
        """Raises InputError for a file that cannot be read, or has nothing to play."""
        self.name = Path(file).name
        with open_recording(str(file)) as reader:
            found = connections(reader)
            header = reader.header
            self.notes = reader.notes
        if not found:
            raise InputError(str(file), "it has no frames to serve")
        self.model = header.model if header is not None else ""
        self.now = 0.0
        self.mismatch: Mismatch | None = None
        self._player = found[0].player(now=0.0, pace=1.0)
        sent = [one for one in found[0].records if isinstance(one, Frame) and one.direction is Direction.SENT]
        # The recorded session had turn detection: the settings may have come before the recording began, its events did
        # not.
        heard = (one.event or {} for one in found[0].records if isinstance(one, Frame))
        self._detects = any(event.get("type") == "input_audio_buffer.speech_started" for event in heard)
        self.takes_settings = any((frame.event or {}).get("type") == "session.update" for frame in sent)
        self._socket: _Socket | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()  # the client has done something
        # When each sleeper of the run wants to be woken, in the recording's time.
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._waits = False

    def __repr__(self) -> str:
        return f"<RecordedServer {self.name} at {self.now:.3f} s>"

    @property
    def waits(self) -> bool:
        """Nothing comes until the client does something."""
        return self._waits and not self._changed.is_set() and self._socket is not None and self._socket.is_empty

    def clock(self) -> float:
        """The time of the recording, for the session and its transport."""
        return self.now

    async def dial(self, _url: str, _headers: dict[str, str], /) -> MemorySocket:
        """A connection, for `create_websocket`."""
        self._socket = _Socket(self)
        self._task = asyncio.get_running_loop().create_task(self._play(self._socket), name="recorded server")
        return self._socket

    async def sleep(self, seconds: float) -> None:
        """Wait in the recording's time."""
        if seconds <= 0:
            return
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, woken))
        self._changed.set()
        await woken

    def receive(self, message: str | bytes) -> None:
        """The client has sent a message."""
        event = client_event(message)
        mismatch = self._player.receive(event, self.now)
        if mismatch is not None and not self._is_no_matter(event, mismatch):
            self.mismatch = self.mismatch or mismatch
        self._changed.set()

    def _is_no_matter(self, event: Event, mismatch: Mismatch) -> bool:
        """Other settings; and where turn detection listens, how long it was silent before a commit."""
        silence = self._detects and {one.path for one in mismatch.differences} == {AUDIO_BEFORE}
        return event["type"] == "session.update" or silence

    def closed(self) -> None:
        """The client has ended the connection."""
        if self._task is not None:
            self._task.cancel()

    async def _play(self, socket: MemorySocket) -> None:
        while True:
            self._changed.clear()
            due, wake = self._player.due(self.now)
            for one in due:
                if isinstance(one, EndConnection):
                    socket.end(one.code, one.reason)
                    return
                socket.deliver(one if isinstance(one, str | bytes) else encode(one))
            while not socket.is_empty:  # noqa: ASYNC110  # it is heard before the time goes on
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            # The client has reacted: what the recording has next may be due at this very moment.
            if self._changed.is_set():
                continue
            await self._let_time_pass(wake)

    async def _let_time_pass(self, wake: float | None) -> None:
        """To the next moment at which something is due, or somebody has slept enough."""
        sleeper = min(self._sleepers, key=lambda one: one[0], default=None)
        if wake is None and sleeper is None:
            self._waits = True
            await self._changed.wait()
            self._waits = False
            return
        moments = [moment for moment in (wake, sleeper[0] if sleeper else None) if moment is not None]
        # It never goes back, even if a sleeper asked for a moment that a burst of events has overtaken.
        self.now = max(self.now, min(moments))
        if sleeper is None or sleeper[0] > self.now:
            return
        self._sleepers.remove(sleeper)
        # It may have been cancelled while it slept.
        if not sleeper[1].done():
            sleeper[1].set_result(None)
            self._waits = wake is None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_REACTION_SECONDS):
                    await self._changed.wait()
            self._waits = False
