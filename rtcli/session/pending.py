"""Waiting for what the server says to something we sent: its reply, or an error about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rtcli.errors import ConnectionLostError, ExpectationError, ServerError, error_of
from rtcli.protocol.dialects import as_verdict
from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.record import Frame
from rtcli.protocol.requests import Request
from rtcli.session import hints


@dataclass(slots=True, eq=False)
class _Waiter:
    """Somebody who waits for the end of a request, and raises a refusal of it."""

    matches: Callable[[Request], bool]  # told of each request when it ends
    future: asyncio.Future[Frame]


class Requests:
    """Futures for the frames that end requests; which those are, `pending` knows."""

    def __init__(self, pending: PendingRequests) -> None:
        self._pending = pending
        self._waiters: list[_Waiter] = []

    def observe(self, record: Frame) -> bool:
        """Take in one frame that `pending` has seen; whether it is an error that `ask` raises, so that nobody else has
        to tell it."""
        raised = False
        for request in self._pending.settled:
            # a copy: waiters leave the list meanwhile
            for waiter in [waiter for waiter in self._waiters if waiter.matches(request)]:
                self._waiters.remove(waiter)
                if not waiter.future.done():
                    waiter.future.set_result(record)
                raised = raised or is_error(record)
        return raised

    def lost(self, error: ConnectionLostError) -> None:
        """The connection ended: no reply will come."""
        # taken first: a waiter that is woken may wait for something new
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.future.done():
                waiter.future.set_exception(error)

    @contextmanager
    def expecting(self, matches: Callable[[Request], bool]) -> Iterator[asyncio.Future[Frame]]:
        """Listen for the frame that ends the first request that `matches`; inside, await the future."""
        waiter = _Waiter(matches, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            yield waiter.future
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            waiter.future.cancel()  # without effect where it has its result

    async def ask(self, send: Callable[[dict[str, Any]], None], event: dict[str, Any], *, seconds: float) -> Frame:
        """Send a client event (which needs an `event_id`) and wait for its reply.

        Raises ServerError with what to do about it where the server refuses, ExpectationError after that many
        `seconds`, and ConnectionLostError where the connection ends.
        """
        with self.expecting(lambda request: request.event_id == event["event_id"]) as future:
            send(event)
            try:
                async with asyncio.timeout(seconds):
                    record = await future
            except TimeoutError as error:
                raise ExpectationError(f"no answer to {event['type']}", why=f"{seconds:g} s have passed") from error
        if is_error(record):
            assert record.event is not None
            raise ServerError(record.event, hint=hints.of_error(error_of(record.event)))
        return record


def is_error(record: Frame) -> bool:
    """Whether the server says that something went wrong, under whatever name."""
    return record.event is not None and as_verdict(record.event).get("type") == "error"
