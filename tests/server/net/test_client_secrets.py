"""Client secrets: made by POST, used as keys, each with its session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from rtcli.protocol.models import DEFAULT_MODEL
from rtcli.server import RealtimeServer
from rtcli.server.net.client_secrets import ClientSecrets
from tests.kit.waiting import DEADLINE
from tests.server.client import dial, session

SESSION = {"type": "realtime", "model": "gpt-realtime-2.1", "instructions": "Baked in."}


def url(server: RealtimeServer, path: str = "/v1/realtime/client_secrets") -> str:
    return f"http://{urlsplit(server.url).netloc}{path}"


async def post(server: RealtimeServer, body: Any, key: str | None = None, **options: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx2.AsyncClient(timeout=DEADLINE) as client:
        return await client.post(url(server), json=body, headers=headers | options.get("headers", {}))


async def test_a_secret_opens_a_session_with_its_configuration() -> None:
    """As often as it is used; what it says of a model need not be in the address."""
    async with RealtimeServer(voice="tone", key="sk-right-0123456789") as server:
        answer = await post(server, {"session": SESSION}, "sk-right-0123456789")
        secret = answer.json()
        for _ in range(2):
            headers = {"Authorization": f"Bearer {secret['value']}"}
            async with dial(server, "", additional_headers=headers) as client:
                created = (await client.until("session.created"))["session"]

    assert answer.status_code == 200
    assert list(secret) == ["value", "expires_at", "session"]
    assert secret["value"].startswith("ek_")
    assert (secret["session"]["expires_at"], secret["session"]["instructions"]) == (0, "Baked in.")
    assert (created["model"], created["instructions"]) == ("gpt-realtime-2.1", "Baked in.")
    assert created["id"] != secret["session"]["id"]


async def test_a_secret_may_be_for_a_transcription() -> None:
    """Without a key of the server, too; an empty body makes a plain session."""
    async with RealtimeServer(voice="tone") as server:
        secret = (await post(server, {"session": {"type": "transcription"}})).json()["value"]
        plain = (await post(server, {})).json()["session"]
        async with dial(server, "", additional_headers={"Authorization": f"Bearer {secret}"}) as client:
            created = await client.until("session.created")

    assert created["session"]["type"] == "transcription"
    assert plain["model"] == DEFAULT_MODEL


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"session": {"type": "realtime", "bogus": 1}}, "session.bogus"),
        ({"session": {}}, "session.type"),
        ({"expires_after": {"anchor": "created_at", "seconds": 5}}, "expires_after.seconds"),
        ({"expires": 1}, "expires"),
        ([], None),
    ],
)
async def test_a_wrong_configuration_is_refused(body: Any, param: str | None) -> None:
    """400, in the words of a session.update."""
    async with RealtimeServer(voice="tone") as server:
        answer = await post(server, body)

    assert answer.status_code == 400
    if param:
        assert answer.json()["error"]["param"] == param


async def test_only_who_has_the_key_makes_secrets() -> None:
    """No key, a wrong one, a secret in its place, a web page: all are refused, as is another path."""
    async with RealtimeServer(voice="tone", key="sk-right-0123456789") as server:
        secret = (await post(server, {}, "sk-right-0123456789")).json()["value"]
        codes = [(await post(server, {}, key)).status_code for key in (None, "sk-wrong", secret)]
        page = await post(server, {}, "sk-right-0123456789", headers={"Origin": "https://evil.example"})
        async with httpx2.AsyncClient() as client:
            headers = {"Authorization": "Bearer sk-right-0123456789"}
            other = await client.post(url(server, "/v1/responses"), json={}, headers=headers)

    assert codes == [401, 401, 401]
    assert (page.status_code, other.status_code) == (403, 404)


def test_a_secret_expires() -> None:
    """After ten minutes, or as it was asked for."""
    now = 1_000.0
    secrets = ClientSecrets(lambda: now)
    _, usual = secrets.create(b"")
    _, short = secrets.create(b'{"expires_after": {"anchor": "created_at", "seconds": 10}}')
    now = 1_011.0

    assert (usual["expires_at"], short["expires_at"]) == (1_600, 1_010)
    assert secrets.session_of(short["value"]) is None
    assert secrets.session_of(usual["value"]) is not None
    assert secrets.create(b"{broken")[0] == 400


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n", b"413"),
        (b"POST\x20\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
    ],
)
async def test_a_broken_post_is_answered_and_over(request_: bytes, status: bytes) -> None:
    """The server goes on."""
    async with RealtimeServer(voice="tone") as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
        for start in range(0, len(request_), 3_000):  # in pieces, as it may arrive
            writer.write(request_[start : start + 3_000])
        answer = await asyncio.wait_for(reader.read(64), DEADLINE)
        writer.close()
        async with session(server) as client:
            assert client.types() == ["session.created"]

    assert answer.startswith(b"HTTP/1.1 " + status)


async def test_a_body_in_chunks_is_read() -> None:
    """As clients send what they stream."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"session": '
        yield json.dumps(SESSION).encode() + b"}"

    async with RealtimeServer(voice="tone") as server, httpx2.AsyncClient(timeout=DEADLINE) as client:
        made = await client.post(url(server), content=pieces())

    assert made.json()["session"]["instructions"] == "Baked in."


async def test_other_methods_are_refused() -> None:
    """With those that are not."""
    async with RealtimeServer(voice="tone") as server, httpx2.AsyncClient(timeout=DEADLINE) as client:
        answers = [await client.request(method, url(server)) for method in ("PUT", "DELETE", "HEAD")]

    assert [(answer.status_code, answer.headers["allow"]) for answer in answers] == [(405, "POST, OPTIONS")] * 3


@pytest.mark.parametrize("allowed", ["http://localhost:3000", "*"])
async def test_a_page_of_an_allowed_origin_may_post(allowed: str) -> None:
    """A browser asks first, then posts, and lets the page read the answer."""
    origin = "http://localhost:3000"
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    async with (
        RealtimeServer(voice="tone", key="sk-right-0123456789", allow_origin=[allowed]) as server,
        httpx2.AsyncClient(timeout=DEADLINE) as client,
    ):
        preflight = await client.options(url(server), headers=asked)  # it carries no key
        made = await post(server, {}, "sk-right-0123456789", headers={"Origin": origin})
        refused = await post(server, {}, "sk-wrong", headers={"Origin": origin})

    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert preflight.headers["access-control-allow-headers"] == "authorization,content-type"
    assert preflight.headers["access-control-allow-private-network"] == "true"
    assert [made.status_code, refused.status_code] == [200, 401]
    assert {a.headers["access-control-allow-origin"] for a in (preflight, made, refused)} == {origin}


async def test_a_page_of_another_origin_is_told_nothing() -> None:
    """Its browser then keeps it from posting, and the server would refuse it too."""
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with (
        RealtimeServer(voice="tone", allow_origin=["http://localhost:3000"]) as server,
        httpx2.AsyncClient(timeout=DEADLINE) as client,
    ):
        answer = await client.options(url(server), headers=headers)

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
