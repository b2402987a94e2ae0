"""Calls over WebRTC: the offer that is posted, the session behind it, and how it ends from every side."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rtcli.dsp.levels import rms_db
from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.events import WireObject
from rtcli.protocol.record import Audio, Connection, Direction, Frame
from rtcli.recording.reader import open_recording
from rtcli.rtc.peer import PeerEnd
from rtcli.server import RealtimeServer
from rtcli.server.calls import calls, channel, endpoints, webrtc
from tests.kit.calls import Side, make_side, needs_webrtc
from tests.kit.waiting import DEADLINE, until
from tests.server.calls.test_offers import FORM, SDP, form
from tests.server.client import dial
from tests.server.playbook import user, voice

ORIGIN = "http://127.0.0.1:3000"


async def post(server: RealtimeServer, path: str = "", body: bytes | str = SDP, **headers: str) -> httpx2.Response:
    url = f"{server.url.replace('ws', 'http', 1)}/calls{path}"
    sent = {"Content-Type": "application/sdp"} | {name.replace("_", "-"): text for name, text in headers.items()}
    async with httpx2.AsyncClient(timeout=DEADLINE) as client:
        return await client.post(url, content=body, headers=sent)


class Caller:
    """One caller: `say` is spoken, `events` have come."""

    def __init__(self) -> None:
        self._to_say = bytearray()
        self.side: Side = make_side(self._next)
        self.call_id = ""

    @property
    def events(self) -> list[WireObject]:
        return [json.loads(text) for text in self.side.texts]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def say(self, pcm: bytes) -> None:
        self._to_say += pcm

    async def send(self, type_: str, **fields: Any) -> None:
        await self.side.peer.send(json.dumps({"type": type_, **fields}))

    async def ask(self, text: str) -> None:
        await self.send("conversation.item.create", item=user(text))
        await self.send("response.create")

    async def until(self, type_: str, number: int = 1) -> WireObject:
        """The first event of that type, or a later one."""
        await until(lambda: self.types().count(type_) >= number, type_)
        return [event for event in self.events if event["type"] == type_][number - 1]

    def _next(self) -> bytes | None:
        frame = bytes(self._to_say[:960])
        del self._to_say[:960]
        return frame.ljust(960, b"\0") if frame else None


@asynccontextmanager
async def calling(server: RealtimeServer, query: str = "", **session: Any) -> AsyncIterator[Caller]:
    """A call whose session is created; with settings it is posted as a form."""
    caller = Caller()
    try:
        offer = await caller.side.peer.offer()
        if session:
            body = form(sdp=offer.encode(), session=json.dumps({"type": "realtime", **session}).encode())
            answer = await post(server, query, body, Content_Type=FORM)
        else:
            answer = await post(server, query, offer)
        assert answer.status_code == 201, answer.text
        caller.call_id = answer.headers["location"].removeprefix("/v1/realtime/calls/")
        await caller.side.peer.answer(answer.text)
        await caller.until("session.created")
        yield caller
    finally:
        await caller.side.peer.close()


@pytest.fixture
async def server() -> AsyncIterator[RealtimeServer]:
    async with RealtimeServer(voice="tone") as running:
        yield running


@needs_webrtc
async def test_a_call_is_answered_with_its_place(server: RealtimeServer) -> None:
    """The first event is session.created; the call is one of the server's, and is named by Location."""
    async with calling(server, "?model=gpt-realtime-mini", instructions="Be brief.") as caller:
        created = await caller.until("session.created")

        assert server.calls == (caller.call_id,)
        assert created["session"]["id"] == caller.call_id.replace("rtc_", "sess_")
        assert (created["session"]["model"], created["session"]["instructions"]) == ("gpt-realtime-mini", "Be brief.")


@needs_webrtc
async def test_a_secret_brings_the_session_of_a_call() -> None:
    """As pages use it: the key is short-lived, and the offer comes alone."""
    async with RealtimeServer(voice="tone", key="sk-right-0123456789") as server:
        secret = await post(
            server,
            "/../client_secrets",
            json.dumps({"session": {"type": "realtime", "instructions": "Baked in."}}),
            Authorization="Bearer sk-right-0123456789",
        )
        caller = Caller()
        offer = await caller.side.peer.offer()
        refused = await post(server, "", offer)
        answer = await post(server, "", offer, Authorization=f"Bearer {secret.json()['value']}")
        await caller.side.peer.answer(answer.text)
        created = await caller.until("session.created")
        await caller.side.peer.close()

    assert refused.status_code == 401
    assert created["session"]["instructions"] == "Baked in."


