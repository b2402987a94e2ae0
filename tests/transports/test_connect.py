"""Connecting: where to, with what, and every way in which it can fail."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.client import connect as dial
from websockets.frames import Frame, Opcode

from rtcli.errors import ConnectError, ConnectionLostError, NotConnectedError, UnsupportedError, UsageError
from rtcli.server import RealtimeServer
from rtcli.server.net.tls import tls_context
from rtcli.transports import OpenAIRealtimeWebSocket
from tests.kit.events import CREATED
from tests.kit.fake_server import fake_server, greets, raw_server, upgrade_and_freeze
from tests.kit.linked import Link, linked
from tests.kit.waiting import DEADLINE, until

FOLDER = Path(__file__).parents[1] / "server" / "net" / "certificate"
CERTIFICATE, KEY = FOLDER / "certificate.pem", FOLDER / "key.pem"


def tasks() -> set[asyncio.Task[Any]]:
    """What runs beside the test."""
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


class Dialled:
    """A create_websocket hook that notes what it was asked for and dials a peer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, url: str, headers: dict[str, str]) -> Any:
        self.asked.append((url, headers))
        return await dial(self.url)


# -- where to, with what -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"model": "a&b=c #d/e?f"}, {"model": ["a&b=c #d/e?f"]}),
        ({"call_id": "rtc_1&x=y"}, {"call_id": ["rtc_1&x=y"]}),
        ({}, {"model": ["gpt-realtime-2.1"]}),
    ],
)
async def test_model_and_call_id_are_percent_encoded(options: dict[str, Any], asked: dict[str, list[str]]) -> None:
    """Whatever is in them, the query holds exactly one parameter."""
    async with fake_server() as server:
        hook = Dialled(server.url)
        t = OpenAIRealtimeWebSocket(api_key="sk", create_websocket=hook)
        await t.connect(**options)

        parts = urlsplit(hook.asked[0][0])
        assert (parts.scheme, parts.netloc, parts.path) == ("wss", "api.openai.com", "/v1/realtime")
        assert parse_qs(parts.query, strict_parsing=True) == asked
        assert parts.fragment == ""
        t.close()
        await t.wait_closed()


async def test_a_url_is_dialled_as_it_is() -> None:
    """No model is added, nothing is encoded again."""
    async with fake_server() as server:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=f"{server.url}/deep?api-version=1&x=%2F", model="unused")
        await t.connect()

        assert server.requests[0].path == "/v1/realtime/deep?api-version=1&x=%2F"
        t.close()
        await t.wait_closed()


def _sync_key() -> str:
    return "sk-sync"


async def _async_key() -> str:
    return "sk-async"


@pytest.mark.parametrize(
    ("key", "sent"),
    [("sk-text", "sk-text"), (_sync_key, "sk-sync"), (_async_key, "sk-async")],
    ids=["text", "sync", "async"],
)
async def test_a_key_is_text_or_a_function(key: Any, sent: str) -> None:
    """Sync or async."""
    async with fake_server() as server:
        t = OpenAIRealtimeWebSocket(api_key=key, url=server.url)
        await t.connect()

        assert server.requests[0].headers["Authorization"] == f"Bearer {sent}"
        t.close()
        await t.wait_closed()


async def test_headers_of_the_caller_replace_the_key() -> None:
    """Another endpoint wants another kind of authentication; then there need be no key."""
    async with fake_server() as server:
        t = OpenAIRealtimeWebSocket(headers={"api-key": "secret"}, url=server.url)
        await t.connect()

        assert server.requests[0].headers["api-key"] == "secret"
        assert "Authorization" not in server.requests[0].headers
        assert "OpenAI-Beta" not in server.requests[0].headers
        t.close()
        await t.wait_closed()


async def test_without_a_key_nothing_is_dialled() -> None:
    """The error says what to do."""
    async with fake_server() as server:
        t = OpenAIRealtimeWebSocket(url=server.url)
        with pytest.raises(UsageError, match="no API key"):
            await t.connect()

        assert server.requests == []
        assert t.status == "disconnected"


