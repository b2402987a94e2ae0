"""Watches a proxy from a thread of its own: decodes, records, and hands on what has been written."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias

from rtcli.protocol.record import DECIMALS, Http, Record
from rtcli.proxy.link import ProxyLink
from rtcli.proxy.message import Message
from rtcli.proxy.tap import Note, Tap
from rtcli.proxy.watched import WatchedLink
from rtcli.recording.folder import RecordingFolder
from rtcli.views import View

logger = logging.getLogger("rtcli.proxy")

PERIOD = 0.03
"""Seconds between two looks at what has passed."""

_MAX_NOTES = 500  # in one look: what is handed on stays small
_MAX_ENDED = 20  # connections that are over and can still be looked at
_MAX_REQUESTS = 20  # that go into the recording of the connection after them

Seen: TypeAlias = tuple[WatchedLink | None, Record, Sequence[View]]
"""A record of a connection (None: an HTTP request), and what it amounts to."""


class Watch:
    """Looks while `active()`, or when somebody asks: until then messages wait as they came, and cost nothing.

    `seen` gets what has passed, on this thread, and the views of it. `lost` is told why a recording has ended.
    """

    def __init__(
        self,
        tap: Tap,
        *,
        folder: RecordingFolder | None = None,
        active: Callable[[], bool] = lambda: True,
        seen: Callable[[list[Seen]], None] = lambda _: None,
        lost: Callable[[WatchedLink, str], None] = lambda *_: None,
    ) -> None:
        self.tap = tap
        self.folder = folder
        self.links: dict[int, WatchedLink] = {}  # by number, those that are over too
        self._is_active = active
        self._seen = seen
        self._lost = lost
        self._looks = threading.Lock()  # held while notes are taken
        self._states = threading.RLock()  # held while states are fed or read
        self._dirty: deque[Callable[[], None]] = deque()  # writers that have something to write
        self._requests: deque[Http] = deque(maxlen=_MAX_REQUESTS)  # made while no connection was open
        self._left_out = 0  # messages, as far as it is told
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look from now on."""
        self._thread = threading.Thread(target=self._run, name="rtcli-watch", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Look once more, and end; after so many seconds without it, whatever holds it up."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(seconds)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Meanwhile the states hold still, and know all that has passed; what is written is not waited for."""
        if not self._is_active() and self._looks.acquire(timeout=1):
            try:
                while self._look():
                    pass
            finally:
                self._looks.release()
        with self._states:
            for link in list(self.links.values()):
                link.feed()
            yield

    @contextmanager
    def glancing(self) -> Iterator[bool]:
        """The same without waiting: False where somebody feeds the states at this moment."""
        taken = self._states.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self._states.release()

    # the thread -------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        more = False
        while more or not self._ending.wait(PERIOD):
            more = self._is_active() and self._look_safely()
        while self._is_active() and self._look_safely():
            pass
        for link in list(self.links.values()):
            if link.writer is not None:
                link.writer.close()

    def _look_safely(self) -> bool:
        try:
            with self._looks:
                return self._look()
        except Exception:  # a defect of ours must not end the thread
            logger.exception("the watch of the proxy failed")
            return False

    def _look(self) -> bool:
        """Take what has passed, write it, hand it on. Whether there may be more."""
        notes = self.tap.take(_MAX_NOTES)
        self._tell_left_out()
        records = [pair for note in notes for pair in self._records(note)]
        while self._dirty:
            self._dirty.popleft()()
        views = self._feed(records)
        if records:
            self._seen([(link, record, views.get(id(record), ())) for link, record in records])
        return len(notes) == _MAX_NOTES

    def _records(self, note: Note) -> Iterator[tuple[WatchedLink | None, Record]]:
        link, direction, what, out = note
        if link is None:
            assert isinstance(what, Http)
            yield from self._request(what)
            return
        watched = self.links.get(link.number) or self._open(link)
        if isinstance(what, Message):
            assert direction is not None
            record: Record = watched.frame(direction, what, out)
        else:
            record = what
        watched.add(record)
        yield watched, record
        if isinstance(record, Http):
            return
        while self._requests and watched.closed is None:
            request = replace(self._requests.popleft(), at=0.0)
            watched.add(request)

    def _request(self, request: Http) -> Iterator[tuple[WatchedLink | None, Record]]:
        """An HTTP request is recorded with the connections that are open, or with the next one."""
        yield None, request
        running = [watched for watched in list(self.links.values()) if watched.closed is None]
        for watched in running:
            at = self.tap.began + request.at - watched.link.began
            watched.add(replace(request, at=max(round(at, DECIMALS), 0.0)))
        if not running:
            self._requests.append(request)

    def _open(self, link: ProxyLink) -> WatchedLink:
        watched = self.links[link.number] = WatchedLink(link, self.folder, self._dirty.append, self._lost)
        over = [number for number, one in self.links.items() if one.closed is not None]
        for number in over[:-_MAX_ENDED]:
            del self.links[number]
        return watched

    def _feed(self, records: list[tuple[WatchedLink | None, Record]]) -> dict[int, list[View]]:
        """The views of these records; none while the states are read, which feeds them too."""
        with self.glancing() as taken:
            if not taken:
                return {}
            views: dict[int, list[View]] = {}
            for watched in {id(link): link for link, _ in records if link is not None}.values():
                while watched.unfed:
                    record = watched.unfed.popleft()
                    views[id(record)] = watched.state.observe(record)
            return views

    def _tell_left_out(self) -> None:
        """The relay has not waited for us: what is missing now ends the recordings."""
        missing, self._left_out = self.tap.left_out - self._left_out, self.tap.left_out
        if missing:
            self.tap.tell(None, f"{missing:,} events were not kept: more than 16 MiB waited", "")
            for watched in list(self.links.values()):
                watched.stop_recording("the disk did not take what was to be written in time")