@needs_webrtc
async def test_what_is_said_is_heard_and_answered(server: RealtimeServer) -> None:
    """By Opus both ways; no event carries audio, and its start and end are told."""
    async with calling(server) as caller:
        caller.say(voice(0.8))
        await caller.until("output_audio_buffer.stopped")
        heard = caller.side.pcm()

        names = caller.types()
        assert names.index("input_audio_buffer.speech_stopped") < names.index("output_audio_buffer.started")
        assert names.index("response.done") < names.index("output_audio_buffer.stopped")
        assert "response.output_audio.delta" not in names
        assert rms_db(heard) > -50


@needs_webrtc
async def test_an_answer_is_cut_where_it_was_heard(server: RealtimeServer) -> None:
    """By the client, and the line is silent then; the position is what was handed to the track."""
    async with calling(server) as caller:
        await caller.ask("Count to 100")
        await caller.until("output_audio_buffer.started")
        start = len(caller.side.audio)
        await until(lambda: len(caller.side.audio) >= start + 25, "half a second")
        await caller.send("output_audio_buffer.clear")
        cut = await caller.until("conversation.item.truncated")
        heard_ms = 20 * (len(caller.side.audio) - start)
        await until(
            lambda: len(caller.side.audio) >= start + 60 and rms_db(caller.side.pcm()[-4_800:]) < -70, "silence"
        )

        assert "output_audio_buffer.cleared" in caller.types()
        assert abs(cut["audio_end_ms"] - heard_ms) < 300


@needs_webrtc
async def test_speech_interrupts_what_is_played(server: RealtimeServer) -> None:
    """Also where the response was complete long before."""
    async with calling(server) as caller:
        await caller.ask("Say: one two three four five six seven eight nine ten eleven twelve")
        await caller.until("response.done")
        caller.say(voice(0.6))
        await caller.until("conversation.item.truncated")

        names = caller.types()
        assert names.index("input_audio_buffer.speech_started") < names.index("output_audio_buffer.cleared")
        assert "output_audio_buffer.stopped" not in names[: names.index("output_audio_buffer.cleared")]


@needs_webrtc
async def test_another_client_joins_a_call(server: RealtimeServer) -> None:
    """It sees what happens, steers it, and is closed with it."""
    async with calling(server) as caller, dial(server, f"?call_id={caller.call_id}") as sideband:
        await sideband.say("Say: hello")
        await sideband.until("output_audio_buffer.stopped")
        await caller.until("output_audio_buffer.stopped")
        await caller.side.peer.close()
        code, _ = await sideband.closed()

    assert code == 1000
    assert "response.output_audio.delta" not in sideband.types()


@needs_webrtc
async def test_a_call_is_hung_up_by_an_endpoint(server: RealtimeServer) -> None:
    """The caller's channel closes; the server knows the call no more."""
    async with calling(server) as caller:
        answer = await post(server, f"/{caller.call_id}/hangup", "")
        await until(lambda: caller.side.ends, "the end at the caller")
        again = await post(server, f"/{caller.call_id}/hangup", "")

    assert (answer.status_code, again.status_code) == (200, 404)
    assert caller.side.ends == [PeerEnd.CHANNEL_CLOSED]


@needs_webrtc
async def test_a_call_ends_with_the_callers_channel(server: RealtimeServer) -> None:
    """Nothing of it is left: no session, no task."""
    before = asyncio.all_tasks()
    async with calling(server):
        assert server.sessions
    await until(lambda: not server.sessions, "the end of the session")
    await until(lambda: not asyncio.all_tasks() - before, "the end of its tasks")


@needs_webrtc
async def test_a_call_ends_when_it_expires() -> None:
    """The caller is told by an event first."""
    async with RealtimeServer(voice="tone", expires_after=2) as server, calling(server) as caller:
        await until(lambda: caller.side.ends, "the end at the caller")

        assert caller.events[-1]["error"]["code"] == "session_expired"


@needs_webrtc
async def test_a_server_that_ends_hangs_up() -> None:
    """Also while it speaks."""
    async with RealtimeServer(voice="tone") as server, calling(server) as caller:
        await caller.ask("Count to 100")
        await caller.until("output_audio_buffer.started")
        await server.__aexit__(None, None, None)
        await until(lambda: caller.side.ends, "the end at the caller")
        await server.__aenter__()


@needs_webrtc
async def test_an_event_that_a_channel_cannot_carry_is_an_error(server: RealtimeServer) -> None:
    """The call goes on; the error names the event and both sizes."""
    by_hand = {"input": {"turn_detection": None}}
    async with calling(server, audio=by_hand) as caller:
        for _ in range(3):
            await caller.send("input_audio_buffer.append", audio=encode_base64(bytes(100_000)))
        await caller.send("input_audio_buffer.commit")
        item_id = (await caller.until("input_audio_buffer.committed"))["item_id"]
        await caller.send("conversation.item.retrieve", item_id=item_id)
        error = (await caller.until("error"))["error"]
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")

    assert error["code"] == "message_too_large"
    assert "conversation.item.retrieved" in error["message"]


