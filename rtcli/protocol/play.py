"""A play: one list of steps "expect this, then emit that", and the player that carries it out for one client.

A recording that is served, a script, ScriptedTransport and the tests' fake server are all such lists. The player is
pure: it is given each event of the client and the time, in seconds, and says what to send now and when to ask again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any, Protocol, TypeAlias

from rtcli.protocol.differences import NOTHING, Discrepancy, Mismatch
from rtcli.protocol.events import Event

MAX_HELD_SECONDS = 1.0
"""How long the answer to what a client may leave out waits in its place, until the first that it does leave out."""

_MAX_SWAPPED = 16
"""Expectations among which an event that may come in any order is looked for."""

Outgoing: TypeAlias = Mapping[str, Any] | str | bytes
"""An event, or a frame as it stands."""


class Expected(Protocol):
    """What a client is expected to send."""

    @property
    def type(self) -> str:
        """The type of the event; "" where that is open."""

    @property
    def text(self) -> str:
        """How a message calls it."""

    def differences(self, event: Event) -> Sequence[Discrepancy]:
        """Where the client's event is another one."""

    def met(self, event: Event) -> None:
        """The client's event was taken for it."""

    def may_follow(self, later: Expected) -> bool:
        """Whether it is all the same which of the two comes first."""


@dataclass(frozen=True, slots=True)
class Expect:
    """The client sends this. `at` is the moment in the play's own time, `input_ms` the audio that comes before."""

    what: Expected
    at: float = 0.0
    input_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Emit:
    """The server sends this, or what a function makes of the event that was expected last.

    It waits for `input_ms` of the client's audio, which were there at `input_at`. With `answers` it is sent only to a
    client that sends that, at any time, and held back for it in its place.
    """

    what: Outgoing | Callable[[Event], Iterable[Outgoing]]
    at: float = 0.0
    input_ms: float = 0.0
    input_at: float = 0.0
    answers: Expected | None = None


@dataclass(frozen=True, slots=True)
class EndConnection:
    """The server ends the connection: with a close frame, or without one where `code` is None."""

    code: int | None
    reason: str = ""
    at: float = 0.0


PlayStep: TypeAlias = Expect | Emit | EndConnection

Aside: TypeAlias = Callable[[Event], Iterable[Outgoing] | None]
"""What is sent at once for an event that no step expects; None: it is unexpected."""

Stray: TypeAlias = Callable[[Event, Mismatch], Iterable[Outgoing]]
"""What is sent at once for an unexpected event."""


