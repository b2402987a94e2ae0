"""One app and its endpoint: two sides, a lane for each direction, and what a user does to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from rtcli.protocol.faults import FaultAction, FaultKind, FaultPlan
from rtcli.protocol.filters import type_of
from rtcli.protocol.record import Direction
from rtcli.proxy.lane import Lane, Terms
from rtcli.proxy.message import Dropped, Ended, FaultDue, Held, LaneStep, Message, Pass, Released, SideClose
from rtcli.proxy.side import HIGH_WATER, Side

clock = time.monotonic

_EDIT_SECONDS = 3600.0  # that a frame waits for an editor
_REASON = "fault"  # of the Close frame that a fault sends


class Log(Protocol):
    """Where a link tells what passes; nothing of it waits."""

    def passed(self, link: ProxyLink, direction: Direction, message: Message, out: float) -> None:
        """A message went at `out`; it is not changed any more."""

    def note(self, link: ProxyLink, text: str) -> None:
        """Something happened between the messages: a fault, a frame that was dropped."""

    def tell(self, link: ProxyLink, what: str, hint: str = "") -> None:
        """Something for the user to see at once."""


@dataclass(eq=False)
class ProxyLink:
    """One connection through the proxy. `number` counts from 1; `began` is on `clock`, `started` the time of day."""

    number: int
    app: str
    address: str  # HOST:PORT of the app
    model: str
    url: str  # of the endpoint, without the query
    began: float = field(default_factory=clock)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    close: SideClose | None = None  # how it ended: by the side that ended first
    ended: float | None = None  # when both sides were gone
    passed: dict[Direction, int] = field(default_factory=lambda: dict.fromkeys(Direction, 0))
    flows: Mapping[Direction, Flow] = field(default_factory=dict, repr=False)

    def open(self, app: Side, endpoint: Side, plan: FaultPlan, terms: Terms, log: Log) -> None:
        """Join the two sides."""
        self.flows = {
            Direction.SENT: Flow(self, Lane(Direction.SENT, plan, terms), app, endpoint, log),
            Direction.RECEIVED: Flow(self, Lane(Direction.RECEIVED, plan, terms), endpoint, app, log),
        }
        for seconds, action in (*((0.0, action) for action in plan.at_connect()), *plan.timed()):
            self.flows[Direction.RECEIVED].happen_later(seconds, action)
        for flow in self.flows.values():
            flow.source.join(flow)

    @property
    def held(self) -> Flow | None:
        """The direction in which a frame is held; of two the one that waits longer."""
        waiting = [flow for flow in self.flows.values() if flow.lane.held is not None]
        return min(waiting, key=lambda flow: flow.lane.held.held or 0.0, default=None)  # type: ignore[union-attr]

    def finish(self, close: SideClose, *, at_once: bool = False) -> None:
        """End both sides."""
        self.close = self.close or close
        for flow in self.flows.values():
            flow.lane.clear()
            flow.target.end(close)
            if at_once:
                flow.target.transport.abort()


class Flow:
    """The messages of one direction, from its source to its target."""

    def __init__(self, link: ProxyLink, lane: Lane, source: Side, target: Side, log: Log) -> None:
        self.link, self.lane, self.source, self.target = link, lane, source, target
        self._log = log
        self._timer: asyncio.TimerHandle | None = None  # the lane has something to do by itself then
        self._later: list[asyncio.TimerHandle] = []  # faults that come with time
        self._full = False  # the target takes nothing for now

    # what the source says ---------------------------------------------------------------------------------------------

    def message(self, data: bytes, binary: bool) -> None:
        """Pass a message on, at once where nothing is in its way."""
        now = clock()
        message = Message(data, binary, now)
        if self.lane.free:
            self.target.write(data, binary)
            self._passed(message)
        else:
            self._carry_out(self.lane.offer(message, now))

    def ended(self, close: SideClose) -> None:
        """The source has ended: the target ends behind what waits for it; at once where the app itself is gone."""
        link = self.link
        link.close = link.close or close
        if close.lost and self.lane.direction is Direction.SENT:
            self.lane.clear()
        self._carry_out(self.lane.offer(close, clock()))

    def room(self, free: bool) -> None:
        """The source, as the target of the other direction, takes more or nothing."""
        other = self.link.flows[_OTHER[self.lane.direction]]
        other.set_full(not free)

    def gone(self) -> None:
        """The source's TCP connection is over."""
        other = self.link.flows[_OTHER[self.lane.direction]]
        other.lane.clear()  # nobody is left who would get it
        other.stop()
        self.lane.hurry(clock())
        self._carry_out(())
        if self.target.protocol.state.name == "CLOSED":
            self.stop()
            self.link.ended = clock()

    # what users and faults do -----------------------------------------------------------------------------------------

    def inject(self, text: str, by: str) -> None:
        """Send a message of the user's own now, past whatever waits."""
        self._pass(Message(text.encode(), False, clock(), by=by))

    def keep(self) -> None:
        """Hold on to what is held while a user looks at it, however long that takes."""
        if (message := self.lane.held) is not None:
            message.held = clock() + _EDIT_SECONDS
            self._carry_out(())

    def change(self, data: bytes | None, by: str) -> None:
        """Give what is held other data (None: its own), and count its time from now."""
        message = self.lane.held
        assert message is not None, "nothing is held"
        message.held = clock()
        if data is not None:
            self.lane.change(data, by)
        self._carry_out(())

    def release(self) -> None:
        """Let go what is held."""
        self._carry_out(self.lane.release(clock()))

    def apply_terms(self) -> None:
        """What is to be held or dropped has changed."""
        self._carry_out(self.lane.apply_terms(clock()))

    def happen_later(self, seconds: float, action: FaultAction) -> None:
        """A fault happens in so many seconds."""
        if action.kind is FaultKind.HTTP:
            return  # it was due before there was a connection
        timer = asyncio.get_running_loop().call_later(seconds, self._happen, action)
        self._later.append(timer)

    def _happen(self, action: FaultAction) -> None:
        self._carry_out(self.lane.happen(action, clock()))

    # steps ------------------------------------------------------------------------------------------------------------

    def _carry_out(self, steps: Iterable[LaneStep]) -> None:
        for step in steps:
            _STEPS[type(step)](self, step)
        self._regulate()
        due = self.lane.due
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = asyncio.get_running_loop().call_later(max(due - clock(), 0.001), self._run)

    def _run(self) -> None:
        self._timer = None
        self._carry_out(self.lane.run(clock()))

    def _step_pass(self, step: Pass) -> None:
        self._pass(step.message)

    def _pass(self, message: Message) -> None:
        self.target.write(message.data, message.binary)
        self._passed(message)

    def _passed(self, message: Message) -> None:
        self.link.passed[self.lane.direction] += 1
        self._log.passed(self.link, self.lane.direction, message, clock())

    def _dropped(self, step: Dropped) -> None:
        text = step.message.data.decode(errors="backslashreplace")
        self._log.note(self.link, f"dropped {self.lane.direction} {text}")

    def _held(self, step: Held) -> None:
        kind = type_of(self.lane.frame(step.message)) or "a frame that is not an event"
        self._log.tell(self.link, f"held {self.lane.direction} {kind}", "/edit changes it, /release sends it on")

    def _released(self, step: Released) -> None:
        if step.late:
            self._log.tell(self.link, f"released {self.lane.direction} after 60 s", "/hold off holds nothing more")

    def _happened(self, step: FaultDue) -> None:
        action = step.action
        self._log.note(self.link, f"fault {action}")
        if action.kind is FaultKind.CLOSE:
            self.link.finish(SideClose(int(action.number), _REASON))
        elif action.kind is FaultKind.DROP:
            self.link.finish(SideClose(lost=True))

    def _ended(self, step: Ended) -> None:
        self.target.end(step.close)

    # flow control -----------------------------------------------------------------------------------------------------

    def set_full(self, full: bool) -> None:
        """The target takes nothing, or takes more."""
        self._full = full
        self._regulate()

    def _regulate(self) -> None:
        self.source.read(not self._full and self.lane.waiting <= HIGH_WATER)

    def stop(self) -> None:
        """Leave no timer behind."""
        for timer in (self._timer, *self._later):
            if timer is not None:
                timer.cancel()
        self._timer = None
        self._later.clear()


_OTHER = {Direction.SENT: Direction.RECEIVED, Direction.RECEIVED: Direction.SENT}

_STEPS: Mapping[type, Callable[[Flow, Any], None]] = {
    Pass: Flow._step_pass,
    Dropped: Flow._dropped,
    Held: Flow._held,
    Released: Flow._released,
    FaultDue: Flow._happened,
    Ended: Flow._ended,
}
