"""What passes between an app and its endpoint: every message, header, refusal and end, as it came."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response

from rtcli.errors import UsageError
from rtcli.proxy.proxy import RealtimeProxy, leads_here
from rtcli.proxy.side import MAX_MESSAGE
from tests.kit.proxying import Told, echo, endpoint, proxied
from tests.kit.waiting import DEADLINE, until

ODD = (
    *("", " ", "no JSON", '{"type":"a"}', '{"type" :\t"é€\\u0000😀"}\r\n', "[1,2]", '"\\ud800"', "\u2028", "\x00\x01"),
    *(b"", b"\x00\xff\xfe", b'{"type":"binary"}', bytes(range(256))),
)


async def ended(connection: ClientConnection) -> tuple[int | None, str | None]:
    """How it ends, what comes before that read over."""
    try:
        async with asyncio.timeout(DEADLINE):
            while True:
                await connection.recv()
    except ConnectionClosed:
        return connection.close_code, connection.close_reason


class Dial(connect):
    """Follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def app(proxy: RealtimeProxy, path: str = "/realtime?model=m", **options: Any) -> connect:
    return Dial(proxy.url + path, **{"compression": None, "max_size": None, "close_timeout": 1} | options)


def odd_messages(count: int) -> list[str | bytes]:
    """Messages of both kinds, of every size around the limits of frames, the same each time."""
    chance = random.Random(count)
    sizes = (0, 1, 125, 126, 127, 1000, 65_535, 65_536, 70_000)
    texts = ("a", "é", "€", "😀", "\x00", '{"type":"x","delta":"', "\u2028", "\n")
    made: list[str | bytes] = [*ODD]
    while len(made) < count:
        size = chance.choice(sizes[:6]) if chance.random() < 0.98 else chance.choice(sizes)
        made.append(chance.randbytes(size) if chance.random() < 0.5 else "".join(chance.choices(texts, k=size))[:size])
    return made[:count]


async def test_messages_arrive_to_the_byte_in_their_order_and_kind_both_ways() -> None:
    """10,000 odd messages each way."""
    messages = odd_messages(10_000)
    async with proxied() as (proxy, told), app(proxy) as connection:
        sending = asyncio.ensure_future(_send_all(connection, messages))
        got = [await asyncio.wait_for(connection.recv(), DEADLINE) for _ in messages]
        await sending

    assert got == messages
    for direction in (">", "<"):
        passed = [data for way, data in told.messages if way == direction]
        assert passed == [message.encode() if isinstance(message, str) else message for message in messages]


async def _send_all(connection: ClientConnection, messages: list[str | bytes]) -> None:
    for message in messages:
        await connection.send(message)


async def test_a_fragmented_message_arrives_whole_and_pings_are_answered_on_each_side() -> None:
    pinged = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        await connection.send(["in ", "four ", "", "pieces"])
        await (await connection.ping())
        pinged.set()
        await echo(connection)

    async with proxied(handler) as (proxy, _), app(proxy) as connection:
        assert await connection.recv() == "in four pieces"
        await connection.send([b"a", b"", b"b"])
        assert await connection.recv() == b"ab"
        await asyncio.wait_for(await connection.ping(), DEADLINE)
        await asyncio.wait_for(pinged.wait(), DEADLINE)


async def test_text_that_is_no_utf8_is_passed_on_as_it_is() -> None:
    """A judge of texts would change what an app sees."""
    got: list[bytes] = []

    async def handler(connection: ServerConnection) -> None:
        got.append(await connection.recv(decode=False))
        await connection.send(b"\xff\xfe", text=True)
        await connection.wait_closed()

    async with proxied(handler) as (proxy, _), app(proxy) as connection:
        await connection.send(b"\xc3(", text=True)
        assert await connection.recv(decode=False) == b"\xff\xfe"
    assert got == [b"\xc3("]


