"""One contestant in a process of its own: `contestant.py NAME MODE URL COUNT` prints what it saw and what it cost.

It runs in the environment of its library, so it imports nothing of the project but rtcli, where that is the contestant.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

CHUNK = bytes(range(240)) * 4  # 20 ms of 24 kHz PCM16
_EVERY = 500  # appends between two waits, where the library offers one
_CLEAR = {"type": "input_audio_buffer.clear"}
_MAX_SIZE: dict[str, Any] = {"compression": None, "max_size": None}


@dataclass
class Tally:
    """What was seen, and the processor time from the first request to the last event."""

    count: int
    events: int = 0
    pcm: int = 0
    characters: int = 0
    digest: str = ""
    begun: float = 0.0
    cpu: float = 0.0
    seconds: float = 0.0
    _started: float = 0.0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        self.begun, self._started = time.process_time(), time.perf_counter()

    def end(self) -> None:
        self.cpu, self.seconds = time.process_time() - self.begun, time.perf_counter() - self._started
        self.done.set()

    def event(self) -> None:
        self.events += 1
        if self.events == self.count:
            self.end()


# -- receiving -----------------------------------------------------------------------------------


async def raw(url: str, tally: Tally) -> None:
    """A loop over the socket that looks at nothing: the floor of `websockets`."""
    from websockets.asyncio.client import connect

    async with connect(url, **_MAX_SIZE) as socket:
        await socket.recv()
        tally.begin()
        await socket.send(json.dumps(_CLEAR))
        while tally.events < tally.count:
            await socket.recv(decode=False)
            tally.event()


async def _parsed(url: str, tally: Tally, loads: Callable[[Any], Any], decode: Callable[[str], bytes]) -> None:
    from websockets.asyncio.client import connect

    async with connect(url, **_MAX_SIZE) as socket:
        await socket.recv()
        tally.begin()
        await socket.send(json.dumps(_CLEAR))
        while tally.events < tally.count:
            event = loads(await socket.recv(decode=False))
            if event["type"] == "response.output_audio.delta":
                tally.pcm += len(decode(event["delta"]))
            elif event["type"] == "response.output_audio_transcript.delta":
                tally.characters += len(event["delta"])
            tally.event()


async def plain_json(url: str, tally: Tally) -> None:
    """`websockets` with the standard library's JSON and base64."""
    from binascii import a2b_base64

    await _parsed(url, tally, json.loads, a2b_base64)


async def orjson(url: str, tally: Tally) -> None:
    """`websockets` with orjson and pybase64: the fastest plain loop, without any of a transport's work."""
    import orjson as fast
    import pybase64

    await _parsed(url, tally, fast.loads, lambda text: pybase64.b64decode(text, validate=True))


async def rtcli(url: str, tally: Tally, backend: str = "websockets") -> None:
    """Ours, whole: decoded, translated, with listeners on `*`, audio, transcripts and items."""
    from rtcli.transports import OpenAIRealtimeWebSocket

    t = OpenAIRealtimeWebSocket(api_key="sk", url=url, auto_tracing=False, backend=backend)

    def audio(payload: Any) -> None:
        tally.pcm += len(payload.data)

    def transcript(payload: Any) -> None:
        tally.characters += len(payload.delta)

    items: dict[str, Any] = {}

    def item(payload: Any) -> None:
        items[payload.item_id] = payload

    await t.connect()
    await t.wait_ready(10)
    t.on("audio", audio).on("audio_transcript_delta", transcript).on("item_update", item)
    t.on("*", lambda _: tally.event())
    tally.begin()
    t.send_event(_CLEAR)
    await tally.done.wait()
    t.close()
    await t.wait_closed()


async def openai(url: str, tally: Tally) -> None:
    """The official client's connection, iterated."""
    from base64 import b64decode

    async with await _openai(url) as connection:
        await connection.recv()
        tally.begin()
        await connection.input_audio_buffer.clear()
        async for event in connection:
            if event.type == "response.output_audio.delta":
                tally.pcm += len(b64decode(event.delta))
            elif event.type == "response.output_audio_transcript.delta":
                tally.characters += len(event.delta)
            tally.event()
            if tally.done.is_set():
                break


async def _openai(url: str) -> Any:
    from openai import AsyncOpenAI

    base, _, query = url.partition("?")
    client = AsyncOpenAI(api_key="sk", websocket_base_url=base.removesuffix("/realtime"))
    options = dict(pair.split("=") for pair in query.split("&"))
    return client.realtime.connect(model="bench", extra_query=options)


async def agents(url: str, tally: Tally) -> None:
    """openai-agents' OpenAIRealtimeWebSocketModel with one listener."""
    model = await _agents(url, tally)
    tally.begin()
    await _agents_clear(model)
    await tally.done.wait()
    await model.close()


async def _agents_clear(model: Any) -> None:
    from agents.realtime.model_inputs import RealtimeModelSendRawMessage

    await model.send_event(RealtimeModelSendRawMessage(message={"type": "input_audio_buffer.clear"}))


