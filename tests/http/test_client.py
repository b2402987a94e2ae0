"""Requests: what comes back, why nothing does, and where they do not go."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rtcli.errors import ConnectError
from rtcli.http import client
from rtcli.http.client import stream
from rtcli.server import RealtimeServer
from rtcli.server.net.tls import tls_context
from tests.kit.fake_server import raw_server

FOLDER = Path(__file__).parents[1] / "server" / "net" / "certificate"
CERTIFICATE, KEY = FOLDER / "certificate.pem", FOLDER / "key.pem"
TIMEOUT = 10


def secrets_url(server: RealtimeServer) -> str:
    return server.url.replace("ws", "http", 1) + "/client_secrets"


@pytest.fixture
async def server() -> AsyncIterator[RealtimeServer]:
    async with RealtimeServer(voice="tone") as server:
        yield server


async def made(url: str, tls: ssl.SSLContext | None = None) -> bytes:
    async with stream("POST", url, json={}, timeout=TIMEOUT, tls=tls) as response:
        return await response.aread()


async def test_a_request_gets_its_response(server: RealtimeServer) -> None:
    """Its body as JSON."""
    assert b'"value": "ek_' in await made(secrets_url(server))


async def test_another_status_is_an_error_with_what_the_server_says(server: RealtimeServer) -> None:
    """Status and text; of the address no query, which may hold a key."""
    with pytest.raises(ConnectError) as caught:
        await made(secrets_url(server).replace("client_secrets", "nothing?key=secret"))

    assert caught.value.status == 404
    assert "HTTP 404 Not Found" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "Not found." in caught.value.body


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[broken/", "nothing", "http://nowhere.invalid/"])
async def test_a_request_that_cannot_be_made_says_why(url: str) -> None:
    """Refused, no URL, no host."""
    with pytest.raises(ConnectError, match=r"POST .* failed: "):
        await made(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_port_where_nobody_listens_is_told_as_for_a_websocket(host: str) -> None:
    """Also where several addresses are tried, which fail together."""
    with pytest.raises(ConnectError, match=r"failed: Connection refused") as caught:
        await made(f"http://{host}:1/v1")

    assert caught.value.hint == "is the server running, and is this its port?"


async def test_https_to_a_port_without_tls_is_told_in_words(server: RealtimeServer) -> None:
    """Not in OpenSSL's, with the line of its source."""
    with pytest.raises(ConnectError) as caught:
        await made(secrets_url(server).replace("http:", "https:"))

    assert str(caught.value).endswith(("failed: wrong version number", "failed: record layer failure"))
    assert "speak TLS" in caught.value.hint


@pytest.mark.parametrize("text", ["Name or service not known", "Temporary failure in name resolution"])
def test_a_host_that_is_not_known_is_told_without_its_number(text: str) -> None:
    """However deep below the library's own error it is."""
    error = OSError("all attempts failed")
    error.__cause__ = socket.gaierror(-2, text)

    failed = client.failed_request("GET", "http://nosuch.invalid/", error)

    assert str(failed) == f"GET http://nosuch.invalid/ failed: {text}"
    assert "spelling" in failed.hint


async def test_a_proxy_that_is_given_is_the_one_that_is_asked() -> None:
    """Not the environment's, and also for an address on this machine; what is wrong is the proxy, not the target."""
    with pytest.raises(ConnectError, match=r"the proxy 127\.0\.0\.1:1 .*Connection refused"):
        async with stream("GET", "http://127.0.0.1:2/", timeout=TIMEOUT, proxy="http://127.0.0.1:1"):
            pass


async def test_none_is_no_proxy(server: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says, and for loopback nothing is exempted by hand."""
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with stream("POST", secrets_url(server), json={}, timeout=TIMEOUT, proxy=None) as response:
        assert b'"value": "ek_' in await response.aread()


async def test_loopback_goes_through_no_proxy(server: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the company knows nothing of this machine."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert await made(secrets_url(server))


async def test_an_untrusted_certificate_names_the_way_out() -> None:
    """The variable for a CA of one's own; with it the request is made."""
    async with RealtimeServer(voice="tone", ssl=tls_context(CERTIFICATE, KEY)) as server:
        with pytest.raises(ConnectError) as caught:
            await made(secrets_url(server))
        trusting = ssl.create_default_context(cafile=CERTIFICATE)
        assert await made(secrets_url(server), tls=trusting)

    assert "SSL_CERT_FILE" in caught.value.hint


async def test_the_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE alone is enough."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with RealtimeServer(voice="tone", ssl=tls_context(CERTIFICATE, KEY)) as server:
        assert await made(secrets_url(server))


def test_a_url_is_shown_without_its_secrets() -> None:
    """No query, no user, no password."""
    assert client.shown("https://me:pw@host/path?key=secret") == "https://host/path"


@pytest.mark.parametrize("headers", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"], ids=["head", "body"])
async def test_a_server_that_trickles_does_not_hold_a_request_up(headers: bytes) -> None:
    """Each byte comes in time, and the whole never does: there is a limit to that too."""

    async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(headers)
        while True:
            writer.write(b"x" if headers else b"H")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with raw_server(trickle) as address:
        with pytest.raises(ConnectError, match=r"not complete after 0\.3 s"):
            async with stream("GET", f"http://{address}/", timeout=TIMEOUT, total=0.3) as response:
                await response.aread()