async def test_a_message_of_many_megabytes_passes_and_a_larger_one_than_the_limit_ends_both_sides() -> None:
    large = "x" * (20 * 2**20)
    codes: list[int | None] = []

    async def handler(connection: ServerConnection) -> None:
        try:
            await echo(connection)
        except ConnectionClosed:
            codes.append(connection.close_code)

    async with proxied(handler) as (proxy, told):
        connection = await app(proxy)  # the library's own end of a context fails after 1009
        await connection.send(large)
        assert await connection.recv() == large
        await connection.send(b"x" * (MAX_MESSAGE + 1))
        assert (await ended(connection))[0] == 1009
        await until(lambda: codes, "the end of the endpoint's side")
        await until(lambda: told.over, "the end of the connection")
    assert codes == [1009]


# upgrades -------------------------------------------------------------------------------------------------------------


async def test_the_endpoint_gets_the_apps_path_query_headers_and_subprotocols_and_the_app_its_answer() -> None:
    seen: list[Request] = []

    def look(connection: ServerConnection, request: Request) -> None:
        seen.append(request)

    def answer(connection: ServerConnection, request: Request, response: Response) -> None:
        response.headers["X-Request-Id"] = "req_1"
        response.headers["Set-Cookie"] = "a=1"
        response.headers["Set-Cookie"] = "b=2"

    server = {"process_request": look, "process_response": answer, "subprotocols": ["second", "realtime"]}
    offered = ["realtime", "openai-insecure-api-key.sk-abcdefghijklmnop", "second"]
    headers = [("Authorization", "Bearer own"), ("OpenAI-Project", "p"), ("X-Two", "1"), ("X-Two", "2")]
    async with (
        proxied(server=server) as (proxy, told),
        app(
            proxy,
            "/realtime?model=a%2Fb&x=%20&model=c",
            subprotocols=offered,
            additional_headers=headers,
            user_agent_header="my app/1.0",
            compression="deflate",
        ) as connection,
    ):
        assert connection.subprotocol == "second"
        assert connection.response is not None
        assert connection.response.headers["X-Request-Id"] == "req_1"
        assert connection.response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
        assert "Sec-WebSocket-Extensions" not in connection.response.headers, "offers of extensions are stripped"

    (request,) = seen
    assert request.path == "/v1/realtime?model=a%2Fb&x=%20&model=c"
    assert request.headers["Authorization"] == "Bearer own"
    assert request.headers["User-Agent"] == "my app/1.0"
    assert request.headers.get_all("X-Two") == ["1", "2"]
    assert request.headers["Sec-WebSocket-Protocol"].replace(" ", "") == ",".join(offered)
    assert "Sec-WebSocket-Extensions" not in request.headers
    assert request.headers.get_all("Host") == [proxy.target.origin.removeprefix("ws://")]
    (link,) = told.links
    assert (link.app, link.model) == ("my app/1.0", "c")


async def test_an_app_that_does_not_name_itself_stays_without_a_name() -> None:
    seen: list[Request] = []
    server = {"process_request": lambda _, request: seen.append(request)}
    async with proxied(server=server) as (proxy, told), app(proxy, user_agent_header=None):
        await until(lambda: told.links)

    assert "User-Agent" not in seen[0].headers
    assert told.links[0].app == ""


@pytest.mark.parametrize(
    ("status", "body"),
    [(401, b'{"error": "no \xff"}'), (429, b""), (503, b"x" * 100_000), (302, b"away"), (499, b"own")],
)
async def test_the_endpoints_refusal_is_the_apps_to_the_byte(status: int, body: bytes) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(503, "")
        headers = response.headers
        del headers["Content-Length"]
        headers["Content-Length"] = str(len(body))
        headers["Retry-After"] = "7"
        headers["Location"] = "http://127.0.0.1:9/elsewhere"
        return Response(status, "Own Words", headers, body)

    async with proxied(server={"process_request": refuse}) as (proxy, told):
        with pytest.raises(InvalidStatus) as refused:
            await app(proxy)

    answer = refused.value.response
    assert (answer.status_code, answer.reason_phrase, bytes(answer.body or b"")) == (status, "Own Words", body)
    assert answer.headers["Retry-After"] == "7"
    assert told.requests == [("GET", "/v1/realtime", status)]
    assert told.links == []


