"""One connection as it is looked at: its frames, its recording, and what can be known of its session."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import Context

from rtcli import __version__
from rtcli.errors import InputError
from rtcli.protocol.events import read_frame
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.record import DECIMALS, Connected, Connection, Direction, Frame, Record
from rtcli.proxy.link import ProxyLink
from rtcli.proxy.message import Message
from rtcli.recording.folder import RecordingFolder
from rtcli.recording.header import Header
from rtcli.recording.writer import RecordingWriter
from rtcli.session.state import SessionState
from rtcli.views import View

LOG_BYTES = 16 * 2**20
"""Of each connection's frames that stay in memory, half of it payloads."""

# A frame of the app is not caused by the frame of the server before it: each direction has its own context.
_RECEIVED, _SENT = Context(), Context()


class WatchedLink:
    """Fed by one thread at a time. `defer` is asked to call a function soon, `failed` told why a recording ends."""

    def __init__(
        self,
        link: ProxyLink,
        folder: RecordingFolder | None,
        defer: Callable[[Callable[[], None]], object],
        failed: Callable[[WatchedLink, str], None],
    ) -> None:
        self.link = link
        self.state = SessionState()
        self.state.log.shrink(LOG_BYTES)
        self.closed: Connection | None = None  # its end
        self.unfed: deque[Record] = deque()  # records that the state has not seen yet
        self._maker = FrameMaker()
        self._maker.began = link.began
        self._failed = failed
        self.writer = self._begin(folder, defer) if folder is not None else None

    def _begin(self, folder: RecordingFolder, defer: Callable[[Callable[[], None]], object]) -> RecordingWriter | None:
        link = self.link
        try:
            writer = RecordingWriter(
                folder.new_path("proxy", link.started),
                Header(link.started, "proxy", link.url, link.model, __version__),
                defer=defer,
                failed=lambda problem: self._failed(self, problem),
            )
        except InputError as error:
            self._failed(self, str(error))
            return None
        folder.prune()
        self.state.log.read_back = writer.frame
        return writer

    def frame(self, direction: Direction, message: Message, out: float) -> Frame:
        """The frame of a message that has passed."""
        event, problem = read_frame(message.data)
        make = self._maker.received if direction is Direction.RECEIVED else self._maker.sent
        context = _RECEIVED if direction is Direction.RECEIVED else _SENT
        frame = context.run(make, event, message.data, message.came, problem=problem)
        frame.binary = message.binary
        frame.out = round(out - self._maker.began, DECIMALS)
        frame.was, frame.cause = message.was, message.by
        return frame

    def add(self, record: Record) -> None:
        """Write a record, and keep it for the state."""
        if self.writer is not None:
            self.writer.add(record)
        self.unfed.append(record)
        if isinstance(record, Connection) and record.state in (Connected.CLOSED, Connected.LOST):
            self.closed = record
            if self.writer is not None:
                self.writer.close(record.at)

    def stop_recording(self, why: str) -> None:
        """End the recording before its connection."""
        if self.writer is not None and not self.writer.closed:
            self.writer.close()
            self._failed(self, why)

    def feed(self) -> list[View]:
        """Show the state what it has not seen; the views that this amounts to."""
        views: list[View] = []
        while self.unfed:
            views += self.state.observe(self.unfed.popleft())
        return views
