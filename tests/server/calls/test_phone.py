"""Telephone calls: they ring, are announced, accepted or not, heard both ways, and end from either side."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from rtcli.dsp.levels import rms_db
from rtcli.errors import ConnectError
from rtcli.http.front import HttpRequest, HttpResponse
from rtcli.server import RealtimeServer
from rtcli.server.calls.life import CallStage
from rtcli.server.calls.phone import Phone
from tests.kit.waiting import DEADLINE, until
from tests.kit.webhooks import application
from tests.server.client import dial
from tests.server.playbook import voice

REALTIME = {"type": "realtime"}


@pytest.fixture
async def server() -> AsyncIterator[RealtimeServer]:
    async with RealtimeServer(pace=0, voice="tone") as running:
        yield running


async def post(server: RealtimeServer, path: str, body: Any = None, **headers: str) -> httpx2.Response:
    url = f"{server.url.replace('ws', 'http', 1)}/calls/{path}"
    async with httpx2.AsyncClient(timeout=DEADLINE) as client:
        return await client.post(url, json=body, headers=headers)


async def accepted(server: RealtimeServer, **session: Any) -> Phone:
    phone = await server.ring()
    answer = await post(server, f"{phone.call_id}/accept", REALTIME | session)
    assert (answer.status_code, answer.content) == (200, b"")
    return phone


async def test_a_call_is_announced_before_it_is_answered() -> None:
    """The application may accept it while it still has the webhook in hand, as most do."""
    async with application() as app, RealtimeServer(pace=0, voice="tone", webhook=app.url) as server:

        async def accept(request: HttpRequest) -> HttpResponse:
            call_id = json.loads(request.body)["data"]["call_id"]
            return HttpResponse((await post(server, f"{call_id}/accept", REALTIME)).status_code)

        app.respond = accept
        phone = await server.ring([("From", "sip:+1555@example.com")])

    event = json.loads(app.received[0].body)
    assert await phone.answered() is False or phone.stage.over
    assert event["data"] == {
        "call_id": phone.call_id,
        "sip_headers": [{"name": "From", "value": "sip:+1555@example.com"}],
    }


async def test_a_call_that_nobody_is_told_of_is_over() -> None:
    """The application does not listen, or fails: the caller of ring() learns why."""
    async with application() as app, RealtimeServer(voice="tone", webhook=app.url) as server:

        async def fail(request: HttpRequest) -> HttpResponse:
            return HttpResponse(500)

        app.respond = fail
        with pytest.raises(ConnectError, match="500"):
            await server.ring()
        call_id = json.loads(app.received[0].body)["data"]["call_id"]

        assert (await post(server, f"{call_id}/accept", REALTIME)).status_code in (400, 404)


async def test_caller_and_session_hear_each_other(server: RealtimeServer) -> None:
    """What the caller says becomes a turn; what is answered comes over the line, in the quality of a telephone."""
    phone = await accepted(server)
    async with dial(server, f"?call_id={phone.call_id}") as client:
        phone.say(voice(1.0))
        await phone.said()
        await client.until("output_audio_buffer.stopped")
        phone_heard = phone.heard
        await phone.hang_up()
        closed = await client.closed()

    names = client.types()
    assert names.index("input_audio_buffer.speech_started") < names.index("output_audio_buffer.started")
    assert "response.output_audio.delta" not in names
    assert phone.spoken_ms > 500
    assert rms_db(phone_heard) > -50
    assert closed[0] == 1000
    assert phone.stage is CallStage.LEFT


async def test_a_call_cannot_be_joined_before_it_is_accepted(server: RealtimeServer) -> None:
    """404, as for one that is not known."""
    phone = await server.ring()
    with pytest.raises(Exception, match="404"):
        async with dial(server, f"?call_id={phone.call_id}"):
            pass
    await phone.hang_up()

    assert await phone.answered() is False


async def test_a_call_can_be_accepted_once(server: RealtimeServer) -> None:
    """And then not be rejected."""
    phone = await accepted(server)

    for verb, body in (("accept", REALTIME), ("reject", {})):
        answer = await post(server, f"{phone.call_id}/{verb}", body)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "invalid_call_state"
    await phone.hang_up()


@pytest.mark.parametrize(("body", "status"), [({"status_code": 486}, 486), ({}, 603), (None, 603)])
async def test_a_call_is_rejected_with_a_status(server: RealtimeServer, body: Any, status: int) -> None:
    """603 where none is named."""
    phone = await server.ring()
    answer = await post(server, f"{phone.call_id}/reject", body)

    assert answer.status_code == 200
    assert await phone.ended() is CallStage.REJECTED
    assert await phone.answered() is False
    assert phone.call.status_code == status


async def test_a_call_is_referred(server: RealtimeServer) -> None:
    """Its session ends, and the caller is told where to call."""
    phone = await accepted(server)
    refused = await post(server, f"{phone.call_id}/refer", {})
    answer = await post(server, f"{phone.call_id}/refer", {"target_uri": "tel:+14155550123"})

    assert refused.json()["error"]["param"] == "target_uri"
    assert answer.status_code == 200
    assert await phone.ended() is CallStage.REFERRED
    assert phone.call.target == "tel:+14155550123"
    await until(lambda: not server.sessions, "the end of the session")


async def test_a_call_is_hung_up(server: RealtimeServer) -> None:
    """Who joined it is closed with 1000; the call is not known any more."""
    phone = await accepted(server)
    async with dial(server, f"?call_id={phone.call_id}") as client:
        answer = await post(server, f"{phone.call_id}/hangup")
        code, _ = await client.closed()

    assert (answer.status_code, code) == (200, 1000)
    assert await phone.ended() is CallStage.HUNG_UP
    assert (await post(server, f"{phone.call_id}/hangup")).status_code == 404
    await until(lambda: not [*server._calls], "nothing is kept of it")


@pytest.mark.parametrize("verb", ["accept", "reject", "refer", "hangup"])
async def test_a_call_that_is_not_known_is_not_found(server: RealtimeServer, verb: str) -> None:
    """In the API's shape of an error."""
    answer = await post(server, f"rtc_nobody/{verb}", {})

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "call_id_not_found"