async def test_an_error_and_then_a_close_arrive_as_such() -> None:
    """OpenAI refuses so: the upgrade is made, an event says why, and the Close frame has a code of its own."""

    async def refuse(connection: ServerConnection) -> None:
        await connection.send('{"type":"error"}')
        await connection.close(3000, "invalid_request_error.é")

    async with proxied(refuse) as (proxy, _), app(proxy) as connection:
        assert await connection.recv() == '{"type":"error"}'
        assert await ended(connection) == (3000, "invalid_request_error.é")


async def test_an_endpoint_that_is_not_there_is_a_502_that_says_so() -> None:
    told = Told()
    async with RealtimeProxy("ws://127.0.0.1:9", log=told) as proxy:
        with pytest.raises(InvalidStatus) as refused:
            await app(proxy)

    assert refused.value.response.status_code == 502
    assert b"nothing is listening at 127.0.0.1:9" in bytes(refused.value.response.body or b"")
    assert "nothing is listening" in told.problems[0]


async def test_a_page_may_connect_only_from_an_origin_that_was_allowed() -> None:
    async with proxied(allow_origin=["http://good.test"]) as (proxy, _):
        with pytest.raises(InvalidStatus) as refused:
            await app(proxy, origin="http://evil.test")
        assert refused.value.response.status_code == 403
        async with app(proxy, origin="http://good.test") as connection:
            await connection.send("hello")
            assert await connection.recv() == "hello"


# how connections end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "away"), (1011, "ü"), (3000, "x" * 123), (4999, "")])
async def test_close_codes_and_reasons_pass_from_the_app(code: int, reason: str) -> None:
    seen: list[tuple[int | None, str | None]] = []

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        seen.append((connection.close_code, connection.close_reason))

    async with proxied(handler) as (proxy, told):
        connection = await app(proxy)
        await connection.close(code, reason)
        await until(lambda: seen and told.over)

    assert seen == [(code, reason)]
    assert told.over[0].close is not None
    assert told.over[0].close.code == code


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "away"), (1011, "ü"), (3000, "x" * 123), (4999, "")])
async def test_close_codes_and_reasons_pass_from_the_endpoint(code: int, reason: str) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    async with proxied(handler) as (proxy, _), app(proxy) as connection:
        assert await ended(connection) == (code, reason)


async def test_a_close_frame_without_a_code_is_passed_on_without_one() -> None:
    async def handler(connection: ServerConnection) -> None:
        connection.protocol.send_close()
        connection.send_data()
        await connection.wait_closed()

    async with proxied(handler) as (proxy, _), app(proxy) as connection:
        assert await ended(connection) == (1005, "")


async def test_an_endpoint_that_dies_ends_the_app_without_a_close_frame() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send("last words")
        connection.transport.abort()

    async with proxied(handler) as (proxy, told), app(proxy) as connection:
        assert (await ended(connection))[0] == 1006
        await until(lambda: told.over)
    assert told.over[0].close is not None
    assert told.over[0].close.lost


async def test_an_app_that_dies_ends_the_endpoint_without_a_close_frame() -> None:
    seen: list[int | None] = []

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        seen.append(connection.close_code)

    async with proxied(handler) as (proxy, told):
        connection = await app(proxy)
        connection.transport.abort()
        await until(lambda: seen and told.over)
        assert proxy.links == {}
    assert seen == [1006]


async def test_an_app_that_leaves_while_its_endpoint_is_dialed_leaves_nothing_behind() -> None:
    asked, go, seen = asyncio.Event(), asyncio.Event(), []

    async def slow(connection: ServerConnection, request: Request) -> None:
        asked.set()
        await go.wait()

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        seen.append(connection.close_code)

    async with proxied(handler, server={"process_request": slow}) as (proxy, told):
        connecting = asyncio.ensure_future(_opened(proxy))
        await asyncio.wait_for(asked.wait(), DEADLINE)
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        go.set()
        await until(lambda: seen)
        assert proxy._endpoints == {}
    assert seen == [1006]
    assert told.links == []


