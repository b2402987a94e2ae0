"""OpenAIRealtimeWebRTC: setting up a call, its audio, its end; and what is better than the reference."""

from __future__ import annotations

import ast
import asyncio
import logging
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from rtcli.errors import ConnectError, ConnectionLostError, NotConnectedError, UnsupportedError, UsageError
from rtcli.rtc.peer import PeerEnd
from rtcli.server import RealtimeServer
from rtcli.transports import OpenAIRealtimeWebRTC, calling, webrtc
from tests.kit.calls import make_side, needs_webrtc
from tests.kit.fake_peer import UPDATED, CallPlace, FakePeer, Peers
from tests.kit.waiting import DEADLINE, until

FRAME = b"\1\0" * 480


class Call:
    """A transport on a fake peer, and where its offer goes."""

    def __init__(self, place: CallPlace, **options: Any) -> None:
        self.place = place
        self.peers = options.pop("create_peer", None) or Peers()
        own = {"api_key": "sk-x", "base_url": place.url, "create_peer": self.peers, "auto_tracing": False}
        self.t = OpenAIRealtimeWebRTC(**{**own, **options})
        self.emitted: list[str] = []
        for name in ("connection_change", "connected", "disconnected", "error"):
            self.t.on(name, lambda *args, name=name: self.emitted.append(" ".join([name, *map(str, args[:1])])))

    @property
    def peer(self) -> FakePeer:
        return self.peers.last

    async def close(self) -> None:
        self.t.close()
        await self.t.wait_closed()


@pytest.fixture
async def place() -> Any:
    async with CallPlace().running() as place:
        yield place


# -- setting up --------------------------------------------------------------------------------------


async def test_a_call_is_set_up(place: CallPlace) -> None:
    """The model is in the first update and not in the address; the call's id is that of the Location."""
    call = Call(place, model="gpt-realtime-mini", headers={"X-Mine": "1"})
    await call.t.connect(initial_session_config={"instructions": "x"})
    line, headers, body = place.requests[0]

    assert (line, body) == ("POST /v1/realtime/calls HTTP/1.1", "OFFER")
    assert (headers["authorization"], headers["x-mine"]) == ("Bearer sk-x", "1")
    assert headers["content-type"] == "application/sdp"
    assert call.peer.sent[0]["session"]["model"] == "gpt-realtime-mini"
    assert call.peer.loopback
    assert call.t.connection_state == {"status": "connected", "peer": call.peer, "call_id": "rtc_u1_abc"}
    assert await call.t.wait_ready(1) == UPDATED["session"]
    await call.close()
    assert call.peer.closed


async def test_a_call_can_be_made_again(place: CallPlace) -> None:
    """With a peer of its own, and what was configured."""
    call = Call(place)
    for _ in range(2):
        await call.t.connect(initial_session_config={"instructions": "x"})
        await call.close()

    assert [peer.closed for peer in call.peers.made] == [True, True]
    assert call.peers.made[1].sent[0]["session"]["instructions"] == "x"


async def test_without_a_key_nothing_is_asked_for(place: CallPlace) -> None:
    """It is a mistake of the caller's: nothing is emitted, and no peer is made."""
    call = Call(place, api_key=None)
    with pytest.raises(UsageError, match="no API key"):
        await call.t.connect()

    assert (call.emitted, call.peers.made, place.requests) == ([], [], [])
    await call.t.connect(api_key="ek_1")
    await call.close()


