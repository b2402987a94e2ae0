"""HTTP requests beside the sessions: what is asked and what is answered, to the byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from rtcli.proxy.proxy import RealtimeProxy
from tests.kit.proxying import Told
from tests.kit.waiting import DEADLINE, until


@asynccontextmanager
async def answering(answer: Callable[[asyncio.StreamWriter], object]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """An HTTP server that writes what it is told; its address, and the requests that it got."""
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line), 0
        )
        got.append(head + await reader.readexactly(length))
        made = answer(writer)
        if asyncio.iscoroutine(made):
            await made
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", got


def writes(data: bytes) -> Callable[[asyncio.StreamWriter], object]:
    return lambda writer: writer.write(data)


async def ask(proxy: RealtimeProxy, method: str, path: str, **options: object) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
        return await client.request(method, proxy.url.replace("ws", "http", 1) + path, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_request_arrives_as_it_was_made(method: str) -> None:
    answer = b"HTTP/1.1 201 Made\r\nX-Two: 1\r\nX-Two: 2\r\nContent-Length: 3\r\nContent-Type: x/y\r\n\r\n\x00\xff!"
    body = bytes(range(256)) if method in ("POST", "PUT", "PATCH") else b""
    async with answering(writes(answer)) as (url, got), RealtimeProxy(url, log=(told := Told())) as proxy:
        response = await ask(
            proxy,
            method,
            "/realtime/calls?a=%20&b",
            content=body,
            headers={"Authorization": "Bearer own", "User-Agent": "a/1"},
        )

    assert (response.status_code, response.content) == (201, b"\x00\xff!")
    assert response.headers.get_list("x-two") == ["1", "2"]
    head, _, came = got[0].partition(b"\r\n\r\n")
    assert head.startswith(f"{method} /v1/realtime/calls?a=%20&b HTTP/1.1".encode())
    assert b"Bearer own" in head
    assert head.lower().count(b"\r\nuser-agent:") == 1
    assert head.lower().count(b"\r\nhost:") == 1
    assert came == body
    assert told.requests == [(method, "/v1/realtime/calls", 201)]


async def test_a_compressed_answer_stays_compressed_and_an_unpacked_one_unpacked() -> None:
    import gzip

    packed = gzip.compress(b"hello")
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed)
    async with answering(writes(answer)) as (url, got), RealtimeProxy(url, log=Told()) as proxy:
        response = await ask(proxy, "GET", "/models", headers={"Accept-Encoding": "identity"})

    assert response.content == b"hello"
    assert response.headers["content-encoding"] == "gzip"
    assert b"ccept-encoding: identity" in got[0].lower() or b"Accept-Encoding: identity" in got[0]


async def test_a_streamed_answer_comes_piece_by_piece() -> None:
    go = asyncio.Event()

    async def stream(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n")
        writer.write(b"5\r\nfirst\r\n")
        await go.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")

    async with (
        answering(stream) as (url, _),
        RealtimeProxy(url, log=Told()) as proxy,
        httpx2.AsyncClient(trust_env=False, timeout=DEADLINE) as client,
        client.stream("GET", proxy.url.replace("ws", "http", 1) + "/x") as response,
    ):
        pieces = response.aiter_raw()
        assert await anext(pieces) == b"first"
        go.set()
        assert await anext(pieces) == b"second"


async def test_a_redirect_is_the_apps_to_follow() -> None:
    answer = b"HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    async with answering(writes(answer)) as (url, got), RealtimeProxy(url, log=Told()) as proxy:
        response = await ask(proxy, "POST", "/realtime/calls", content=b"x")

    assert response.status_code == 307
    assert response.headers["location"] == "http://127.0.0.1:9/"
    assert len(got) == 1


async def test_nobody_there_is_a_502_that_says_so() -> None:
    async with RealtimeProxy("http://127.0.0.1:9/v1", log=(told := Told())) as proxy:
        response = await ask(proxy, "POST", "/realtime/client_secrets", json={})

    assert response.status_code == 502
    assert "rtcli proxy" in response.json()["error"]["message"]
    assert told.requests == [("POST", "/v1/realtime/client_secrets", 502)]
    assert "failed" in told.problems[0]


async def test_an_endpoint_that_dies_in_its_answer_ends_the_apps_answer_there() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    async with answering(writes(answer)) as (url, _), RealtimeProxy(url, log=(told := Told())) as proxy:
        with pytest.raises(httpx2.HTTPError):
            await ask(proxy, "GET", "/models")
        await until(lambda: told.problems[-1:] != [""] and told.problems)


async def test_an_app_that_leaves_ends_the_request() -> None:
    gone = asyncio.Event()

    async def stream(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"1\r\nx\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            gone.set()

    async with answering(stream) as (url, _), RealtimeProxy(url, log=Told()) as proxy:
        async with (
            httpx2.AsyncClient(trust_env=False, timeout=DEADLINE) as client,
            client.stream("GET", proxy.url.replace("ws", "http", 1) + "/x"),
        ):
            pass
        await asyncio.wait_for(gone.wait(), DEADLINE)


async def test_pages_are_refused_unless_their_origin_was_allowed() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with (
        answering(writes(answer)) as (url, got),
        RealtimeProxy(url, log=Told(), allow_origin=["http://good.test"]) as proxy,
    ):
        evil = await ask(proxy, "POST", "/realtime/client_secrets", headers={"Origin": "http://evil.test"})
        asks = {"Origin": "http://good.test", "Access-Control-Request-Headers": "authorization"}
        before = await ask(proxy, "OPTIONS", "/realtime/client_secrets", headers=asks)
        good = await ask(proxy, "POST", "/realtime/client_secrets", headers={"Origin": "http://good.test"})

    assert evil.status_code == 403
    assert before.status_code == 204
    assert before.headers["access-control-allow-headers"] == "authorization"
    assert good.status_code == 200
    assert good.headers["access-control-allow-origin"] == "http://good.test"
    assert len(got) == 1, "only the one that may has come through"


async def test_what_is_not_http_is_answered_and_closed() -> None:
    async with RealtimeProxy("http://127.0.0.1:9/v1", log=Told()) as proxy:
        port = int(proxy.url.rpartition(":")[2].partition("/")[0])
        for sent in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET " + b"x" * 70_000):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            assert (await asyncio.wait_for(reader.read(), DEADLINE)).startswith(b"HTTP/1.1 4")
            writer.close()
