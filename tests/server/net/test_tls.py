"""TLS: for clients that dial wss alone."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage

from rtcli.errors import InputError, UsageError
from rtcli.server import RealtimeServer
from rtcli.server.net.serve import serve
from rtcli.server.net.tls import tls_context
from tests.kit.waiting import DEADLINE
from tests.server.client import MODEL

FOLDER = Path(__file__).parent / "certificate"
CERTIFICATE, KEY = FOLDER / "certificate.pem", FOLDER / "key.pem"


def trusting() -> ssl.SSLContext:
    """A client's context that trusts the certificate of the tests and nothing else, and checks the host's name."""
    return ssl.create_default_context(cafile=CERTIFICATE)


async def test_a_server_with_a_certificate_speaks_wss() -> None:
    """Its address says so; a client that checks the certificate is served, and so is a POST."""
    async with RealtimeServer(voice="tone", ssl=tls_context(CERTIFICATE, KEY)) as server:
        async with connect(server.url + MODEL, ssl=trusting()) as connection:
            created = json.loads(await asyncio.wait_for(connection.recv(), DEADLINE))
        async with httpx2.AsyncClient(verify=trusting()) as http:
            url = server.url.replace("wss:", "https:")
            made = await http.post(f"{url}/client_secrets", json={})

    assert server.url.startswith("wss://127.0.0.1:")
    assert created["type"] == "session.created"
    assert made.json()["value"].startswith("ek_")


async def test_a_client_without_tls_is_not_served() -> None:
    """And does no harm."""
    async with RealtimeServer(voice="tone", ssl=tls_context(CERTIFICATE, KEY)) as server:
        with pytest.raises((InvalidMessage, OSError)):
            await connect(server.url.replace("wss:", "ws:") + MODEL)
        async with connect(server.url + MODEL, ssl=trusting()) as connection:
            assert json.loads(await asyncio.wait_for(connection.recv(), DEADLINE))["type"] == "session.created"


async def test_one_file_may_hold_both_and_serve_announces_wss(tmp_path: Path) -> None:
    """As many tools write them."""
    both = tmp_path / "both.pem"
    both.write_bytes(KEY.read_bytes() + CERTIFICATE.read_bytes())
    server, announced = RealtimeServer(voice="tone", ssl=tls_context(both, None)), list[str]()
    stop = asyncio.Event()
    stop.set()
    await serve(server, announce=announced.append, log=lambda line: None, until=stop.wait)

    assert announced[0].startswith("wss://127.0.0.1:")


def test_without_files_there_is_no_tls() -> None:
    """The ordinary case."""
    assert tls_context(None, None) is None


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """A file that is not there, no PEM, a key of another certificate, a key alone."""
    nothing, empty = tmp_path / "none.pem", tmp_path / "empty.pem"
    empty.write_text("")
    for pair, named in (((nothing, KEY), nothing), ((CERTIFICATE, nothing), nothing), ((empty, KEY), empty)):
        with pytest.raises(InputError, match=named.name):
            tls_context(*pair)
    with pytest.raises(InputError, match="belong together"):
        tls_context(CERTIFICATE, CERTIFICATE)
    with pytest.raises(UsageError, match="without its certificate"):
        tls_context(None, KEY)