async def test_the_hook_gets_url_and_headers_and_its_socket_is_used() -> None:
    """Any object that behaves like a connection of `websockets` will do."""
    async with fake_server(greets) as server:
        hook = Dialled(server.url)
        t = OpenAIRealtimeWebSocket(api_key="sk", url="wss://elsewhere.test/x", create_websocket=hook)
        await t.connect()
        session = await t.wait_ready(DEADLINE)

        assert hook.asked == [("wss://elsewhere.test/x", {"Authorization": "Bearer sk"})]
        assert session == CREATED["session"]
        t.close()
        await t.wait_closed()
        assert server.connections


class QueueSocket:
    """A socket of the caller's own that knows nothing of `websockets`."""

    close_code: int | None = None
    close_reason: str | None = None

    def __init__(self, fails: Exception | None = None) -> None:
        self.incoming: asyncio.Queue[str] = asyncio.Queue()
        self.sent: list[str] = []
        self.fails = fails
        self.closed = False

    async def send(self, frame: str) -> None:
        if self.fails:
            raise self.fails
        self.sent.append(frame)

    async def recv(self) -> str:
        return await self.incoming.get()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = True


async def _opened(socket: QueueSocket) -> OpenAIRealtimeWebSocket:
    async def hook(url: str, headers: dict[str, str]) -> Any:
        return socket

    t = OpenAIRealtimeWebSocket(api_key="sk", create_websocket=hook)
    await t.connect()
    return t


async def test_a_socket_of_the_callers_own_gets_and_gives_text() -> None:
    """And its reader is not left waiting when the transport closes."""
    socket = QueueSocket()
    t = await _opened(socket)
    await socket.incoming.put(json.dumps(CREATED))
    await t.wait_ready(DEADLINE)
    await t.flush()

    assert [json.loads(frame)["type"] for frame in socket.sent] == ["session.update", "session.update"]
    t.close()
    await t.wait_closed()
    assert socket.closed
    assert tasks() == set()


async def test_a_socket_that_fails_to_send_ends_the_connection() -> None:
    """It is reported with its cause, and nothing stays behind as if all were well."""
    boom, errors = OSError("cable cut"), list[Any]()
    socket = QueueSocket(fails=boom)
    t = await _opened(socket)
    t.on("error", lambda payload: errors.append(payload.error))
    await until(lambda: t.status == "disconnected")
    await t.wait_closed()

    assert isinstance(errors[0], ConnectionLostError)
    assert errors[0].__cause__ is boom
    assert socket.closed
    assert tasks() == set()


async def test_a_redirect_is_not_followed() -> None:
    """It would carry the key to wherever it points; the error names the status."""
    async with fake_server(greets) as other:

        async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()

        async with raw_server(redirect) as address:
            t = OpenAIRealtimeWebSocket(headers={"api-key": "secret"}, url=f"ws://{address}/")
            with pytest.raises(ConnectError) as caught:
                await t.connect()

        assert caught.value.status == 302
        assert other.requests == []


# -- failing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (HTTPStatus.UNAUTHORIZED, "API key"),
        (HTTPStatus.FORBIDDEN, "may not use this"),
        (HTTPStatus.NOT_FOUND, "path"),
        (HTTPStatus.TOO_MANY_REQUESTS, "slow down"),
        (HTTPStatus.INTERNAL_SERVER_ERROR, "in trouble"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "try again"),
        (HTTPStatus.OK, "Realtime endpoint"),
    ],
)
async def test_a_failed_upgrade_raises_connect_error_with_status_and_body(status: HTTPStatus, hint: str) -> None:
    """And says what to do; the transport is disconnected again and can be used again."""
    async with fake_server(refuse=(status, '{"error":"in the server\'s words"}')) as server:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=f"{server.url}?key=secret", model="kept")
        link = Link(t, server)
        link.listen("error", "connection_change", "disconnected")
        with pytest.raises(ConnectError) as caught:
            await t.connect(model="tried")

        assert caught.value.status == status
        assert caught.value.body == '{"error":"in the server\'s words"}'
        assert "in the server's words" in str(caught.value)
        assert hint in caught.value.hint
        assert "secret" not in str(caught.value)
        assert link.errors == [caught.value]
        assert [name for name, _ in link.emitted] == ["connection_change", "error", "connection_change", "disconnected"]
        assert (t.status, t.current_model) == ("disconnected", "kept")
        assert tasks() == set() or all(task.get_name().startswith("Task") for task in tasks())


