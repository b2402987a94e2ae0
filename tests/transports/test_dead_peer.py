"""A peer that is dead or has stalled is noticed in time, whatever waits to be sent, and never holds up the end."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from rtcli.errors import ConnectionLostError
from rtcli.http.liveness import Signs, watch
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.transports.connection_errors import SILENT
from rtcli.transports.sockets import CreateWebSocket
from tests.kit.fake_server import fake_server, greets
from tests.kit.stalling_proxy import StallingProxy, stalling_proxy
from tests.kit.waiting import DEADLINE, until

BIG = {"type": "test.event", "data": os.urandom(500_000).hex()}
LIFE = {"ping_interval": 0.2, "ping_timeout": 0.3}


@asynccontextmanager
async def through_proxy(**options: Any) -> AsyncIterator[tuple[OpenAIRealtimeWebSocket, StallingProxy, list[Any]]]:
    """A transport whose way to the server can stall, and what it reports as errors."""
    errors: list[Any] = []
    async with fake_server(greets) as server, stalling_proxy(server.url) as proxy:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=proxy.url, **{**LIFE, **options})
        t.on("error", lambda payload: errors.append(payload.error))
        await t.connect()
        await t.wait_ready(DEADLINE)
        try:
            yield t, proxy, errors
        finally:
            t.close()
            await t.wait_closed()


class Foreign:
    """A WebSocket that is none of `websockets`', with its pings or without."""

    def __init__(self, inner: ClientConnection, *, pings: bool) -> None:
        self.inner = inner
        self.recv, self.send, self.close = inner.recv, inner.send, inner.close
        if pings:
            self.ping = inner.ping

    close_code = property(lambda self: self.inner.close_code)
    close_reason = property(lambda self: self.inner.close_reason)


def creates(kind: str) -> CreateWebSocket | None:
    """How the socket comes about: dialed by us, or by the caller, who leaves keepalive to us."""

    async def create(url: str, headers: dict[str, str]) -> Any:
        inner = await connect(url, additional_headers=headers, ping_interval=None, close_timeout=1)
        return inner if kind == "websockets" else Foreign(inner, pings=kind == "foreign")

    return None if kind == "dialed" else create


KINDS = ("dialed", "websockets", "foreign", "foreign without pings")


@pytest.mark.parametrize(
    ("megabytes", "kind"),
    [
        *itertools.product((0, 1, 16), KINDS[:3]),
        (16, "foreign without pings"),  # its silence alone proves nothing
    ],
)
async def test_a_peer_that_stalls_is_noticed_by_the_pings(megabytes: int, kind: str) -> None:
    """With nothing, little and much to be sent: the error says why, and nothing is left running."""
    async with through_proxy(create_websocket=creates(kind)) as (t, proxy, errors):
        proxy.stall()
        for _ in range(megabytes):
            t.send_event(BIG)
        await until(lambda: t.status == "disconnected")
        await asyncio.wait_for(asyncio.gather(t.wait_closed()), DEADLINE)

    assert (t.close_code, t.close_reason) == (1006, SILENT)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("rtcli")]
    assert isinstance(errors[0], ConnectionLostError)
    assert "stopped answering pings" in str(errors[0])


async def test_live_sound_that_nobody_takes_does_not_hide_the_loss() -> None:
    """The ordinary loss of a voice chat: the microphone goes on, and the network is gone."""
    async with through_proxy(max_outbox_bytes=2**20) as (t, proxy, errors):
        proxy.stall()
        while t.status == "connected":
            t.send_audio(os.urandom(200_000))
            await asyncio.sleep(0.001)

    assert "stopped answering pings" in str(errors[0])


async def test_flush_ends_when_the_peer_is_given_up() -> None:
    """It raises nothing, and it does not wait for ever."""
    async with through_proxy() as (t, proxy, _):
        proxy.stall()
        for _ in range(16):
            t.send_event(BIG)
        await asyncio.wait_for(t.flush(), DEADLINE)
        await until(lambda: t.status == "disconnected")


@pytest.mark.parametrize("megabytes", [0, 16])
async def test_close_does_not_wait_for_a_peer_that_stalls(megabytes: int) -> None:
    """Whatever still waits to be sent: it ends by itself, long before the pings would notice."""
    async with through_proxy(ping_interval=DEADLINE, ping_timeout=DEADLINE) as (t, proxy, _):
        proxy.stall()
        for _ in range(megabytes):
            t.send_event(BIG)
        await asyncio.sleep(0)
        t.close()
        await asyncio.wait_for(t.wait_closed(), DEADLINE / 2)


@pytest.mark.parametrize("kind", KINDS[:3])
async def test_a_peer_that_answers_pings_is_alive(kind: str) -> None:
    """However long it says nothing else."""
    async with through_proxy(ping_interval=0.05, ping_timeout=1.5, create_websocket=creates(kind)) as (
        t,
        proxy,
        errors,
    ):
        passed = proxy.passed
        await until(lambda: proxy.passed > passed + 200)  # some thirty pings and pongs
        assert t.status == "connected"

    assert errors == []


@pytest.mark.parametrize("kind", [KINDS[0], *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[1:])])
async def test_a_slow_peer_is_no_dead_one(kind: str) -> None:
    """It takes a little at a time, so that its pong comes late: but it does take what is sent."""
    async with through_proxy(create_websocket=creates(kind), ping_interval=0.05, ping_timeout=4) as (
        t,
        proxy,
        errors,
    ):
        proxy.trickle(0.02)
        # For longer than a pong may take, which comes when the last megabytes have left the buffers of the kernel.
        for _ in range(20):
            t.send_event(BIG)
        await asyncio.wait_for(t.flush(), DEADLINE)
        assert t.status == "connected"
        proxy.resume()

    assert errors == []


@pytest.mark.parametrize(
    ("before", "after", "lives"),
    [
        (Signs(1, 0, 0, True), Signs(1, 0, 0, True), False),
        (Signs(1, 0, 0, True), Signs(2, 0, 0, True), True),
        (Signs(1, 0, 900, True), Signs(2, 0, 900, True), False),  # it sends, but takes nothing
        (Signs(1, 0, 900, True), Signs(1, 0, 800, True), True),
        (Signs(1, 0, 900, True), Signs(1, 1, 5000, True), True),  # took it all, and more has come
        (Signs(1, 0, 0, False), Signs(1, 0, 0, False), True),  # we do not read: it may have answered
        (Signs(1, 0, 900, False), Signs(1, 0, 900, False), False),
    ],
)
def test_what_counts_as_life(before: Signs, after: Signs, lives: bool) -> None:
    """Any data, unless something waits for the peer: then taking it."""
    assert before.lives(after) is lives


async def test_a_watch_ends_with_the_peer() -> None:
    """After so many pings as were answered, and the one that was not."""

    class Peer:
        pings = 0
        given_up = False

        def write_ping(self) -> None:
            self.pings += 1

        def signs(self) -> Signs:
            return Signs(received=next(self.counter) if self.pings < 4 else 0, drained=0, waiting=0, reading=True)

        def give_up(self) -> None:
            self.given_up = True

        counter = iter(range(10**6))

    peer, began = Peer(), time.monotonic()
    await asyncio.wait_for(watch(peer, 0.01, 0.05), DEADLINE)

    assert (peer.pings, peer.given_up) == (4, True)
    assert time.monotonic() - began >= 0.05