async def test_without_the_extra_the_error_names_it(place: CallPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is emitted or asked for."""
    monkeypatch.setitem(sys.modules, "aiortc", None)
    monkeypatch.delitem(sys.modules, "rtcli.rtc.aiortc_peer", raising=False)
    call = Call(place)
    call.t._caller.create_peer = None
    with pytest.raises(UsageError, match="installed without WebRTC") as raised:
        await call.t.connect()

    assert "rtcli[webrtc]" in raised.value.hint
    assert (call.emitted, place.requests, call.t.status) == ([], [], "disconnected")


@pytest.mark.parametrize(
    ("status", "body", "why", "hint"),
    [
        ("401 Unauthorized", '{"error": {"message": "Incorrect API key"}}', "Incorrect API key", "check the API key"),
        ("501 Not Implemented", '{"error": {"message": "no WebRTC here"}}', "no WebRTC here", "try again in a moment"),
        ("404 Not Found", "<html>nothing  here", "<html>nothing here", "check the path"),
        ("500 Internal Server Error", "", "HTTP 500 Internal Server Error", "try again in a moment"),
        ("400 Bad Request", '["odd"]', '["odd"]', "is there a Realtime endpoint"),
    ],
)
async def test_a_refusal_says_why(place: CallPlace, status: str, body: str, why: str, hint: str) -> None:
    """In the server's words; the model is what it was, and the end comes before the error."""
    place.status, place.body = status, body
    call = Call(place, model="first")
    with pytest.raises(ConnectError) as raised:
        await call.t.connect(model="second")
    await call.t.wait_closed()

    assert str(raised.value) == f"Realtime call request failed with status {status[:3]}: {why}"
    assert hint in raised.value.hint
    assert raised.value.status == int(status[:3])
    assert call.t.current_model == "first"
    assert [line.split("(")[0] for line in call.emitted] == [
        *("connection_change connecting", "connection_change disconnected", "disconnected", "error ErrorPayload"),
    ]
    assert call.peer.closed


async def test_nobody_there_says_so() -> None:
    """The network's reason."""
    call = Call(CallPlace(url="http://127.0.0.1:9/v1/realtime/calls"))
    with pytest.raises(ConnectError, match=r"POST http://127\.0\.0\.1:9/v1/realtime/calls failed"):
        await call.t.connect()


async def test_a_call_that_reaches_nobody_says_so(place: CallPlace) -> None:
    """The answer came, the network carries no UDP."""
    call = Call(place, create_peer=Peers(obliging=False))
    connecting = asyncio.create_task(call.t.connect())
    await until(lambda: call.peers.made and place.requests, "the offer")
    call.peer.end(PeerEnd.UNREACHED)
    with pytest.raises(ConnectError, match="could not be reached") as raised:
        await connecting

    assert "UDP" in raised.value.hint


@pytest.mark.parametrize("moment", ["posting", "opening", "settling"])
async def test_a_canceled_connect_leaves_nothing(place: CallPlace, moment: str) -> None:
    """Wherever it stands."""
    call = Call(place, create_peer=Peers(obliging=False))
    if moment == "posting":
        place.gate.clear()
    before = len(asyncio.all_tasks())
    connecting = asyncio.create_task(call.t.connect())
    await until(lambda: place.requests, "the offer")
    if moment == "settling":
        call.peer.open()
        await until(lambda: call.peer.sent, "the first update")
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    await call.t.wait_closed()
    place.gate.set()

    assert call.t.status == "disconnected"
    assert call.peer.closed
    await until(lambda: len(asyncio.all_tasks()) <= before, "no task is left")


async def test_who_connects_meanwhile_shares_the_outcome(place: CallPlace) -> None:
    """Also where it fails; a canceled one of them does not end it for the first."""
    place.gate.clear()
    place.status = "500 Oops"
    call = Call(place)
    first, second, third = (asyncio.create_task(call.t.connect()) for _ in range(3))
    await until(lambda: place.requests, "the offer")
    third.cancel()
    place.gate.set()
    results = await asyncio.gather(first, second, third, return_exceptions=True)

    assert len(place.requests) == 1
    assert [type(result).__name__ for result in results] == ["ConnectError", "ConnectError", "CancelledError"]


async def test_a_refused_update_counts_as_connected_at_once(place: CallPlace) -> None:
    """Nothing else will come; what wait_ready() says is true, and the error is there to be read."""
    call = Call(place, create_peer=Peers(obliging=False))
    connecting = asyncio.create_task(call.t.connect())
    await until(lambda: call.peers.made and place.requests, "the offer")
    call.peer.open()
    await until(lambda: call.peer.sent, "the first update")
    call.peer.say({"type": "error", "event_id": "e", "error": {"message": "Unknown voice"}})
    await connecting
    with pytest.raises(ConnectError, match="sent no session"):
        await call.t.wait_ready(0.05)
    await call.t.wait_closed()


async def test_no_answer_is_lived_with_and_logged(
    place: CallPlace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As in the reference."""
    monkeypatch.setattr(webrtc, "_SETTLE_SECONDS", 0.05)
    call = Call(place, create_peer=Peers(obliging=False))
    connecting = asyncio.create_task(call.t.connect())
    await until(lambda: call.peers.made and place.requests, "the offer")
    call.peer.open()
    with caplog.at_level(logging.WARNING, "rtcli.transports"):
        await connecting

    assert call.t.status == "connected"
    assert "connected all the same" in caplog.text
    await call.close()


@pytest.mark.parametrize("options", [{"manual": True}, {"read_only": True}])
async def test_manual_sends_nothing_and_waits_for_nothing(place: CallPlace, options: dict[str, bool]) -> None:
    """It is connected when the channel is open."""
    call = Call(place, **options)
    await call.t.connect(initial_session_config={"instructions": "x"})
    await call.t.wait_ready(5)
    call.peer.say({"type": "conversation.item.truncated", "event_id": "t", "item_id": "i"})
    call.peer.say({"type": "response.created", "event_id": "c", "response": {"id": "r", "status": "in_progress"}})
    await until(lambda: call.t.responding, "the response")

    assert call.peer.sent == []
    await call.close()


async def test_a_listener_that_closes_ends_the_attempt(place: CallPlace) -> None:
    """connect() says so."""
    call = Call(place)
    call.t.on("connected", lambda *_: call.t.close())
    with pytest.raises(ConnectError, match="before it was set up"):
        await call.t.connect()
    await call.t.wait_closed()

    assert call.peer.closed


async def test_another_peer_may_take_its_place(place: CallPlace) -> None:
    """Sync or async; it is closed with the call, and so is nothing else."""
    made = Peers()

    async def change(peer: Any) -> Any:
        return made(peer.handlers, source=peer.source, loopback=True, open_timeout=1)

    call = Call(place, change_peer_connection=change, use_insecure_api_key=False, proxy=None)
    await call.t.connect()
    call.t.send_event({"type": "x"})
    await call.t.flush()

    assert [event["type"] for event in made.last.sent] == ["session.update", "x"]
    await call.close()
    assert made.last.closed


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("ws://h:1/v1/realtime?model=m", "http://h:1/v1/realtime/calls"),
        ("wss://h/openai/v1/realtime?model=m&api-version=2", "https://h/openai/v1/realtime/calls?api-version=2"),
        ("https://h/v1/realtime/calls?x=1", "https://h/v1/realtime/calls?x=1"),
    ],
)
def test_the_address_of_a_websocket_gives_the_one_for_calls(url: str, asked: str) -> None:
    """An address for calls stays as it is."""
    assert calling.calls_url(url) == asked


@pytest.mark.parametrize(
    ("location", "call_id"),
    [("/v1/realtime/calls/rtc_1", "rtc_1"), ("https://h/v1/realtime/calls/rtc_2/?a=b", "rtc_2"), ("", None)],
)
def test_the_id_of_a_call_is_the_end_of_its_location(location: str, call_id: str | None) -> None:
    """None where the server names no place."""
    assert calling.call_id_in(location or None) == call_id


# -- the end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", [PeerEnd.LOST, PeerEnd.CHANNEL_CLOSED])
async def test_the_end_of_the_channel_is_the_end_of_the_call(place: CallPlace, why: PeerEnd) -> None:
    """The reference stays `connected`; the server's last words are told."""
    call = Call(place)
    lost: list[Any] = []
    call.t.on("error", lambda payload: lost.append(payload.error))
    await call.t.connect()
    call.peer.say({"type": "error", "event_id": "e", "error": {"message": "session expired"}})
    await until(lambda: lost, "the error event")
    call.peer.end(why)
    await until(lambda: call.t.status == "disconnected", "the end")
    await call.t.wait_closed()

    assert isinstance(lost[-1], ConnectionLostError)
    assert str(lost[-1]) == f"the call ended: session expired ({why.value})"
    assert (call.t.close_code, call.t.close_reason) == (None, why.value)
    assert call.peer.closed
    with pytest.raises(ConnectionLostError, match="session expired"):
        await call.t.wait_ready(1)
    with pytest.raises(NotConnectedError):
        call.t.send_event({"type": "x"})


async def test_what_was_sent_before_a_close_goes_out(place: CallPlace) -> None:
    """The order of the calls is the order on the wire."""
    call = Call(place)
    await call.t.connect()
    call.t.send_event({"type": "last"})
    await call.close()

    assert call.peer.sent[-1] == {"type": "last"}
    assert call.emitted[-2:] == ["connection_change disconnected", "disconnected"]


# -- sending -----------------------------------------------------------------------------------------


async def test_nothing_can_be_sent_without_a_call(place: CallPlace) -> None:
    """Also no interruption and no audio, which a WebSocket would let go."""
    call = Call(place)
    with pytest.raises(NotConnectedError):
        call.t.send_event({"type": "x"})
    with pytest.raises(NotConnectedError):
        call.t.interrupt()
    with pytest.raises(NotConnectedError):
        call.t.send_audio(b"\0\0")
    with pytest.raises(NotConnectedError):
        call.t.request_response()


async def test_an_event_that_does_not_fit_is_refused_where_it_is_sent(place: CallPlace) -> None:
    """With both sizes and what to do; the call goes on."""
    call = Call(place)
    await call.t.connect()
    call.peer.max_message_bytes = 1_000
    with pytest.raises(UnsupportedError, match=r"1,0\d\d bytes .* up to 1,000") as raised:
        call.t.add_image("data:image/png;base64," + "A" * 900)
    call.t.send_event({"type": "small"})
    await call.t.flush()

    assert "smaller image" in raised.value.hint
    assert call.peer.sent[-1] == {"type": "small"}
    await call.close()


async def test_a_thread_may_send(place: CallPlace) -> None:
    """In order, as over a WebSocket."""
    call = Call(place)
    await call.t.connect()

    def send() -> None:
        for number in range(20):
            call.t.send_event({"type": f"e{number}"})

    await asyncio.to_thread(send)
    await until(lambda: len(call.peer.sent) == 21, "all of them")

    assert [event["type"] for event in call.peer.sent[1:]] == [f"e{number}" for number in range(20)]
    await call.close()


# -- audio -------------------------------------------------------------------------------------------


async def test_the_microphone_goes_over_the_track(place: CallPlace) -> None:
    """20 ms at a time; what was said before the call, or while muted, is not sent."""
    call = Call(place)
    call.t.audio.write(FRAME)
    await call.t.connect()
    assert call.peer.source() is None
    call.t.audio.write(FRAME * 2)
    assert (call.peer.source(), call.peer.source(), call.peer.source()) == (FRAME, FRAME, None)
    call.t.audio.write(FRAME)
    call.t.mute(True)
    call.t.audio.write(FRAME)
    assert (call.t.muted, call.peer.source()) == (True, None)
    call.t.mute(False)
    assert call.peer.source() is None
    await call.close()


async def test_muted_before_the_call_is_muted_in_it(place: CallPlace) -> None:
    """The reference says `muted` and sends the microphone."""
    heard = iter(range(1_000_000))
    call = Call(place, audio_input=lambda: bytes([next(heard) % 256, 0]) * 480)
    assert call.t.muted is False
    call.t.mute(True)
    await call.t.connect()
    frames = [call.peer.source() for _ in range(3)]
    call.t.mute(False)

    assert frames == [None, None, None]
    assert call.peer.source() == bytes([3, 0]) * 480  # what was said meanwhile is gone
    await call.close()


async def test_what_is_heard_is_handed_on(place: CallPlace) -> None:
    """With its place in the stream."""
    heard: list[tuple[bytes, int]] = []
    call = Call(place, audio_output=lambda pcm, start: heard.append((pcm, start)))
    await call.t.connect()
    call.peer.handlers.on_audio(FRAME, 0)
    call.peer.handlers.on_audio(FRAME, 960)

    assert heard == [(FRAME, 0), (FRAME, 960)]
    await call.close()


async def test_an_output_that_fails_is_told_once(place: CallPlace) -> None:
    """And given up: it would fail fifty times a second."""

    def fail(pcm: bytes, start: int) -> None:
        raise RuntimeError("no speaker")

    call = Call(place, audio_output=fail)
    await call.t.connect()
    for _ in range(3):
        call.peer.handlers.on_audio(FRAME, 0)

    assert [line for line in call.emitted if line.startswith("error")] == [call.emitted[-1]]
    assert call.t.status == "connected"
    await call.close()


# -- a real call -------------------------------------------------------------------------------------


@needs_webrtc
async def test_a_call_over_real_tracks() -> None:
    """Our transport and a peer that answers it, over loopback: events and audio both ways, and a hang-up."""
    server = make_side(lambda: b"\0\10" * 480)
    place = CallPlace()

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        offer = await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
        answer = await server.peer.accept(offer.decode())
        writer.write(f"HTTP/1.1 201 Created\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode())
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answering, "127.0.0.1", 0)
    place.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1/realtime/calls"
    heard: list[bytes] = []
    call = Call(place, audio_output=lambda pcm, start: heard.append(pcm))
    call.t._caller.create_peer = None
    connecting = asyncio.create_task(call.t.connect())
    await until(lambda: server.texts, "the first update")
    await server.peer.send('{"type":"session.updated","event_id":"e","session":{"id":"s"}}')
    await connecting
    call.t.audio.write(b"\0\10" * 480 * 4)
    await until(lambda: len(heard) > 5 and any(max(pcm) > 4 for _, pcm in server.audio), "audio both ways")
    await server.peer.close()
    await until(lambda: call.t.status == "disconnected", "the end")
    await call.t.wait_closed()
    listening.close()

    assert call.t.close_reason == PeerEnd.CHANNEL_CLOSED.value


@needs_webrtc
async def test_the_example_of_the_page_runs() -> None:
    """As it stands there, against the built-in server."""
    page = (Path(__file__).parents[2] / "docs" / "webrtc.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)

    async def next_event(call: OpenAIRealtimeWebRTC, name: str) -> None:
        came = asyncio.Event()
        call.once(name, lambda *_: came.set())
        async with asyncio.timeout(DEADLINE):
            await came.wait()

    async with RealtimeServer(voice="tone") as server:
        names: dict[str, Any] = {"url": calling.calls_url(server.url), "next_event": next_event}
        code = compile(example, "webrtc.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        await types.FunctionType(code, names)()

    assert names["heard"]
    assert names["call"].status == "disconnected"