async def test_where_nothing_listens_the_error_names_the_address() -> None:
    """A port that was free a moment ago."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(ConnectError, match=f"nothing is listening at 127.0.0.1:{port}"):
        await OpenAIRealtimeWebSocket(api_key="sk", url=f"ws://127.0.0.1:{port}/v1").connect()


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1/", "ws://"])
async def test_a_url_that_is_none_is_named(url: str) -> None:
    """Before anything is dialled."""
    with pytest.raises(ConnectError, match="not a WebSocket URL"):
        await OpenAIRealtimeWebSocket(api_key="sk", url=url).connect()


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def _speak_something_else(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


@pytest.mark.parametrize("behave", [_hang_up, _speak_something_else])
async def test_a_server_of_another_kind_is_said_to_be_one(behave: Any) -> None:
    """Whatever it answers."""
    async with raw_server(behave) as address:
        with pytest.raises(ConnectError, match="did not accept a WebSocket"):
            await OpenAIRealtimeWebSocket(api_key="sk", url=f"ws://{address}/").connect()


async def test_tls_to_a_server_without_tls_is_explained() -> None:
    """wss to a plain port: whether it answers in its own language or hangs up."""
    async with raw_server(_speak_something_else) as address, fake_server() as server:
        plain = server.url.replace("ws://", "wss://")
        tls = "TLS handshake failed"
        for url, what in ((f"wss://{address}/", tls), (plain, f"closed the connection|{tls}")):
            with pytest.raises(ConnectError, match=what) as caught:
                await OpenAIRealtimeWebSocket(api_key="sk", url=url, ssl=ssl.create_default_context()).connect()
            assert caught.value.hint


async def test_an_untrusted_certificate_names_the_variable_for_a_ca_of_ones_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And with that variable the connection is made, without anything in the program's own words."""
    async with RealtimeServer(voice="tone", ssl=tls_context(CERTIFICATE, KEY)) as server:
        url = f"{server.url}?model=gpt-realtime"
        with pytest.raises(ConnectError, match="TLS handshake failed") as caught:
            await OpenAIRealtimeWebSocket(api_key="sk", url=url).connect()
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        t = OpenAIRealtimeWebSocket(api_key="sk", url=url)
        await t.connect()
        await t.wait_ready(DEADLINE)
        t.close()
        await t.wait_closed()

    assert "SSL_CERT_FILE" in caught.value.hint


async def test_a_ca_file_of_no_use_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is dialed."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(ConnectError, match=r"SSL_CERT_FILE=/nowhere/ca\.pem cannot be used"):
        await OpenAIRealtimeWebSocket(api_key="sk", url="wss://127.0.0.1:1/").connect()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_loopback_goes_through_no_proxy_of_the_environment(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the company knows nothing of this machine; one that is given for the transport is used."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    async with fake_server() as server:
        url = server.url.replace("127.0.0.1", host)
        t = OpenAIRealtimeWebSocket(api_key="sk", url=url)
        await t.connect()
        t.close()
        await t.wait_closed()
        with pytest.raises(ConnectError):
            await OpenAIRealtimeWebSocket(api_key="sk", url=url, proxy="http://127.0.0.1:1").connect()


async def _never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1000):
        pass


async def test_silence_before_the_upgrade_ends_at_open_timeout() -> None:
    """With a ConnectError, and no socket left."""
    async with raw_server(_never_answer) as address:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=f"ws://{address}/", open_timeout=0.05)
        with pytest.raises(ConnectError, match="no answer"):
            await t.connect()