async def _opened(proxy: RealtimeProxy) -> ClientConnection:
    return await app(proxy)


async def test_a_slow_reader_slows_the_sender_and_loses_nothing() -> None:
    """What is in flight is bounded: the endpoint waits for the app, through the proxy."""
    piece, count = "x" * 100_000, 500
    sent = 0

    async def handler(connection: ServerConnection) -> None:
        nonlocal sent
        for _ in range(count):
            await connection.send(piece)
            sent += 1
        await connection.close(1000, "all")

    async with proxied(handler) as (proxy, _), app(proxy, max_queue=1) as connection:
        before = -1
        while sent != before:  # until the sender stands still
            before = sent
            await asyncio.sleep(0.2)
        assert sent < count
        for _ in range(count):
            assert await asyncio.wait_for(connection.recv(), DEADLINE) == piece
        assert await ended(connection) == (1000, "all")


async def test_the_end_of_the_proxy_says_goodbye_to_both_sides() -> None:
    seen: list[int | None] = []

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        seen.append(connection.close_code)

    told = Told()
    async with endpoint(handler) as url:
        async with RealtimeProxy(url, log=told) as proxy:
            connection = await app(proxy)
            closing = asyncio.ensure_future(ended(connection))
            await until(lambda: told.links)
        assert (await closing)[0] == 1001
        await until(lambda: seen)
    assert seen == [1001]


async def test_fifty_connections_at_a_time_keep_apart_and_leave_nothing_behind() -> None:
    async def talk(proxy: RealtimeProxy, number: int) -> list[str | bytes]:
        async with app(proxy) as connection:
            for turn in range(20):
                await connection.send(f"{number}:{turn}")
            return [await connection.recv() for turn in range(20)]

    before = asyncio.all_tasks()
    async with proxied() as (proxy, told):
        talks = await asyncio.gather(*(talk(proxy, number) for number in range(50)))
        await until(lambda: len(told.over) == 50)
        assert proxy.links == {}
        assert proxy._opened == set()
    assert talks == [[f"{number}:{turn}" for turn in range(20)] for number in range(50)]
    await until(lambda: asyncio.all_tasks() == before, "the end of every task")


# where it listens -----------------------------------------------------------------------------------------------------


async def test_a_port_in_use_and_a_host_for_others_are_refused_with_what_to_do() -> None:
    async with proxied() as (proxy, _):
        port = int(proxy.url.rpartition(":")[2].partition("/")[0])
        with pytest.raises(UsageError, match="cannot listen") as caught:
            await RealtimeProxy("ws://127.0.0.1:9", port=port, log=Told()).__aenter__()
        assert "--listen" in caught.value.hint
    for host in ("0.0.0.0", "::", "", "192.0.2.1", "example.test"):
        with pytest.raises(UsageError, match="refusing to listen") as caught:
            RealtimeProxy("ws://127.0.0.1:9", host, log=Told())
        assert "--allow-remote" in caught.value.hint
    async with RealtimeProxy("ws://127.0.0.1:9", "0.0.0.0", log=Told(), allow_remote=True):
        pass


async def test_a_proxy_in_front_of_itself_is_refused() -> None:
    async with proxied() as (proxy, _):
        port = int(proxy.url.rpartition(":")[2].partition("/")[0])
    for host in ("127.0.0.1", "localhost", "127.1"):
        with pytest.raises(UsageError, match="leads back"):
            async with RealtimeProxy(f"http://{host}:{port}/v1", port=port, log=Told()):
                pass
    assert not leads_here(("127.0.0.1", port + 1), ("127.0.0.1", port))
    assert not leads_here(("192.0.2.1", port), ("127.0.0.1", port)), "an address of nobody's"


@pytest.mark.parametrize("fault", ["connect:error", "event=response.done:quota", "after=1s:expire", "nonsense"])
def test_a_fault_that_only_a_server_can_make_is_refused(fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        RealtimeProxy("ws://127.0.0.1:9", log=Told(), faults=[fault])
    assert caught.value.hint
