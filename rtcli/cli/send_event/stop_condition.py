"""When `send-event` is finished: the options that say so, and how far the exchange has come."""

from __future__ import annotations

from dataclasses import dataclass

from rtcli.errors import ExpectationError
from rtcli.protocol.filters import WireFilter
from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.record import Direction, Frame


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
        self._started = self._last_sent = now
        self._silent_until = now
        self._matched = 0  # events that count towards `until` and `count`
        self.pending = pending
        self.input_open = True  # more may still be sent

    def observe(self, frame: Frame, now: float) -> None:
        """A frame went out or came back, and `pending` has seen it."""
        if frame.direction is Direction.SENT:
            self._last_sent = now
            if not self.pending.awaits(frame.number):  # it has no reply
                self._silent_until = now + self._stop.settle
        elif frame.event is not None:
            until = self._stop.until
            self._matched += not until or any(term.matches(frame) for term in until)

    @property
    def _required(self) -> int | None:
        """How many matching events end the exchange; None: the answers do."""
        return self._stop.count or (1 if self._stop.until else None)

    def finished(self, now: float) -> bool:
        """Nothing is left to wait for."""
        if self._stop.seconds is not None and now >= self._started + self._stop.seconds:
            return True
        if self._required is not None:
            return self._matched >= self._required
        answered = not self.input_open and not self.pending.waiting and not self.pending.unanswered
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
        """The time limit has passed. It counts from the event that was sent last."""
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
        types = ", ".join(dict.fromkeys(request.type for request in self.pending.waiting))
        return self.verdict() or ExpectationError(
            f"no answer within {self._stop.timeout:g} s",
            why=f"still waiting for an answer to {types}",
            hint="--timeout SECONDS waits longer; --for SECONDS listens without waiting for answers",
        )

    def _limit(self) -> float | None:
        """A fixed time to listen needs no limit, and neither does input that may still go on."""
        if self._stop.timeout is None or self._stop.seconds is not None:
            return None
        # the writer of the input may take a day for the next line
        if self.input_open and self._required is None:
            return None
        return self._last_sent + self._stop.timeout