async def test_a_key_function_that_raises_fails_the_connect_as_it_is() -> None:
    """Nothing was dialled, so nothing is emitted."""

    async def no_key() -> str:
        raise LookupError("no key today")

    t = OpenAIRealtimeWebSocket(api_key=no_key)
    with pytest.raises(LookupError, match="no key today"):
        await t.connect()
    assert t.status == "disconnected"


async def test_a_first_config_that_cannot_be_sent_closes_the_connection() -> None:
    """The caller's mistake is raised; no half configured session is left open, and nothing of it is remembered."""
    async with fake_server() as server:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url, model="before")
        with pytest.raises(ValueError, match="JSON"):
            await t.connect(url=f"{server.url}/other", model="m", initial_session_config={"instructions": {1, 2}})
        await t.wait_closed()

        assert (t.status, t.current_model) == ("disconnected", "before")
        await until(lambda: server.closed == len(server.connections) == 1)


# -- closing and cancelling meanwhile ------------------------------------------------------------


class Slow:
    """A server that takes the connection and answers when it is told."""

    def __init__(self) -> None:
        self.arrived, self.gone = asyncio.Event(), asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.arrived.set()
        while await reader.read(1000):
            pass
        self.gone.set()


async def _connect_until(t: OpenAIRealtimeWebSocket, arrived: asyncio.Event) -> None:
    """Connect with a time limit that is over once the server has been reached, whenever that is."""
    async with asyncio.timeout(None) as limit:
        over = asyncio.ensure_future(arrived.wait())
        over.add_done_callback(lambda _: limit.reschedule(0))
        await t.connect()


@pytest.mark.parametrize("how", ["close", "cancel", "both", "time limit"])
async def test_giving_up_while_connecting_leaves_no_socket(how: str) -> None:
    """close() makes connect() raise, a cancelled connect is cancelled; either way the peer sees the end."""
    slow = Slow()
    async with raw_server(slow) as address:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=f"ws://{address}/")
        before = tasks()
        if how == "time limit":
            with pytest.raises(TimeoutError):
                await _connect_until(t, slow.arrived)
        else:
            connecting = asyncio.create_task(t.connect())
            await asyncio.wait_for(slow.arrived.wait(), DEADLINE)
            if how in ("close", "both"):
                t.close()
            if how in ("cancel", "both"):
                connecting.cancel()
            with pytest.raises(ConnectError if how == "close" else asyncio.CancelledError):
                await connecting

        await asyncio.wait_for(slow.gone.wait(), DEADLINE)
        assert t.status == "disconnected"
        await until(lambda: not [task for task in tasks() - before if "rtcli" in task.get_name()])


async def test_a_listener_that_closes_in_time_spares_the_dial() -> None:
    """At `connecting` nothing has reached the server yet, and after a close() nothing does."""
    async with fake_server() as server:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url)
        t.once("connection_change", lambda status: t.close())
        with pytest.raises(ConnectError):
            await t.connect()
        assert t.status == "disconnected"

        await t.connect()
        assert len(server.requests) == 1
        t.close()
        await t.wait_closed()


async def test_connecting_twice_is_an_error() -> None:
    """While connected and while connecting."""
    async with linked() as link:
        with pytest.raises(UsageError, match="already connected"):
            await link.t.connect()
        assert link.t.status == "connected"


async def test_the_model_cannot_change_in_the_middle_of_a_conversation() -> None:
    """It can before and after."""
    async with linked() as link:
        with pytest.raises(UsageError, match="model"):
            link.t.current_model = "other"
        link.t.close()
        link.t.current_model = "other"
        assert link.t.current_model == "other"


async def test_a_transport_can_be_connected_again() -> None:
    """As a fresh one, with what was configured; listeners are not doubled."""
    async with linked() as link:
        t = link.t
        t.update_session_config({"voice": "cedar"})
        await link.settle()
        t.close()
        await t.wait_closed()
        assert t.session is None
        link.forget()
        await t.connect()
        await t.wait_ready(DEADLINE)
        await link.settle()

        assert link.sent[0]["session"]["audio"]["output"]["voice"] == "cedar"
        assert len(link.payloads("connected")) == 1
        assert [event["type"] for event in link.payloads("*")] == ["session.created"]


