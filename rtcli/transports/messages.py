"""From the frames of a WebSocket to its messages, handed on in the same turn of the loop in which they arrive."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import TypeAlias

Take: TypeAlias = Callable[[str | bytes, bool], object]
"""Gets a message, and whether it was a binary one."""


class TurnLimit:
    """How many messages a turn of the loop may bring, so that keys are answered in between.

    As many as fit into its time, which is learned from the turns that were full: a machine may be slow, and what is
    made of a message dear. Asking the clock for each message would cost more than that.
    """

    MOST, LEAST = 200, 8
    SECONDS = 0.005

    def __init__(self) -> None:
        self.messages = self.MOST
        self._began = 0.0  # when the first of this turn came; 0 once it was full

    def begin(self) -> None:
        """The first message comes."""
        self._began = perf_counter()

    def full(self) -> None:
        """The last one that may come was handled."""
        if self._began:
            fit = self.messages * self.SECONDS / max(perf_counter() - self._began, 1e-9)
            self.messages = max(self.LEAST, min(self.MOST, round(fit)))
            self._began = 0.0


def drop(_message: str | bytes, _binary: bool) -> None:
    """Nobody wants it any more."""


class Messages:
    """Text stays bytes: JSON is decoded from them directly, and invalid UTF-8 is one bad frame and not the end.

    What arrives before `read` is kept for it, and what is more than a turn of the loop may bring for the next one:
    `transport` reads nothing meanwhile. An exception of who reads is kept as `failure`, and ends the connection.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self.failure: BaseException | None = None
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._limit = TurnLimit()
        self._left = 0  # messages that may still come in this turn: none before somebody reads
        self._take: Take = drop
        self._ignored = False
        self.complete = True  # every message that has begun has also ended
        self._parts = bytearray()  # of one that has not
        self._binary = False  # that one

    def read(self, take: Take) -> None:
        """From now on `take` gets them, beginning with those that are there."""
        if not self._ignored:  # else closed before it was read
            self._take = take
        self._next_turn()

    def ignore(self) -> None:
        """From now on nobody gets them."""
        self._take, self._ignored = drop, True

    async def all_taken(self) -> None:
        """Wait until nothing waits any more. Raises what `take` raised."""
        while self._waiting:  # noqa: ASYNC110  (an event would be set for every message)
            await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure

    def whole(self, message: bytes, binary: bool) -> None:
        """A message in one frame."""
        left = self._left
        if left == self._limit.messages:
            self._limit.begin()
            self._loop.call_soon(self._next_turn)
        if left > 0:  # then somebody reads, and nothing waits
            self._left = left - 1
            try:
                self._take(message, binary)
            except BaseException as error:  # noqa: BLE001  the reader raises it
                self._failed(error)
            return
        if not self._waiting:
            self._transport.pause_reading()
            self._limit.full()
        self._waiting.append((message, binary))

    def _next_turn(self) -> None:
        self._left = self._limit.messages
        if not self._waiting:
            return
        self._limit.begin()
        while self._waiting and self._left > 0:
            self._left -= 1
            try:
                self._take(*self._waiting.popleft())
            except BaseException as error:  # noqa: BLE001  the reader raises it
                self._failed(error)
        if not self._left:
            self._limit.full()
        self._loop.call_soon(self._next_turn)
        if not self._waiting:
            self._transport.resume_reading()

    def _failed(self, error: BaseException) -> None:
        self._take, self.failure = drop, error
        self._transport.abort()

    def part(self, data: bytes | memoryview, *, binary: bool | None, final: bool) -> int:
        """A frame of a message in several; `binary` is None for one that goes on. The bytes of it so far.

        Raises ValueError for a frame that does not follow from the one before.
        """
        if (binary is None) == self.complete:
            raise ValueError("no beginning" if self.complete else "a message begins in the middle of another")
        if binary is not None:
            self._parts, self._binary = bytearray(), binary
        self._parts += data
        size, self.complete = len(self._parts), final
        if final:
            message, self._parts = bytes(self._parts), bytearray()
            self.whole(message, self._binary)
        return size