async def _agents(url: str, tally: Tally) -> Any:
    from agents.realtime.openai_realtime import OpenAIRealtimeWebSocketModel

    ready = asyncio.Event()

    class Listener:
        async def on_event(self, event: Any) -> None:
            if event.type == "raw_server_event":
                if event.data["type"] == "session.created":
                    ready.set()
                elif event.data["type"] == "rate_limits.updated":
                    tally.digest = event.data["event_id"]
                    tally.end()
                else:
                    tally.event()
            elif event.type == "audio":
                tally.pcm += len(event.data)
            elif event.type == "transcript_delta":
                tally.characters += len(event.delta)

    model = OpenAIRealtimeWebSocketModel()
    model.add_listener(Listener())
    await model.connect({"api_key": "sk", "url": url, "initial_model_settings": {"model_name": "bench"}})
    await ready.wait()
    return model


# -- sending -------------------------------------------------------------------------------------


async def _send_plain(url: str, tally: Tally, append: Callable[[bytes], str | bytes]) -> None:
    from websockets.asyncio.client import connect

    async with connect(url, **_MAX_SIZE) as socket:
        await socket.recv()
        await socket.send(json.dumps(_CLEAR))
        tally.begin()
        for _ in range(tally.count):
            await socket.send(append(CHUNK), text=True)
        tally.digest = json.loads(await socket.recv())["event_id"]
        tally.end()


async def send_raw(url: str, tally: Tally) -> None:
    """One text that is ready, sent again and again: the floor of `websockets`."""
    from base64 import b64encode

    text = json.dumps({"type": "input_audio_buffer.append", "audio": b64encode(CHUNK).decode()}).encode()
    await _send_plain(url, tally, lambda _: text)


async def send_plain_json(url: str, tally: Tally) -> None:
    from base64 import b64encode

    def append(pcm: bytes) -> str:
        return json.dumps({"type": "input_audio_buffer.append", "audio": b64encode(pcm).decode()})

    await _send_plain(url, tally, append)


async def send_orjson(url: str, tally: Tally) -> None:
    import orjson as fast
    import pybase64

    def append(pcm: bytes) -> bytes:
        return fast.dumps({"type": "input_audio_buffer.append", "audio": pybase64.b64encode_as_string(pcm)})

    await _send_plain(url, tally, append)


async def send_rtcli(url: str, tally: Tally, backend: str = "websockets") -> None:
    from rtcli.transports import OpenAIRealtimeWebSocket

    t = OpenAIRealtimeWebSocket(api_key="sk", url=url, auto_tracing=False, backend=backend)

    def end(event: dict[str, Any]) -> None:
        tally.digest = event["event_id"]
        tally.end()

    t.on("rate_limits.updated", end)
    await t.connect()
    await t.wait_ready(10)
    t.send_event(_CLEAR)
    await t.flush()
    tally.begin()
    for number in range(tally.count):
        t.send_audio(CHUNK)
        if number % _EVERY == 0:
            await t.flush()
    await tally.done.wait()
    t.close()
    await t.wait_closed()


async def send_openai(url: str, tally: Tally) -> None:
    from base64 import b64encode

    async with await _openai(url) as connection:
        await connection.recv()
        await connection.input_audio_buffer.clear()
        tally.begin()
        for _ in range(tally.count):
            await connection.input_audio_buffer.append(audio=b64encode(CHUNK).decode())
        tally.digest = (await connection.recv()).event_id
        tally.end()


async def send_agents(url: str, tally: Tally) -> None:
    from agents.realtime.model_inputs import RealtimeModelSendAudio

    model = await _agents(url, tally)
    await _agents_clear(model)
    tally.begin()
    for _ in range(tally.count):
        await model.send_event(RealtimeModelSendAudio(audio=CHUNK))
    await tally.done.wait()
    await model.close()


RECEIVERS: dict[str, Callable[[str, Tally], Awaitable[None]]] = {
    "rtcli": rtcli,
    "rtcli-fast": partial(rtcli, backend="picows"),
    "raw": raw,
    "json": plain_json,
    "orjson": orjson,
    "openai": openai,
    "agents": agents,
}
SENDERS: dict[str, Callable[[str, Tally], Awaitable[None]]] = {
    "rtcli": send_rtcli,
    "rtcli-fast": partial(send_rtcli, backend="picows"),
    "raw": send_raw,
    "json": send_plain_json,
    "orjson": send_orjson,
    "openai": send_openai,
    "agents": send_agents,
}


def peak_mb() -> float:
    """The most memory that this process had; ru_maxrss would begin with what its parent had."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


async def main(name: str, mode: str, url: str, count: str) -> None:
    """Take part, and print the tally as JSON."""
    tally = Tally(int(count))
    await (SENDERS if mode == "send" else RECEIVERS)[name](url, tally)
    if mode == "send":
        assert tally.digest == hashlib.sha256(CHUNK * tally.count).hexdigest(), "the server got other sound"
    seen = {name: getattr(tally, name) for name in ("events", "pcm", "characters", "cpu", "seconds")}
    seen["peak_mb"] = peak_mb()
    sys.stdout.write(json.dumps(seen) + "\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