# -- the end of a connection ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason", "is_error"),
    [
        (1000, "bye", False),
        (1001, "Your session hit the maximum duration of 60 minutes.", False),
        (1011, "keepalive ping timeout", True),
        (4000, "invalid_request_error.invalid_model", True),
    ],
)
async def test_close_code_and_reason_are_kept_and_named(code: int, reason: str, is_error: bool) -> None:
    """An abnormal end is an `error` that names them; a normal one only ends."""
    async with linked() as link:
        await link.server.connections[-1].close(code, reason)
        await until(lambda: link.payloads("disconnected") != [])

        assert (link.t.close_code, link.t.close_reason) == (code, reason)
        assert len(link.errors) == is_error
        for failure in link.errors:
            assert isinstance(failure, ConnectionLostError)
            assert (failure.code, failure.reason) == (code, reason)
            assert str(code) in str(failure)
            assert reason in str(failure)
        names = [name for name, _ in link.emitted]
        assert names[-2:] == ["connection_change", "disconnected"]


async def test_a_connection_that_breaks_is_noticed_at_once() -> None:
    """No close frame: 1006."""
    async with linked() as link:
        link.server.connections[-1].transport.abort()
        await until(lambda: link.payloads("disconnected") != [])

        assert link.t.close_code == 1006
        assert isinstance(link.errors[0], ConnectionLostError)
        with pytest.raises(NotConnectedError):
            link.t.send_event({"type": "x"})


async def test_a_peer_that_dies_silently_is_noticed_by_the_pings() -> None:
    """Within ping_interval and ping_timeout, though no close frame and no end of the stream ever comes."""
    errors: list[Any] = []
    async with raw_server(upgrade_and_freeze) as address:
        t = OpenAIRealtimeWebSocket(api_key="sk", url=f"ws://{address}/", ping_interval=0.05, ping_timeout=0.05)
        t.on("error", lambda payload: errors.append(payload.error))
        await t.connect()
        await until(lambda: t.status == "disconnected")
        await t.wait_closed()

    assert t.close_code == 1006
    assert isinstance(errors[0], ConnectionLostError)


async def test_nothing_can_be_sent_without_a_connection() -> None:
    """One clear error for all of them; live audio alone is dropped in silence."""
    t = OpenAIRealtimeWebSocket(api_key="sk")
    sends: tuple[Callable[[], None], ...] = (
        lambda: t.send_event({"type": "x"}),
        t.request_response,
        lambda: t.send_message("hi"),
        lambda: t.add_image("data:image/png;base64,"),
        lambda: t.update_session_config({}),
        lambda: t.send_function_call_output({"call_id": "c"}, "x"),
        lambda: t.send_mcp_response({"item_id": "i"}, True),
        lambda: t.reset_history([], [{"item_id": "a", "role": "user", "content": []}]),
    )
    for send in sends:
        with pytest.raises(NotConnectedError, match="not connected"):
            send()
    t.send_audio(b"\0\0", commit=True)
    t.interrupt()
    t.close()
    for wait in (t.flush(), t.ping(), t.wait_ready(1)):
        with pytest.raises(NotConnectedError):
            await wait
    await t.wait_closed()


async def test_a_connection_is_read_by_the_backend_that_its_test_is_named_for(request: pytest.FixtureRequest) -> None:
    """Each test that dials runs with both, and not twice with one."""
    named = request.node.callspec.params["backend"]
    async with linked() as link:
        socket = type(link.t._connection._socket).__name__

    assert socket == {"websockets": "LibrarySocket", "picows": "PicowsSocket"}[named]


async def test_a_ping_measures_the_way_there_and_back() -> None:
    """In seconds; one that never returns because the connection ended is an error of ours."""
    async with linked() as link:
        assert 0 < await link.t.ping() < DEADLINE
        link.server.connections[-1].transport.pause_reading()
        waiting = asyncio.create_task(link.t.ping())
        await asyncio.sleep(0)
        link.server.connections[-1].transport.abort()
        with pytest.raises(NotConnectedError):
            await waiting


