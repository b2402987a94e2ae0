"""When `send-event` is finished: the options that say so, and how far the exchange has come."""

from __future__ import annotations

from dataclasses import dataclass

from rtcli.errors import ExpectationError
from rtcli.protocol.dialects import Dialect
from rtcli.protocol.filters import WireFilter
from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.progress import ProgressReader
from rtcli.protocol.record import Direction, Frame
from rtcli.protocol.requests import Request


@dataclass(frozen=True, slots=True)
class StopCondition:
    """`seconds` to listen in all; the filters and the `count` of events to wait for; `settle` and `timeout`.

    `timeout` None: there is none. All times are seconds.
    """

    seconds: float | None = None
    until: tuple[WireFilter, ...] = ()
    count: int | None = None
    settle: float = 0.3
    timeout: float | None = 60.0


class Progress:
    """An exchange: what was sent, what came back, and whether that is all. Times come in as arguments.

    `pending` knows which of the frames that were sent still wait for their reply.
    """

    def __init__(self, stop: StopCondition, pending: PendingRequests, now: float) -> None:
        self._stop = stop
        self._started = self._moved = now  # the latter: sent, or brought on by the server, last
        self._reader, self._dialect = ProgressReader(), Dialect()
        self._last = ""  # the type of the event that brought it on last
        self._taken = 0  # items that were created before this frame count as taken
        self._silent_until = now
        self._matched = 0  # events that count towards `until` and `count`
        self.pending = pending
        self.input_open = True  # more may still be sent
        self.held = 0  # the line of an event that waits for the server before it is sent; 0: none does

    def observe(self, frame: Frame, now: float) -> None:
        """A frame went out or came back, and `pending` has seen it."""
        if frame.direction is Direction.SENT:
            self._moved = now
            if not self.pending.awaits(frame.number):  # it has no reply
                # An append or a truncate may still bring an error: a moment of silence is the only sign that it did
                # not.
                self._silent_until = now + self._stop.settle
            return
        matches = False
        if frame.event is not None:
            until = self._stop.until
            matches = not until or any(term.matches(frame) for term in until)
            self._matched += matches
        if self.pending.settled or (matches and self._required is not None) or self._is_progress(frame):
            self._moved = now
            self._last = str(frame.event.get("type")) if frame.event else "audio"
        if frame.event is not None and frame.event.get("type") == "response.done":
            self._take_items(frame)

    def _is_progress(self, frame: Frame) -> bool:
        event, answers = frame.event, frame.parent is not None
        if event is None:
            raw = frame.raw if frame.binary else ""
            read = self._dialect.read_binary(raw) if isinstance(raw, bytes) else None
        else:
            read = self._dialect.read(dict(event)) if isinstance(event.get("type"), str) else ()
        own = () if event is None else (event,)
        # A list, not a generator inside of any(): the reader has to see every event.
        moved = [self._reader.moves(each, answers=answers) for each in (own if read is None else read)]
        return any(moved)

    def _take_items(self, frame: Frame) -> None:
        """Some servers never confirm an item: it was taken, or there would be no answer to what was sent after it."""
        creates = [request.number for request in self.pending.settled if request.type == "response.create"]
        # frame.number where nothing of ours asked for the response: the server began it by itself, after everything
        # sent so far.
        self._taken = max(self._taken, *creates, 0) if creates else frame.number

    @property
    def waiting(self) -> tuple[Request, ...]:
        """The requests that are waited for, oldest first."""
        return tuple(request for request in self.pending.waiting if not self._is_taken(request))

    def _is_taken(self, request: Request) -> bool:
        return request.type == "conversation.item.create" and request.number < self._taken

    @property
    def _required(self) -> int | None:
        """How many matching events end the exchange; None: the answers do."""
        return self._stop.count or (1 if self._stop.until else None)

    def finished(self, now: float) -> bool:
        """Nothing is left to wait for."""
        if self._stop.seconds is not None and now >= self._started + self._stop.seconds:
            return True
        # With --until or --count nothing else ends it: the answers may all be there, and what is waited for not.
        if self._required is not None:
            return self._matched >= self._required
        answered = not self.input_open and not self.waiting and not self.pending.unanswered
        return self._stop.seconds is None and answered and now >= self._silent_until

    def next_look(self, now: float) -> float | None:
        """The time at which, without any event, `finished` or `late` may change; None: never."""
        # a moment that is past is filtered out below
        times = [self._silent_until]
        if self._stop.seconds is not None:
            times.append(self._started + self._stop.seconds)
        if (limit := self._limit()) is not None:
            times.append(limit)
        return min((time for time in times if time > now), default=None)

    def late(self, now: float) -> bool:
        """The time limit has passed. It counts from the last progress: what was sent, or what brought it on."""
        limit = self._limit()
        return limit is not None and now >= limit

    def verdict(self) -> ExpectationError | None:
        """What was expected and did not come, after the end."""
        if self._required is not None and self._matched < self._required:
            what = " or ".join([term.expression for term in self._stop.until]) or "any type"
            return ExpectationError(
                "expectation not met", why=f"expected {self._required} of {what}, got {self._matched}"
            )
        return None

    def late_error(self) -> ExpectationError:
        """What was still waited for when the time limit passed."""
        types = ", ".join(dict.fromkeys(request.type for request in self.waiting))
        if self.held:
            types = f"{types or 'what came before it'}, so that the event of line {self.held} can be sent"
        last = f"; the last event was {self._last}" if self._last else ""
        return self.verdict() or ExpectationError(
            f"no answer within {self._stop.timeout:g} s",
            why=f"still waiting for an answer to {types}{last}",
            hint="--timeout SECONDS waits longer; --for SECONDS listens without waiting for answers",
        )

    def _limit(self) -> float | None:
        """A fixed time to listen needs no limit, and neither does input that may still go on."""
        if self._stop.timeout is None or self._stop.seconds is not None:
            return None
        # the writer of the input may take a day for the next line
        if self.input_open and not self.held and self._required is None:
            return None
        return self._moved + self._stop.timeout
