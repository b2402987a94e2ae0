"""The scenes of the reference's WebRTC traces, played with our transport; each notes lines as the traces have them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from rtcli.errors import RtcliError
from rtcli.protocol.payloads import ErrorPayload
from rtcli.rtc.peer import PeerEnd
from rtcli.transports import OpenAIRealtimeWebRTC
from tests.kit.fake_peer import CREATED, UPDATED, CallPlace, FakePeer, Peers
from tests.kit.waiting import until

NAMES = [
    *("connection_change", "connected", "disconnected", "error", "audio", "audio_done", "audio_interrupted"),
    *("turn_started", "turn_done", "*", "session.created", "session.updated"),
]
RUNNING = {"type": "response.created", "event_id": "e3", "response": {"id": "resp_1", "status": "in_progress"}}
DONE = {"type": "response.done", "event_id": "e9", "response": {"id": "resp_1", "status": "completed", "output": []}}
AUDIO_DONE = {"type": "response.output_audio.done", "event_id": "e5", "response_id": "resp_1", "item_id": "i"}
OVERHEARD: list[dict[str, Any]] = [
    {"type": "output_audio_buffer.started", "event_id": "o", "response_id": "resp_1"},
    {"type": "input_audio_buffer.speech_started", "event_id": "s", "audio_start_ms": 1, "item_id": "i"},
    {"type": "output_audio_buffer.cleared", "event_id": "o2", "response_id": "resp_1"},
    {"type": "conversation.item.truncated", "event_id": "t", "item_id": "i", "content_index": 0, "audio_end_ms": 10},
    {"type": "response.output_audio.delta", "event_id": "d", "response_id": "resp_1", "item_id": "i", "delta": "AAAA"},
]


class Stage:
    """One scene: a transport on a fake peer, and the lines."""

    def __init__(self, place: CallPlace) -> None:
        self.lines: list[str] = []
        self.place = place
        self.peers = Peers(obliging=False, told=self.note)
        self.t = OpenAIRealtimeWebRTC(base_url=place.url, create_peer=self.peers)
        self._watch()

    def note(self, line: str) -> None:
        self.lines.append(line)

    def _watch(self) -> None:
        def listener(name: str) -> Callable[..., None]:
            def heard(*args: Any) -> None:
                self.note(f"emit {name} {_shown(name, args)}".strip())

            return heard

        for name in NAMES:
            self.t.on(name, listener(name))

    @property
    def peer(self) -> FakePeer:
        return self.peers.last

    def connecting(self, **options: Any) -> asyncio.Task[None]:
        """A connect() under way; what it raises is a line."""

        async def connect() -> None:
            try:
                await self.t.connect(**{"api_key": "ek_1", "initial_session_config": {"instructions": "x"}, **options})
            except RtcliError as error:
                self.note(f"connect rejected: {error}")

        return asyncio.create_task(connect())

    async def answered(self, begun: int = 0) -> None:
        """The call was asked for, and the answer taken."""
        await until(lambda: any(line.startswith("answer") for line in self.lines[begun:]), "the answer is taken")

    async def say(self, event: dict[str, Any]) -> None:
        """A message of the server, handled."""
        handled = asyncio.Event()
        self.t._observers[:] = [lambda frame: handled.set()]
        self.note(f"< {event['type']}")
        self.peer.say(event)
        await handled.wait()
        for _ in range(5):
            await asyncio.sleep(0)

    async def up(self, **options: Any) -> None:
        """Connected, as the reference's scenes do it."""
        connecting = self.connecting(**options)
        await self.answered()
        self.peer.open()
        await until(lambda: self.peer.sent, "the first update")
        await self.say(CREATED)
        await until(lambda: len(self.peer.sent) == 2, "the tracing")
        await self.say(UPDATED)
        await connecting
        self.note(f"status {self.t.status} callId {self.t.call_id} muted {str(self.t.muted).lower()}")

    async def sent(self, number: int) -> None:
        await until(lambda: len(self.peer.sent) >= number, f"{number} events were sent")

    async def closed(self) -> None:
        self.t.close()
        await self.t.wait_closed()


def _shown(name: str, args: tuple[Any, ...]) -> str:
    if name == "*":
        return str(args[0]["type"])
    if name == "connection_change":
        return f'"{args[0]}"'
    if name == "error":
        payload: ErrorPayload = args[0]
        return f"Error: {payload.error}"
    return ""


Scene = Callable[[Stage], Awaitable[None]]
SCENES: dict[str, Scene] = {}


def scene(name: str) -> Callable[[Scene], Scene]:
    def add(function: Scene) -> Scene:
        SCENES[name] = function
        return function

    return add