async def test_pings_may_overlap() -> None:
    """Each gets its own answer, also one that begins between those of two others."""
    async with linked() as link:
        held: list[Frame] = []
        connection = link.server.connections[-1]
        protocol: Any = connection.protocol
        send = protocol.send_frame
        protocol.send_frame = lambda frame: held.append(frame) if frame.opcode is Opcode.PONG else send(frame)

        async def answer(number: int) -> None:
            await until(lambda: len(held) > number)
            send(held[number])
            connection.send_data()

        first, second = (asyncio.create_task(link.t.ping()) for _ in range(2))
        await until(lambda: len(held) == 2)
        await answer(0)
        await first
        third = asyncio.create_task(link.t.ping())
        await answer(1)
        await answer(2)
        await asyncio.wait_for(asyncio.gather(second, third), DEADLINE)


# -- the odd ways --------------------------------------------------------------------------------


async def _refuse_to_tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    await reader.read()


async def test_a_proxy_that_refuses_is_named() -> None:
    """It is the proxy that has to be looked at, not the server."""
    async with raw_server(_refuse_to_tunnel) as address:
        t = OpenAIRealtimeWebSocket(api_key="sk", url="ws://realtime.test/", proxy=f"http://{address}")
        with pytest.raises(
            ConnectError, match=r"the proxy 127\.0\.0\.1:\d+ \(the argument proxy\) did not connect"
        ) as caught:
            await t.connect()
        assert "the argument proxy" in caught.value.hint


async def test_a_hook_that_raises_is_a_failed_connect() -> None:
    """With what it raised as the cause."""
    boom = PermissionError("no tunnel")
    told: list[str] = []

    async def hook(url: str, headers: dict[str, str]) -> Any:
        raise boom

    t = OpenAIRealtimeWebSocket(api_key="sk", create_websocket=hook)
    t.on("connection_change", told.append)
    with pytest.raises(ConnectError, match="no tunnel") as caught:
        await t.connect()
    assert caught.value.__cause__ is boom
    assert t.status == "disconnected"
    assert told == ["connecting", "disconnected"]


async def test_a_socket_that_opens_after_close_is_closed_again() -> None:
    """A hook that does not mind being cancelled leaves nothing open."""
    opened, begun = QueueSocket(), asyncio.Event()

    async def hook(url: str, headers: dict[str, str]) -> Any:
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            return opened

    t = OpenAIRealtimeWebSocket(api_key="sk", create_websocket=hook)
    connecting = asyncio.create_task(t.connect())
    await begun.wait()
    t.close()
    with pytest.raises(ConnectError, match="was closed before"):
        await connecting
    await t.wait_closed()

    assert opened.closed
    assert t.status == "disconnected"
    assert tasks() == set()


async def test_a_socket_that_opens_in_the_moment_of_a_cancel_is_closed_again() -> None:
    """The attempt is done, and its caller is cancelled before he hears of it."""
    socket, connecting = QueueSocket(), list[asyncio.Task[None]]()

    async def hook(url: str, headers: dict[str, str]) -> Any:
        asyncio.get_running_loop().call_soon(connecting[0].cancel)
        return socket

    t = OpenAIRealtimeWebSocket(api_key="sk", create_websocket=hook)
    connecting.append(asyncio.create_task(t.connect()))
    with pytest.raises(asyncio.CancelledError):
        await connecting[0]
    await t.wait_closed()

    assert socket.closed
    assert t.status == "disconnected"
    assert tasks() == set()


async def test_a_socket_that_fails_to_read_ends_the_connection() -> None:
    """Whatever it raises is the cause."""
    boom, errors = OSError("cable cut"), list[Any]()

    class Broken(QueueSocket):
        async def recv(self) -> str:
            await super().recv()
            raise boom

    socket = Broken()
    t = await _opened(socket)
    t.on("error", lambda payload: errors.append(payload.error))
    await socket.incoming.put("x")
    await until(lambda: t.status == "disconnected")
    await t.wait_closed()

    assert errors[0].__cause__ is boom
    assert tasks() == set()


