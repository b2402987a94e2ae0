"""The official Python client as a receptionist: it verifies our webhook, and controls calls by our endpoints."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rtcli.server import RealtimeServer
from rtcli.server.calls.life import CallStage
from rtcli.server.calls.phone import Phone
from tests.kit.calls import make_side, needs_webrtc
from tests.kit.foreign import UnavailableError, foreign_node_modules, foreign_python
from tests.kit.waiting import DEADLINE, until
from tests.server.calls.test_browser_calls import post

pytestmark = pytest.mark.foreign

RECEIVER = Path(__file__).with_name("call_receiver.py")
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="


class Receiver:
    """The application in its own process; `told` has what it said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.told: list[dict[str, Any]] = []

    async def until(self, what: str) -> dict[str, Any]:
        """Read up to a line."""
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            while line := await self._process.stdout.readline():
                self.told.append(json.loads(line))
                if self.told[-1]["what"] == what:
                    return self.told[-1]
        assert self._process.stderr is not None
        raise AssertionError(f"{what} did not come: {(await self._process.stderr.read()).decode()}")

    def write(self, **line: Any) -> None:
        """A line for its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")


@asynccontextmanager
async def receiver(secret: str = SECRET) -> AsyncIterator[tuple[Receiver, RealtimeServer]]:
    """The application, and the server that announces calls to it."""
    try:
        python = await asyncio.to_thread(foreign_python)
    except UnavailableError as reason:
        pytest.skip(str(reason))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        str(python), str(RECEIVER), SECRET, stdin=pipe, stdout=pipe, stderr=pipe,
        env=os.environ | {"NO_PROXY": "127.0.0.1"}, limit=2**20,
    )  # fmt: skip
    try:
        app = Receiver(process)
        url = (await app.until("serves"))["url"]
        async with RealtimeServer(pace=4, voice="tone", webhook=url, webhook_secret=secret) as server:
            yield app, server
    finally:
        process.kill()
        await process.wait()


async def ring(server: RealtimeServer, plan: str) -> Phone:
    return await server.ring([("From", "sip:+15550100@example.com"), ("X-Plan", plan), ("X-Api", server.url)])


async def test_a_call_is_taken_and_ended() -> None:
    """It verifies, accepts, joins, speaks and hears a key, all by its own typed methods and events."""
    async with receiver() as (app, server):
        phone = await ring(server, "converse")
        await app.until("greeted")
        phone.press("5")
        await app.until("left")
        stage = await phone.ended()

    assert stage is CallStage.HUNG_UP
    assert phone.spoken_ms > 300
    said = {line["what"]: line for line in app.told}
    assert said["rings"]["call_id"] == phone.call_id
    assert said["rings"]["event"] == "RealtimeCallIncomingWebhookEvent"
    assert said["key"] == {"what": "key", "key": "5", "event": "InputAudioBufferDtmfEventReceivedEvent"}


async def test_a_call_is_rejected() -> None:
    """With the SIP status that it names."""
    async with receiver() as (_app, server):
        phone = await ring(server, "reject")
        stage = await phone.ended()

    assert (stage, phone.call.status_code) == (CallStage.REJECTED, 486)


async def test_a_call_is_referred() -> None:
    """To a URI."""
    async with receiver() as (app, server):
        phone = await ring(server, "refer")
        await app.until("referred")
        stage = await phone.ended()

    assert (stage, phone.call.target) == (CallStage.REFERRED, "sip:agent@example.com")


async def test_a_webhook_with_another_secret_is_forged() -> None:
    """The client says so, and the caller is told that nobody took the call."""
    async with receiver("another secret") as (app, server):
        with pytest.raises(Exception, match="400"):
            await ring(server, "converse")
        forged = await app.until("forged")

    assert "signature" in forged["error"]


@needs_webrtc
async def test_an_offer_is_posted_and_its_call_ended() -> None:
    """By `calls.create` with a session beside the offer, and `calls.hangup`; a second one is not found."""
    async with receiver() as (app, server):
        side = make_side()
        session = {"type": "realtime", "instructions": "By form."}
        app.write(api=server.url, sdp=await side.peer.offer(), session=session)
        created = await app.until("created")
        await side.peer.answer(created["sdp"])
        await until(lambda: side.texts, "session.created")
        app.write()
        over = await app.until("over")
        await until(lambda: side.ends, "the end of the call")
        await side.peer.close()

    assert created["status"] == 201
    assert json.loads(side.texts[0])["session"]["instructions"] == "By form."
    assert over["code"] == "call_id_not_found"


async def test_the_javascript_sdk_joins_a_call() -> None:
    """Its SIP transport steers what the caller hears; the session that it would accept a call with is taken."""
    try:
        folder = await asyncio.to_thread(foreign_node_modules)
    except UnavailableError as reason:
        pytest.skip(str(reason))
    script = folder / "sip_reference.mjs"
    await asyncio.to_thread(shutil.copyfile, RECEIVER.with_name("sip_reference.mjs"), script)
    async with RealtimeServer(pace=4, voice="tone") as server:
        phone = await server.ring()
        assert (await post(server, f"/{phone.call_id}/accept", '{"type": "realtime"}')).status_code == 200
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            "node", str(script), server.url, phone.call_id, stdout=pipe, stderr=pipe
        )
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE)
        await phone.hang_up()
        assert process.returncode == 0, err.decode()
        told = json.loads(out)
        other = await server.ring()
        taken = await post(server, f"/{other.call_id}/accept", json.dumps({"type": "realtime", **told["accepted"]}))
        await other.hang_up()

    assert "response.output_audio.delta" not in told["types"]
    assert 0 < told["audio_end_ms"] <= phone.spoken_ms
    assert taken.status_code == 200, taken.text
