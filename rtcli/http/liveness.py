"""Keepalive: notices a peer that is dead or has stalled, also while data waits to be sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Watched(Protocol):
    """What a watch asks of a connection. None of it waits."""

    def write_ping(self) -> None:
        """Write a ping behind whatever else waits to be sent."""

    def signs(self) -> Signs:
        """What the peer has done so far."""

    def give_up(self) -> None:
        """End the connection without the peer."""


@dataclass(frozen=True, slots=True)
class Signs:
    """Counters at one moment: they change only if the peer does something."""

    received: int  # pieces of data that came
    drained: int  # times that the peer has taken what waited
    waiting: int  # bytes that the system has not taken yet
    reading: bool  # False: we have stopped reading, so that silence proves nothing

    def lives(self, now: Signs) -> bool:
        """Whether the peer has shown life between this moment and `now`.

        A peer that sends but takes nothing of what waits has stalled: then only taking counts. It counts as well for a
        slow peer, whose pong comes behind everything that was sent before the ping.
        """
        if self.waiting:
            return now.drained != self.drained or now.waiting < self.waiting
        return now.received != self.received or not now.reading


async def watch(connection: Watched, interval: float, timeout: float) -> None:  # noqa: ASYNC109  (of the peer)
    """Ping every `interval` seconds; abort the connection and return when the peer shows no life for `timeout`.

    A peer that falls silent is noticed within their sum. The library's own keepalive is not enough: its ping waits
    behind a write that a stalled peer never takes, and nothing limits that.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + interval
    while True:
        await asyncio.sleep(due - loop.time())
        due = loop.time() + interval
        connection.write_ping()
        before = connection.signs()
        deadline = loop.time() + timeout
        while not before.lives(connection.signs()):
            left = deadline - loop.time()
            if left <= 0:
                connection.give_up()
                return
            await asyncio.sleep(min(left, max(timeout / 20, 0.01)))


def write_ping(connection: Any) -> None:
    """Write a ping on a connection of `websockets`, without waiting for room: it is a few bytes now and then."""
    # Behind a close frame no ping may follow; the peer has to end the connection in time all the same.
    if connection.protocol.state.name == "OPEN":
        connection.protocol.send_ping(b"rtcli")
        connection.send_data()


class Keepalive(asyncio.Protocol):
    """A base for the connections of `websockets`: `watch` in the place of the library's keepalive, same settings."""

    # What the library's connection has, whose class comes behind this one among the bases.
    protocol: Any
    transport: Any
    recv_messages: Any
    send_data: Callable[[], None]
    ping_interval: float | None
    ping_timeout: float | None
    keepalive_task: asyncio.Task[None] | None  # the library cancels it when the connection ends

    silent = False  # the peer has shown no life, and the connection was aborted for it
    _pieces = _drained = 0  # see Signs

    def start_keepalive(self) -> None:
        """The library calls it after the handshake."""
        if self.ping_interval is not None and self.ping_timeout is not None:
            watching = watch(self, self.ping_interval, self.ping_timeout)
            self.keepalive_task = asyncio.get_running_loop().create_task(watching, name="rtcli keepalive")

    def data_received(self, data: bytes) -> None:
        """Something came."""
        self._pieces += 1
        super().data_received(data)

    def resume_writing(self) -> None:
        """The system has taken what waited."""
        self._drained += 1
        super().resume_writing()

    def write_ping(self) -> None:
        """Write a ping behind whatever else waits to be sent."""
        write_ping(self)

    def signs(self) -> Signs:
        """What the peer has done so far."""
        reading = not self.recv_messages.paused
        return Signs(self._pieces, self._drained, self.transport.get_write_buffer_size(), reading)

    def give_up(self) -> None:
        """End the connection without the peer, and note why."""
        self.silent = True
        self.transport.abort()