class Player:
    """Plays one list of steps for one client, `pace` times as fast as it says; 0 is at once.

    What no step expects is a mismatch unless `aside` has an answer; the play goes on with what fits best, and `stray`
    answers what fits nowhere. Time begins at `now`.
    """

    def __init__(
        self,
        steps: Sequence[PlayStep],
        *,
        now: float = 0.0,
        pace: float = 0.0,
        aside: Aside | None = None,
        stray: Stray | None = None,
    ) -> None:
        self._steps = steps
        self._pace = pace
        self._aside = aside
        self._stray = stray
        self._cursor = 0  # the step that is next to be carried out
        self._waiting = deque(index for index, step in enumerate(steps) if isinstance(step, Expect))
        self._passed_over: list[int] = []  # expectations that the client went past
        self._arrived: dict[int, float] = {}  # when each expectation was met, of those that the cursor has not reached
        self._conditional = [index for index, step in enumerate(steps) if isinstance(step, Emit) and step.answers]
        self._asked: set[int] = set()  # of those, the ones that the client has asked for
        self._patient = True  # the client has left out nothing that it may leave out
        self._at_once: list[Outgoing] = []  # answers to what no step expects
        self._now = now  # when the step before was carried out
        self._at = min((step.at for step in steps), default=0.0)  # its moment in the play
        self._input_ms = 0.0  # the client's audio so far
        self._input: deque[tuple[float, float]] = deque()  # (milliseconds so far, when they were there)
        self._input_end = max((step.input_ms for step in steps if isinstance(step, Emit)), default=0.0)
        self._event: Event = {}  # what the last expectation that was reached was met by
        self._events: dict[int, Event] = {}
        self.count = 0  # events of the client so far, without its audio

    def __repr__(self) -> str:
        return f"<Player step {self._cursor} of {len(self._steps)}, {len(self._waiting)} still expected>"

    # -- in ----------------------------------------------------------------------------------------

    def hear(self, milliseconds: float, now: float) -> None:
        """The client has sent so much more audio."""
        if self._input_ms < self._input_end:  # else nothing waits for it
            self._input_ms += milliseconds
            self._input.append((self._input_ms, now))

    def receive(self, event: Event, now: float) -> Mismatch | None:
        """The client has sent an event: why it is not what the play expects, None where it is."""
        self.count += 1
        found = self._differences(self._waiting[0], event) if self._waiting else None
        if found is not None and not found:
            self._meet(self._waiting.popleft(), event, now)
            return None
        if self._swap(event, now) or self._ask(event):
            return None
        if self._aside is not None and (answer := self._aside(event)) is not None:
            self._at_once += answer
            return None
        late = next((index for index in self._passed_over if not self._differences(index, event)), None)
        if late is not None:
            self._passed_over.remove(late)
            self._expectation(late).what.met(event)
            return None
        return self._deviate(event, now, found or ())

    def _deviate(self, event: Event, now: float, found: Sequence[Discrepancy]) -> Mismatch:
        """Go on as far as that can be done: with the event for the one expected, or with a later one that it is."""
        what = f"event {self.count} of the client is not expected"
        if self._waiting:
            what = f"event {self.count} of the client is not {self._expectation(self._waiting[0]).what.text}"
        mismatch = Mismatch(what, tuple(found) or (Discrepancy("", NOTHING, event),))
        taken_for = self._nearest(event)
        if taken_for is None:
            self._at_once += self._stray(event, mismatch) if self._stray is not None else ()
            return mismatch
        while (index := self._waiting.popleft()) != taken_for:
            self._passed_over.append(index)
            self._arrived[index] = now
        self._meet(taken_for, event, now)
        return mismatch

    def _nearest(self, event: Event) -> int | None:
        """The expectation that an event may be meant for: the next one of its type, or a later one that it meets."""
        if self._waiting and self._expectation(self._waiting[0]).what.type == event.get("type"):
            return self._waiting[0]
        kinds = ("", event.get("type"))
        alike = (index for index in self._waiting if self._expectation(index).what.type in kinds)
        return next((index for index in alike if not self._differences(index, event)), None)

    def _expectation(self, index: int) -> Expect:
        step = self._steps[index]
        assert isinstance(step, Expect)
        return step

    def _differences(self, index: int, event: Event) -> Sequence[Discrepancy]:
        return self._expectation(index).what.differences(event)

    def _meet(self, index: int, event: Event, now: float) -> None:
        step = self._expectation(index)
        step.what.met(event)
        self._arrived[index], self._events[index] = now, event
        if step.input_ms is not None:  # a client that has sent a little less, or more, is in its place again
            self._input_ms = step.input_ms
            self._input.append((self._input_ms, now))

    def _swap(self, event: Event, now: float) -> bool:
        """The event may be one that is expected later, where the order of those before it means nothing."""
        for position, index in enumerate(islice(self._waiting, _MAX_SWAPPED)):
            what = self._expectation(index).what
            before = (self._expectation(self._waiting[i]).what for i in range(position))
            if position and not what.differences(event) and all(one.may_follow(what) for one in before):
                del self._waiting[position]
                self._meet(index, event, now)
                return True
        return False

    def _ask(self, event: Event) -> bool:
        """The client may ask for something that it need not ask for."""
        for index in self._conditional:
            step = self._steps[index]
            assert isinstance(step, Emit) and step.answers is not None
            if index not in self._asked and not step.answers.differences(event):
                step.answers.met(event)
                self._asked.add(index)
                if index < self._cursor:
                    self._at_once += self._frames(step)
                return True
        return False

    # -- out ---------------------------------------------------------------------------------------

    def due(self, now: float) -> tuple[list[Outgoing | EndConnection], float | None]:
        """What to send now, and when to ask again; None: when the client has sent something."""
        out: list[Outgoing | EndConnection] = [*self._at_once]
        self._at_once = []
        while self._cursor < len(self._steps):
            step = self._steps[self._cursor]
            if isinstance(step, Expect):
                if self._cursor not in self._arrived:
                    return out, None
                self._now = max(self._now, self._arrived.pop(self._cursor))
                self._event = self._events.pop(self._cursor, self._event)
            else:
                moment = self._moment(step)
                if moment is None or moment > now:
                    return out, moment
                if not self._is_left_out(step):
                    if self._holds(step):
                        if moment + MAX_HELD_SECONDS > now:
                            return out, moment + MAX_HELD_SECONDS
                        self._patient = False
                    else:
                        out += [step] if isinstance(step, EndConnection) else self._frames(step)
                self._now = moment
            self._at = step.at
            self._cursor += 1
        return out, None

    def _moment(self, step: Emit | EndConnection) -> float | None:
        """When a step is due; None where that depends on the client's audio."""
        pace = self._pace
        moment = self._now + (max(0.0, step.at - self._at) / pace if pace else 0.0)
        if not isinstance(step, Emit) or not step.input_ms:
            return moment
        if self._input_ms < step.input_ms:
            return None
        while len(self._input) > 1 and self._input[0][0] < step.input_ms:
            self._input.popleft()
        reached = self._input[0][1] + (max(0.0, step.at - step.input_at) / pace if pace else 0.0)
        return max(moment, reached)

    def _holds(self, step: Emit | EndConnection) -> bool:
        return isinstance(step, Emit) and step.answers is not None and self._cursor not in self._asked

    def _is_left_out(self, step: Emit | EndConnection) -> bool:
        return self._holds(step) and not self._patient

    def _frames(self, step: Emit) -> list[Outgoing]:
        return list(step.what(self._event)) if callable(step.what) else [step.what]

    # -- at the end ----------------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Every step was carried out."""
        return self._cursor == len(self._steps)

    def left(self) -> Mismatch | None:
        """What the client should have sent and has not, now that it is gone."""
        missing = [self._expectation(index).what.text for index in (*self._passed_over, *self._waiting)]
        if missing:
            listed = tuple(Discrepancy(text, NOTHING, NOTHING) for text in missing)
            return Mismatch("the client never sent", listed)
        if self._input_ms < self._input_end:
            amounts = (f"{ms:,.0f} ms of audio" for ms in (self._input_end, self._input_ms))
            return Mismatch("the client sent less audio", (Discrepancy("", *amounts),))
        return None


def cue(steps: Sequence[PlayStep], event: Event) -> tuple[int, list[Emit]] | None:
    """Of steps that may come in any order, and again: the first expectation that is met, by its position, and what
    is emitted for it."""
    for position, step in enumerate(steps):
        if isinstance(step, Expect) and not step.what.differences(event):
            following = takewhile(lambda one: not isinstance(one, Expect), steps[position + 1 :])
            return position, [one for one in following if isinstance(one, Emit)]
    return None
