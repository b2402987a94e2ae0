"""One direction of a connection: what may go on, what waits, what is held, dropped, changed or broken. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from rtcli.protocol.events import read_frame
from rtcli.protocol.faults import FaultAction, FaultKind, FaultPlan
from rtcli.protocol.filters import WireFilter, type_of
from rtcli.protocol.record import Direction, Frame
from rtcli.proxy.message import (
    HOLD_SECONDS,
    Dropped,
    Ended,
    FaultDue,
    Held,
    LaneStep,
    Message,
    Pass,
    Released,
    SideClose,
)

_HALF = b'{"type": '  # what a malformed fault sends where it has no frame to break


@dataclass(slots=True)
class Terms:
    """What the user wants held and dropped, of every connection; None: nothing."""

    hold: WireFilter | None = None
    drop: WireFilter | None = None

    @property
    def any(self) -> bool:
        """Whether frames have to be looked at."""
        return self.hold is not None or self.drop is not None


@dataclass(slots=True)
class Lane:
    """Messages of one direction, in their order. `offer` and `run` give the steps that are due.

    While `free` is True a message may pass without being offered: nothing waits, and nobody looks at it.
    """

    direction: Direction
    plan: FaultPlan = field(default_factory=FaultPlan)
    terms: Terms = field(default_factory=Terms)
    free: bool = field(init=False, default=True)
    waiting: int = field(init=False, default=0)  # bytes
    _queue: deque[Message | SideClose] = field(init=False, default_factory=deque)
    _until: float = field(init=False, default=0.0)  # a stall or a delay is over then
    _copies: int = field(init=False, default=0)  # of the message that comes next, beyond itself
    _counts: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._counts = self.plan.counts(self.direction)
        self._settle()

    @property
    def held(self) -> Message | None:
        """The message that is held."""
        first = self._queue[0] if self._queue else None
        return first if isinstance(first, Message) and first.held is not None else None

    @property
    def due(self) -> float | None:
        """When `run` has something to do by itself."""
        if not self._queue:
            return None
        held = self.held
        return held.held + HOLD_SECONDS if held is not None and held.held is not None else self._until

    def offer(self, entry: Message | SideClose, now: float) -> Iterator[LaneStep]:
        """A message has come, or the end."""
        self._queue.append(entry)
        if isinstance(entry, Message):
            self.waiting += len(entry.data)
        return self.run(now)

    def happen(self, action: FaultAction, now: float) -> Iterator[LaneStep]:
        """A fault that no message triggers: it happens now."""
        yield FaultDue(action)
        yield from _FAULTS[action.kind](self, action, None, now)
        self._settle()

    def release(self, now: float) -> Iterator[LaneStep]:
        """Let go what is held."""
        if (message := self.held) is not None:
            message.held = None
            yield Released(message, late=False)
        yield from self.run(now)

    def change(self, data: bytes, by: str) -> None:
        """Give the message that is held other data."""
        message = self.held
        assert message is not None, "nothing is held"
        self.waiting += len(data) - len(message.data)
        message.was = message.was or message.data
        message.data, message.by = data, by

    def apply_terms(self, now: float) -> Iterator[LaneStep]:
        """The terms have changed: what they do not hold any more goes on."""
        message = self.held
        if message is not None and (self.terms.hold is None or not self.terms.hold.matches(self.frame(message))):
            yield from self.release(now)
        self._settle()

    def clear(self) -> None:
        """Forget what waits: there is nobody left who would get it."""
        self._queue.clear()
        self._until = 0.0
        self._settle()

    def hurry(self, now: float) -> None:
        """The source has gone: what it sent is not held up for longer than a frame is held."""
        self._until = min(self._until, now + HOLD_SECONDS)

    def run(self, now: float) -> Iterator[LaneStep]:
        """What is due."""
        if now >= self._until:
            self._until = 0.0
        try:
            while self._queue and now >= self._until:
                entry = self._queue[0]
                if isinstance(entry, SideClose):
                    self._queue.popleft()
                    yield Ended(entry)
                    continue
                if not entry.judged:
                    entry.judged = True
                    yield from self._judge(entry, now)
                    continue  # it may have been dropped, held or delayed
                if entry.held is not None:
                    if now < entry.held + HOLD_SECONDS:
                        return
                    entry.held = None
                    yield Released(entry, late=True)
                self._take()
                yield Pass(entry)
                for _ in range(1, entry.copies):
                    yield Pass(replace(entry, by="fault duplicate"))
        finally:
            self._settle()

    def _judge(self, message: Message, now: float) -> Iterator[LaneStep]:
        """What happens to the first message of the queue before it may pass."""
        message.copies += self._copies
        self._copies = 0
        if not self._counts and not self.terms.any:
            return
        frame = self.frame(message)
        for action in self.plan.before(type_of(frame), self.direction) if self._counts else ():
            yield FaultDue(action)
            yield from _FAULTS[action.kind](self, action, message, now)
            if not self._queue:
                return
        if self.terms.drop is not None and self.terms.drop.matches(frame):
            self._take()
            yield Dropped(message)
        elif self.terms.hold is not None and self.terms.hold.matches(frame):
            message.held = max(now, self._until)
            yield Held(message)

    def frame(self, message: Message) -> Frame:
        """As filters look at it."""
        event, _ = read_frame(message.data)
        return Frame(0, message.came, self.direction, event, len(message.data), binary=message.binary)

    def _take(self) -> None:
        """The first message leaves the queue."""
        if self._queue and isinstance(message := self._queue.popleft(), Message):
            self.waiting -= len(message.data)

    def _settle(self) -> None:
        if not self._queue:
            self.waiting = 0
        self.free = not (self._queue or self._counts or self.terms.any or self._until or self._copies)

    # faults: `message` is the one that triggers it, None where none does ----------------------------------------------

    def _stall(self, action: FaultAction, message: Message | None, now: float) -> Iterator[LaneStep]:
        self._until = max(now, self._until) + action.number
        return iter(())

    def _duplicate(self, action: FaultAction, message: Message | None, now: float) -> Iterator[LaneStep]:
        if message is None:
            self._copies += 1
        else:
            message.copies += 1
        return iter(())

    def _malformed(self, action: FaultAction, message: Message | None, now: float) -> Iterator[LaneStep]:
        half = message.data[: len(message.data) // 2] if message is not None else b""
        # half of a character would be another fault: the peer would end the connection
        text = half if message is not None and message.binary else half.decode(errors="ignore").encode()
        binary = message.binary if message is not None else False
        yield Pass(Message(text or _HALF, binary, now, by="fault malformed"))

    def _end(self, action: FaultAction, message: Message | None, now: float) -> Iterator[LaneStep]:
        self._queue.clear()  # nothing passes any more
        return iter(())


_FAULTS: Mapping[FaultKind, Callable[[Lane, FaultAction, Message | None, float], Iterator[LaneStep]]] = {
    FaultKind.STALL: Lane._stall,
    FaultKind.DELAY: Lane._stall,
    FaultKind.DUPLICATE: Lane._duplicate,
    FaultKind.MALFORMED: Lane._malformed,
    FaultKind.CLOSE: Lane._end,
    FaultKind.DROP: Lane._end,
}

FAULTS = (*_FAULTS, FaultKind.HTTP)
"""The faults that a proxy can make; the others are a server's own."""