def _without(start: str) -> Callable[[str], str]:
    return lambda offer: "".join(line for line in offer.splitlines(True) if not line.startswith(start))


@needs_webrtc
@pytest.mark.parametrize(
    "spoil",
    [
        lambda offer: SDP,
        lambda offer: "v=0\r\nm=audio \r\nm=application \r\n",
        lambda offer: offer.replace("webrtc-datachannel", "x").replace("a=sctp-port:5000", "a=sctp-port:x"),
        lambda offer: offer.replace("a=mid:0", "a=mid:1"),
        lambda offer: offer.replace("a=mid:0", "a=mid:7"),
        _without("a=mid"),
        _without("a=ice-ufrag"),
        _without("a=setup"),
        _without("a=rtpmap"),
        lambda offer: offer.replace("a=setup:actpass", "a=setup:nonsense"),
    ],
)
async def test_an_offer_that_cannot_be_answered_is_refused(
    server: RealtimeServer, spoil: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    """With the API's words; nothing is left of the attempt, and nothing is logged of what a stranger sends."""
    side = make_side()
    offer = await side.peer.offer()
    await side.peer.close()
    before = asyncio.all_tasks()
    answer = await post(server, "", spoil(offer))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_offer")
    assert server.calls == ()
    await until(lambda: not asyncio.all_tasks() - before, "the end of its tasks")
    gc.collect()
    assert caplog.records == []


@needs_webrtc
async def test_a_call_that_nobody_opens_is_given_up(server: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer was given and not taken: the session ends with the peer's own time limit."""
    monkeypatch.setattr(webrtc, "OPEN_TIMEOUT", 0.3)
    side = make_side()
    answer = await post(server, "", await side.peer.offer())
    assert answer.status_code == 201
    assert len(server.calls) == 1
    await until(lambda: not server.calls, "the end of the call")
    await side.peer.close()


@needs_webrtc
async def test_calls_beyond_the_bound_are_refused(server: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """429, for browsers and telephones; those that run go on."""
    monkeypatch.setattr(calls, "MAX_CALLS", 1)
    phone = await server.ring()
    before = asyncio.all_tasks()
    async with calling(server) as caller:
        refused = await post(server, "", SDP)
        rings = await post(server, f"/{phone.call_id}/accept", '{"type": "realtime"}')
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")
    await until(lambda: not asyncio.all_tasks() - before, "the end of the call")
    accepted = await post(server, f"/{phone.call_id}/accept", '{"type": "realtime"}')

    assert (refused.status_code, rings.status_code, accepted.status_code) == (429, 429, 200)


async def test_telephones_that_ring_are_bounded(server: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is rejected makes room."""
    monkeypatch.setattr(calls, "MAX_RINGING", 2)
    phones = [await server.ring(), await server.ring()]
    with pytest.raises(ValueError, match="more than 2 calls ring already"):
        await server.ring()
    assert (await post(server, f"/{phones[0].call_id}/reject", "{}")).status_code == 200
    await server.ring()


async def test_a_client_that_floods_the_channel_loses_its_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A data channel cannot be read slowly, so what waits to be handled is bounded."""
    monkeypatch.setattr(channel, "MAX_UNREAD", 100_000)
    connection = channel.ChannelConnection()
    for _ in range(5):
        connection.on_text("x" * 20_000)
    read = connection.__aiter__()
    assert len(await anext(read)) == 20_000
    assert not connection.has_ended
    for _ in range(2):
        connection.on_text("x" * 20_000)

    assert connection.has_ended


@needs_webrtc
async def test_a_recording_of_a_call_has_its_audio(tmp_path: Path) -> None:
    """Both ways, 100 ms a line, the answer under its item; the events are there as well, and how it ended."""
    async with RealtimeServer(voice="tone", record=tmp_path) as server:
        async with calling(server) as caller:
            caller.say(voice(0.8))
            await caller.until("output_audio_buffer.stopped")
            item_id = (await caller.until("response.output_item.done"))["item"]["id"]
        await until(lambda: not server.sessions, "the end of the session")
        await server.settled()
        (path,) = server.recordings
    with open_recording(str(path)) as reader:
        records = [*reader]
    audio = [record for record in records if isinstance(record, Audio)]
    said = b"".join(record.data for record in audio if record.direction is Direction.SENT)
    heard = [record for record in audio if record.direction is Direction.RECEIVED]

    assert rms_db(said) > -50
    assert {record.item_id for record in heard} == {item_id}
    assert {len(record.data) for record in heard[:-1]} == {4_800}
    assert rms_db(b"".join(record.data for record in heard)) > -50
    frames = [record.event["type"] for record in records if isinstance(record, Frame) and record.event]
    assert (frames[0], frames.count("output_audio_buffer.stopped")) == ("session.created", 1)
    assert [record.code for record in records if isinstance(record, Connection)][-1] == 1000


@pytest.mark.slow
@needs_webrtc
async def test_calls_leave_nothing_behind(server: RealtimeServer) -> None:
    """Twenty, one after the other: tasks and file descriptors are where they were; threads are the loop's own."""
    workers = min(32, (os.cpu_count() or 1) + 4)

    def held() -> tuple[int, int, int]:
        gc.collect()
        files = len([*Path("/proc/self/fd").iterdir()])
        return len(asyncio.all_tasks()), files, max(threading.active_count(), workers + 4)

    async def one_call() -> None:
        async with calling(server) as caller:
            caller.say(voice(0.4))
            await caller.until("output_audio_buffer.started")
        await until(lambda: not server.sessions, "the end of the session")

    await one_call()
    await until(lambda: len(asyncio.all_tasks()) < 4, "the end of its tasks")
    before = held()
    for _ in range(20):
        await one_call()

    await until(lambda: all(now <= then for now, then in zip(held(), before, strict=True)), "what a call leaves")


@needs_webrtc
@pytest.mark.parametrize(
    ("session", "param"),
    [({"bogus": 1}, "session.bogus"), ({"audio": {"output": {"voice": 1}}}, "session.audio.output.voice")],
)
async def test_a_session_that_cannot_be_had_is_refused(server: RealtimeServer, session: Any, param: str) -> None:
    """As a session.update would be, before there is a call."""
    body = form(sdp=SDP.encode(), session=json.dumps({"type": "realtime", **session}).encode())
    answer = await post(server, "", body, Content_Type=FORM)

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_a_model_that_does_not_exist_is_refused(server: RealtimeServer) -> None:
    """In the query and in the session."""
    in_query = await post(server, "?model=gpt-5")
    body = form(sdp=SDP.encode(), session=b'{"type": "realtime", "model": "gpt-5"}')
    in_session = await post(server, "", body, Content_Type=FORM)

    for answer in (in_query, in_session):
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_model")


async def test_without_the_extra_the_answer_says_what_to_install(
    server: RealtimeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """501; telephone calls and everything else go on."""
    monkeypatch.setattr(endpoints, "is_available", lambda: False)
    answer = await post(server)
    phone = await server.ring()
    accepted = await post(server, f"/{phone.call_id}/accept", '{"type": "realtime"}')

    assert answer.status_code == 501
    assert "rtcli[webrtc]" in answer.json()["error"]["message"]
    assert accepted.status_code == 200


async def test_a_recording_takes_no_calls(tmp_path: Any) -> None:
    """It is served over WebSockets alone."""
    recording = tmp_path / "talk.ndjson"
    recording.write_text('{"t": 0, "dir": "<", "event": {"type": "session.created", "session": {}}}\n')
    async with RealtimeServer(recording=recording) as server:
        answers = [await post(server), await post(server, "/rtc_a/hangup")]

    assert [answer.status_code for answer in answers] == [501, 501]


@pytest.mark.parametrize("path", ["", "/rtc_a/hangup"])
async def test_a_page_of_an_allowed_origin_may_call(path: str) -> None:
    """The preflight is answered; the page may read Location, and so learn the id of its call."""
    async with RealtimeServer(voice="tone", allow_origin=[ORIGIN]) as server:
        url = f"{server.url.replace('ws', 'http', 1)}/calls{path}"
        asked = {"Origin": ORIGIN, "Access-Control-Request-Headers": "authorization,x-openai-agents-sdk"}
        async with httpx2.AsyncClient(timeout=DEADLINE) as client:
            preflight = await client.options(url, headers=asked)
            other = await client.options(url, headers={**asked, "Origin": "http://evil.example"})
        answer = await post(server, path, "hello", Origin=ORIGIN)
        refused = await post(server, path, "hello", Origin="http://evil.example")

    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-headers"] == "authorization,x-openai-agents-sdk"
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-expose-headers"] == "Location"
    assert (other.status_code, refused.status_code) == (403, 403)
    assert "access-control-allow-origin" not in refused.headers


async def test_a_fault_refuses_calls_too() -> None:
    """`connect:http=503`: whatever is posted."""
    async with RealtimeServer(voice="tone", faults=["connect:http=503"]) as server:
        answer = await post(server)

    assert answer.status_code == 503
