"""Replay: feeds the looking half of a session from a recording, at its own pace, in steps, or up to a point in it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

from rtcli.errors import UsageError
from rtcli.protocol.events import texts_of
from rtcli.protocol.items import text_of
from rtcli.protocol.record import Frame, Mark, Record
from rtcli.protocol.units import parse_moment, since
from rtcli.recording.reader import RecordingReader
from rtcli.session.log import RECORDED_BYTES
from rtcli.session.replay_audio import ReplayAudio
from rtcli.session.state import SessionState
from rtcli.session.view_feed import ViewFeed
from rtcli.views import Level, Notice, SessionStatus, View

_RECORDS_A_TURN = 200
"""How many records are fed at once before keys and timers have their turn."""


class Replay:
    """A recording that is looked at: `state` is what can be known of its session at this point.

    `speed` is how many seconds of the recording pass in one; None: all of it at once. Subscribers get the views that
    the records amount to.
    """

    def __init__(self, open_reader: Callable[[], RecordingReader], *, speed: float | None = 1.0) -> None:
        """`open_reader` opens the recording at its beginning, once more each time the replay goes back.

        Raises InputError for a recording that cannot be read.
        """
        self._open = open_reader
        self._speed = speed
        self.paused = False
        self.feed = ViewFeed()
        self.audio: ReplayAudio | None = None  # None: nothing is played
        self.ended = False  # every record was fed
        self._changed = asyncio.Event()  # something else than time decides what comes next
        self._begin()

    def __repr__(self) -> str:
        return f"<Replay of {self._reader.name} at {self.at:.3f} s: {self.state!r}>"

    def _begin(self) -> None:
        self._reader = self._open()
        self._records: Iterator[Record] = iter(self._reader)
        self._next: Record | None = None
        self.state = SessionState()
        self.state.log.shrink(RECORDED_BYTES)
        self.state.log.read_back = self._reader.frame
        self.at = 0.0  # seconds since the session began, of what was fed last or of where the clock stands
        self.ended = False

    @property
    def name(self) -> str:
        """What the recording is called."""
        return self._reader.name

    @property
    def about(self) -> str:
        """What the first line of the recording says, in a few words."""
        header = self._reader.header
        if header is None:
            return "no header"
        started = f"{header.started.astimezone():%Y-%m-%d %H:%M:%S}"
        return ", ".join(part for part in (started, header.command, header.endpoint, header.model) if part)

    @property
    def started(self) -> datetime | None:
        """The time of day at which its clock stood at 0; None where the recording does not say it."""
        return self._reader.header.started if self._reader.header is not None else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was passed over so far."""
        return self._reader.notes

    @property
    def status(self) -> SessionStatus:
        """For a toolbar: where the replay stands, and what the session was like there."""
        header, session = self._reader.header, self.state.session or {}
        state = "ended" if self.ended else "paused" if self.paused else "replay"
        return SessionStatus(
            connection=f"{state} {since(self.at)}",
            endpoint=header.endpoint if header else self.name,
            model=str(session.get("model") or (header.model if header else "")),
            session_id=text_of(session.get("id")) or None,
            modalities=texts_of(session.get("output_modalities")),
            metrics=self.state.metrics.short(),
            replay=True,
        )

    def records_so_far(self) -> Iterator[Record]:
        """Every record that was fed, read once more; also for another thread. Raises InputError."""
        frames = self.state.log.last_number
        with self._open() as reader:
            for record in reader:
                if record.at > self.at or (isinstance(record, Frame) and record.number > frames):
                    return
                yield record

    # -- going on ----------------------------------------------------------------------------------

    def peek(self) -> Record | None:
        """The record that comes next, None at the end. Raises InputError where the file cannot be read on."""
        if self._next is None and not self.ended:
            self._next = next(self._records, None)
            self.ended = self._next is None
        return self._next

    def feed_next(self, *, show: bool = True) -> Record | None:
        """Feed the next record, None at the end; with `show` its views go to the subscribers."""
        record = self.peek()
        if record is None:
            return None
        self._next = None
        self.at = max(self.at, record.at)
        for view in self.state.observe(record):
            if show:
                self.feed.show(view)
        if show and self.audio is not None and self._speed == 1.0 and not self.paused:
            self.audio.observe(record, self.state.audio.output_format)
        return record

    async def run(self) -> None:
        """Feed what comes, when it comes, until this is cancelled. Raises InputError."""
        while True:
            self._changed.clear()
            if self.paused or self.peek() is None:
                await self._changed.wait()
            else:
                await self._feed_some()

    async def _feed_some(self) -> None:
        if self._speed is not None:
            await self._feed_in_time(self._speed)
            return
        for _ in range(_RECORDS_A_TURN):
            self.feed_next()
        await asyncio.sleep(0)

    async def _feed_in_time(self, speed: float) -> None:
        """Until something else than time decides."""
        loop = asyncio.get_running_loop()
        began, first = loop.time(), self.at
        while not self._changed.is_set() and (record := self.peek()) is not None:
            wait = began + (record.at - first) / speed - loop.time()
            if wait <= 0:
                self.feed_next()
                continue
            # not wait_for(): up to Python 3.11 it swallows a cancellation that meets the event
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            if self._changed.is_set():
                self.at = min(first + (loop.time() - began) * speed, record.at)

    async def play_to_end(self) -> None:
        """Feed everything that is left, when it comes. Raises InputError."""
        while self.peek() is not None:
            await self._feed_some()

    # -- what the user does ------------------------------------------------------------------------

    def pause(self, paused: bool | None = None) -> bool:
        """Stop or go on; None: the other of the two. Whether it is paused now."""
        self.paused = not self.paused if paused is None else paused
        if self.audio is not None:
            self.audio.hold(self.paused)
        self._changed.set()
        return self.paused

    def set_speed(self, speed: float | None) -> None:
        """So many seconds of the recording pass in one from now on; None: all of it at once."""
        self._speed = speed
        self._silence()  # audio has one speed
        self._changed.set()

    def step(self) -> Frame | None:
        """Pause, and feed records up to and with the next frame; None at the end."""
        self.pause(paused=True)
        while (record := self.feed_next()) is not None:
            if isinstance(record, Frame):
                return record
        return None

    def seek(self, point: str) -> View:
        """Go to a point: seconds ("12.5", "1:30"), a frame ("#57") or a mark's note; also back. Says where it is now.

        Raises UsageError for a point that this recording does not have; the replay then stays where it was.
        """
        reached, backwards = self._point(point)
        self._silence()
        before = self.at, len(self.state.log)
        if backwards:
            self._again()
        if not self._forward(reached):
            self._again()
            self._forward(lambda record: record.at > before[0] or _frame_beyond(record, before[1]))
            raise UsageError(f"there is no {point!r} in this recording", hint="/seek SECONDS, #FRAME or a mark's note")
        self._changed.set()
        return Notice(f"at {since(self.at)}, frame {len(self.state.log)}", level=Level.OK)

    def _point(self, point: str) -> tuple[Callable[[Record], bool], bool]:
        """When a record is beyond the point, and whether the point may lie behind."""
        text = point.strip()
        if text.startswith("#") and text[1:].isdecimal():
            number = int(text[1:])
            return (lambda record: _frame_beyond(record, number)), number <= len(self.state.log)
        if (seconds := parse_moment(text)) is not None:
            return _Later(seconds), seconds < self.at
        return _After(text), True

    def _again(self) -> None:
        self._reader.close()
        self._begin()

    def _forward(self, beyond: Callable[[Record], bool]) -> bool:
        """Feed records until one is beyond the point; False where the end comes first."""
        while (record := self.peek()) is not None:
            if beyond(record):
                return True
            self.feed_next(show=False)
        return getattr(beyond, "found", False)

    def _silence(self) -> None:
        if self.audio is not None:
            self.audio.stop()

    def close(self) -> None:
        """Let the file and the speaker go."""
        self._reader.close()
        if self.audio is not None:
            self.audio.close()


class _Later:
    """True for a record of a later moment; the end of the recording is as good."""

    found = True

    def __init__(self, at: float) -> None:
        self._at = at

    def __call__(self, record: Record) -> bool:
        return record.at > self._at


class _After:
    """True for the record that follows on the mark with this note."""

    def __init__(self, note: str) -> None:
        self._note = note
        self.found = False

    def __call__(self, record: Record) -> bool:
        if self.found:
            return True
        self.found = isinstance(record, Mark) and self._note in record.note
        return False


def parse_speed(text: str, option: str = "") -> float | None:
    """ "2" as 2.0, "max" as None. Raises UsageError."""
    if text == "max":
        return None
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed < math.inf:
        what = f"{option} {text!r} is not a speed".lstrip()
        raise UsageError(what, hint="1 is real time, 2 is twice as fast, max is at once")
    return speed


def _frame_beyond(record: Record, number: int) -> bool:
    return isinstance(record, Frame) and record.number > number