async def test_a_host_that_is_not_found_is_named() -> None:
    """The name of the host, and what to check."""

    async def hook(url: str, headers: dict[str, str]) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    t = OpenAIRealtimeWebSocket(api_key="sk", url="wss://realtime.test/v1", create_websocket=hook)
    with pytest.raises(ConnectError, match=r"cannot resolve host realtime\.test") as caught:
        await t.connect()
    assert "spelling" in caught.value.hint


async def _answer_with_a_status_of_its_own(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 599 Odd\r\nContent-Length: 3\r\n\r\nodd")
    await writer.drain()
    await reader.read()


async def test_a_status_that_nobody_knows_is_shown_as_it_is() -> None:
    """Gateways invent some."""
    async with raw_server(_answer_with_a_status_of_its_own) as address:
        with pytest.raises(ConnectError, match="HTTP 599: odd") as caught:
            await OpenAIRealtimeWebSocket(api_key="sk", url=f"ws://{address}/").connect()
    assert (caught.value.status, caught.value.body) == (599, "odd")


async def test_a_socket_that_will_not_close_cannot_hold_wait_ready() -> None:
    """One of the caller's own may hang for ever; nothing of ours does."""

    class Stubborn(QueueSocket):
        async def close(self, code: int = 1000, reason: str = "") -> None:
            await asyncio.get_running_loop().create_future()

    t = await _opened(Stubborn())
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(ConnectError, match="no session"):
            await t.wait_ready(0.01)

    assert tasks() == set()


async def test_a_socket_of_the_callers_own_cannot_be_pinged() -> None:
    """It need not offer that; the error says so."""
    t = await _opened(QueueSocket())
    with pytest.raises(UnsupportedError):
        await t.ping()
    t.close()
    await t.wait_closed()


async def test_giving_up_twice_is_giving_up_once() -> None:
    """close() may be called at any time and as often as one likes."""
    async with linked() as link:
        for _ in range(3):
            link.t.close()
        await link.t.wait_closed()
        await link.t.wait_closed()

        assert len(link.payloads("disconnected")) == 1


async def test_the_callers_host_takes_the_place_of_ours() -> None:
    """A tunnel or a virtual host is named by hand; a request with two Hosts would be refused."""
    heads: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with raw_server(note) as address:
        t = OpenAIRealtimeWebSocket(headers={"host": "tunnel.example"}, url=f"ws://{address}/")
        with pytest.raises(ConnectError):
            await t.connect()

    lines = heads[0].decode().lower().split("\r\n")
    assert [line for line in lines if line.startswith("host:")] == ["host: tunnel.example"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"api_key": "0123456789abcdef—"}, r"U\+2014 at 17"),
        ({"headers": {"api-key": "0123456789abcdef\n"}}, r"U\+000A at 17"),
        ({"headers": {"X Bad": "1"}}, "not the name of a header"),
        ({"headers": {"Upgrade": "h2c"}}, "cannot be set"),
    ],
)
async def test_what_cannot_be_sent_is_said_before_dialing(options: dict[str, Any], message: str) -> None:
    """The secret is not in the error."""
    t = OpenAIRealtimeWebSocket(url="ws://127.0.0.1:1/", **options)

    with pytest.raises(UsageError, match=message) as caught:
        await t.connect()
    assert "0123456789" not in str(caught.value)


@pytest.mark.parametrize("code", ["insufficient_quota", "credit_balance_exhausted"])
async def test_an_account_without_credit_is_not_told_to_wait(code: str) -> None:
    """A 429 that no waiting ends names the billing page."""
    async with fake_server(refuse=(HTTPStatus.TOO_MANY_REQUESTS, json.dumps({"error": {"code": code}}))) as server:
        with pytest.raises(ConnectError) as caught:
            await OpenAIRealtimeWebSocket(url=server.url, headers={}).connect()

    assert "billing" in caught.value.hint