@pytest.mark.parametrize("name", ["threshold", "prefix_padding_ms", "silence_duration_ms"])
async def test_a_call_has_no_settings_of_voice_detection(server: RealtimeServer, name: str) -> None:
    """The API refuses these three by telephone, with these words; the call rings on."""
    phone = await server.ring()
    detection = {"type": "server_vad", name: 0}
    answer = await post(
        server, f"{phone.call_id}/accept", REALTIME | {"audio": {"input": {"turn_detection": detection}}}
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f"Unknown parameter: 'session.audio.input.turn_detection.{name}'."
    assert phone.stage is CallStage.RINGING
    await phone.hang_up()


@pytest.mark.parametrize("body", [{}, {"type": "transcription"}, {"type": "realtime", "bogus": 1}, [], "x"])
async def test_a_session_that_cannot_be_had_is_refused(server: RealtimeServer, body: Any) -> None:
    """400, and the call rings on."""
    phone = await server.ring()
    answer = await post(server, f"{phone.call_id}/accept", body)

    assert answer.status_code == 400
    assert phone.stage is CallStage.RINGING
    await phone.hang_up()


async def test_keys_of_the_telephone_arrive_in_order(server: RealtimeServer) -> None:
    """Each as an event; one that no telephone has is refused, and so is one before the call."""
    ringing = await server.ring()
    with pytest.raises(ValueError, match="is ringing"):
        ringing.press("1")
    phone = await accepted(server)
    async with dial(server, f"?call_id={phone.call_id}") as client:
        phone.press("4#")
        pressed = [await client.until("input_audio_buffer.dtmf_event_received") for _ in range(2)]
        with pytest.raises(ValueError, match="'x'"):
            phone.press("x")
        await phone.hang_up()

    assert [event["event"] for event in pressed] == ["4", "#"]
    assert "event_id" not in pressed[0]


async def test_a_caller_who_interrupts_is_heard_at_once() -> None:
    """What was being said is cut where it was heard."""
    async with RealtimeServer(pace=4, voice="tone") as server:
        phone = await accepted(server)
        async with dial(server, f"?call_id={phone.call_id}") as client:
            await client.say("Count to 100")
            await client.until("output_audio_buffer.started")
            phone.say(voice(1.0))
            cut = await client.until("conversation.item.truncated")
            heard = phone.spoken_ms
            await phone.hang_up()

    assert "output_audio_buffer.cleared" in client.types()
    assert 0 < cut["audio_end_ms"] <= heard


async def test_a_call_ends_when_its_session_expires() -> None:
    """The caller is gone then, and who joined sees why."""
    async with RealtimeServer(pace=0, voice="tone", expires_after=0.3) as server:
        phone = await accepted(server)
        async with dial(server, f"?call_id={phone.call_id}") as client:
            code, _ = await client.closed()

        assert code in (1000, 1001)
        assert "session_expired" in json.dumps(client.seen)
        assert (await phone.ended()).over


async def test_a_server_that_ends_leaves_no_call() -> None:
    """Neither one that rings nor one that runs; nobody waits for ever."""
    async with RealtimeServer(pace=0, voice="tone") as server:
        ringing = await server.ring()
        running = await accepted(server)

    assert await ringing.answered() is False
    assert (await running.ended()).over


async def test_only_who_has_the_key_takes_calls() -> None:
    """A client secret does not: it opens sessions."""
    async with RealtimeServer(voice="tone", key="sk-right-0123456789") as server:
        phone = await server.ring()
        without = await post(server, f"{phone.call_id}/accept", REALTIME)
        with_key = await post(server, f"{phone.call_id}/accept", REALTIME, authorization="Bearer sk-right-0123456789")

    assert (without.status_code, with_key.status_code) == (401, 200)