@scene("connect")
async def _(s: Stage) -> None:
    await s.up()


@scene("connect: caller's stream, hook returning another connection, url and model")
async def _(s: Stage) -> None:
    await s.up(url=s.place.url, model="gpt-realtime-2.1-mini", call_id="rtc_ignored")
    s.note(f"model {s.t.current_model}")
    await s.closed()


@scene("useInsecureApiKey, async key")
async def _(s: Stage) -> None:
    async def key() -> str:
        return "sk-2"

    await s.up(api_key=key)
    await s.closed()


@scene("HTTP 429 with JSON")
async def _(s: Stage) -> None:
    s.place.status, s.place.body = "429 Too Many Requests", '{"error":{"message":"You exceeded your current quota"}}'
    await s.connecting(model="m2")
    s.note(f"model {s.t.current_model} status {s.t.status}")


@scene("HTTP 500 plain")
async def _(s: Stage) -> None:
    s.place.status, s.place.body = "500 Internal Server Error", "oops"
    await s.connecting()


@scene("bad answer")
async def _(s: Stage) -> None:
    s.place.body = "BAD"
    await s.connecting()


@scene("close() while connecting")
async def _(s: Stage) -> None:
    connecting = s.connecting()
    await s.answered()
    s.t.close()
    await connecting


@scene("channel closes before the ack")
async def _(s: Stage) -> None:
    connecting = s.connecting()
    await s.answered()
    s.peer.open()
    await s.sent(1)
    s.peer.end(PeerEnd.CHANNEL_CLOSED)
    await connecting


@scene("no ack: 5 s")
async def _(s: Stage) -> None:
    connecting = s.connecting()
    await s.answered()
    s.peer.open()
    await connecting
    s.note(f"resolved after 5 s, status {s.t.status}")
    await s.closed()


@scene("connect twice while connecting; connect when connected")
async def _(s: Stage) -> None:
    both = [s.connecting(), s.connecting()]
    await s.answered()
    s.peer.open()
    await s.sent(1)
    await s.say(UPDATED)
    await asyncio.gather(*both)
    await s.t.connect(api_key="ek_1")
    s.note("third resolved")
    await s.closed()


@scene("send before connect")
async def _(s: Stage) -> None:
    with contextlib.suppress(RtcliError):
        s.t.send_event({"type": "x"})
        return
    s.note("THROWN")


@scene("mute before, during; close stops the own microphone")
async def _(s: Stage) -> None:
    s.t.mute(True)
    s.note(f"muted {str(s.t.muted).lower()}")
    await s.up()
    s.note("-- connected")
    s.t.mute(True)
    s.t.mute(False)
    await s.closed()
    await s.closed()


@scene("interrupt idle, ongoing, twice, after audio.done")
async def _(s: Stage) -> None:
    await s.up()
    s.lines.clear()
    before: dict[str, list[dict[str, Any]]] = {"ongoing": [RUNNING], "after audio.done": [DONE, RUNNING, AUDIO_DONE]}
    for label in ("idle", "ongoing", "twice", "after audio.done"):
        for event in before.get(label, []):
            await s.say(event)
        s.note(f"-- {label}")
        s.t.interrupt()
        await s.t.flush()
        await asyncio.sleep(0)
    await s.closed()


@scene("interrupt before connect")
async def _(s: Stage) -> None:
    with contextlib.suppress(RtcliError):
        s.t.interrupt()
        return
    s.note("THROWN")


@scene("speech_started, output_audio_buffer.*, audio delta")
async def _(s: Stage) -> None:
    await s.up()
    s.lines.clear()
    for event in (RUNNING, *OVERHEARD):
        await s.say(event)
        await s.t.flush()
    await s.closed()


@scene("peer: disconnected then connected; failed")
async def _(s: Stage) -> None:
    await s.up()
    s.lines.clear()
    s.note(f"still {s.t.status}")
    s.peer.end(PeerEnd.LOST)
    await until(lambda: s.t.status == "disconnected", "the end")
    await s.t.wait_closed()
    s.note(f"now {s.t.status}")


@scene("channel closes while connected")
async def _(s: Stage) -> None:
    await s.up()
    s.lines.clear()
    s.peer.end(PeerEnd.CHANNEL_CLOSED)
    await until(lambda: s.t.status == "disconnected", "the end")
    await s.t.wait_closed()
    s.note(f"status {s.t.status}")


@scene("sendAudio, sendMessage")
async def _(s: Stage) -> None:
    await s.up()
    s.lines.clear()
    s.t.send_audio(base64.b64decode("AQI="), commit=True)
    s.t.send_message("hi")
    await s.t.flush()
    await s.closed()
