"""Faults on a connection through the proxy, from the app's and the endpoint's side."""

from __future__ import annotations

import asyncio
import time

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.kit.proxying import proxied
from tests.kit.waiting import DEADLINE, until


class Recorder:
    """An endpoint that echoes, and remembers what came and how it ended."""

    def __init__(self) -> None:
        self.got: list[str | bytes] = []
        self.codes: list[int | None] = []

    async def __call__(self, connection: ServerConnection) -> None:
        try:
            async for message in connection:
                self.got.append(message)
                await connection.send(message)
        except ConnectionClosed:
            pass
        self.codes.append(connection.close_code)


async def receive(app: ClientConnection, count: int) -> list[str]:
    return [str(await asyncio.wait_for(app.recv(), DEADLINE)) for _ in range(count)]


async def end_of(app: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        while True:
            await asyncio.wait_for(app.recv(), DEADLINE)
    return app.close_code


A, B = '{"type":"a"}', '{"type":"b"}'


@pytest.mark.parametrize(
    ("fault", "got", "echoed"),
    [
        ("event=a:duplicate", [A, B], [A, A, B]),
        ("event=>a:duplicate", [A, A, B], [A, A, B]),
        ("n=2:malformed", [A, B], [A, B[:6], B]),
        ("n=>2:malformed", [A, B[:6], B], [A, B[:6], B]),
        ("connect:duplicate", [A, B], [A, A, B]),
    ],
)
async def test_a_fault_happens_in_the_direction_that_it_names(fault: str, got: list[str], echoed: list[str]) -> None:
    endpoint = Recorder()
    async with proxied(endpoint, faults=[fault]) as (proxy, told), connect(f"{proxy.url}/realtime") as app:
        if fault.startswith("connect"):
            await until(lambda: told.notes)
        await app.send(A)
        await app.send(B)
        assert await receive(app, len(echoed)) == echoed
    assert endpoint.got == got
    assert [note.partition("=")[0] for note in told.notes] == [f"fault {fault.rpartition(':')[2]}"]


@pytest.mark.parametrize("fault", ["event=b:stall=300ms", "event=>b:delay=300ms"])
async def test_a_stall_holds_up_one_direction_and_keeps_its_order(fault: str) -> None:
    async with proxied(faults=[fault]) as (proxy, _), connect(f"{proxy.url}/realtime") as app:
        began = time.monotonic()
        for text in (A, B, A):
            await app.send(text)
        assert await receive(app, 3) == [A, B, A]
        assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("fault", ["event=b:close=4001", "event=>b:close=4001", "after=50ms:close=4001"])
async def test_a_close_ends_both_sides_with_its_code(fault: str) -> None:
    endpoint = Recorder()
    async with proxied(endpoint, faults=[fault]) as (proxy, told), connect(f"{proxy.url}/realtime") as app:
        await app.send(A)
        await app.send(B)
        assert await end_of(app) == 4001
        await until(lambda: endpoint.codes and told.over)
    assert endpoint.codes == [4001]
    assert told.notes == ["fault close=4001"]


@pytest.mark.parametrize("fault", ["event=b:drop", "event=>b:drop", "after=50ms:drop", "connect:drop"])
async def test_a_drop_ends_both_sides_without_a_close_frame(fault: str) -> None:
    endpoint = Recorder()
    async with proxied(endpoint, faults=[fault]) as (proxy, told), connect(f"{proxy.url}/realtime") as app:
        try:
            await app.send(A)
            await app.send(B)
        except ConnectionClosed:
            assert fault == "connect:drop"
        assert await end_of(app) == 1006
        await until(lambda: endpoint.codes and told.over)
    assert endpoint.codes == [1006]


async def test_a_status_is_answered_before_the_endpoint_is_asked() -> None:
    endpoint = Recorder()
    async with proxied(endpoint, faults=["connect:http=503"]) as (proxy, told):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{proxy.url}/realtime")
    assert refused.value.response.status_code == 503
    assert told.requests == [("GET", "/v1/realtime", 503)]
    assert endpoint.codes == []


async def test_each_connection_has_its_faults_anew() -> None:
    async with proxied(faults=["event=a:duplicate"]) as (proxy, _):
        for _ in range(2):
            async with connect(f"{proxy.url}/realtime") as app:
                await app.send(A)
                await app.send(A)
                assert await receive(app, 3) == [A, A, A]


async def test_an_app_that_leaves_during_a_stall_leaves_no_timer_behind() -> None:
    async with proxied(faults=["event=>a:stall=3600s", "after=3600s:drop"]) as (proxy, told):
        app = await connect(f"{proxy.url}/realtime")
        await app.send(A)
        await until(lambda: told.notes)
        app.transport.abort()
        await until(lambda: told.over)
        loop = asyncio.get_running_loop()
        timers = [handle for handle in loop._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]
        assert all(handle.when() < loop.time() + 600 for handle in timers)
