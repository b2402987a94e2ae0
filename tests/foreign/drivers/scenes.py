"""The official openai package takes part in one scene; ends with 0 when it came to its end.

Command line: URL of the server's API, name of the scene.
"""

from __future__ import annotations

import asyncio
import base64
import random
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from openai import AsyncOpenAI

TIME_LIMIT = 60.0
PHRASE = random.Random(1).randbytes(48_000) + bytes(48_000)  # a second of noise, a second of silence
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
DETECTION = {"type": "server_vad", "silence_duration_ms": 300}


class Talk:
    """One connection."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def until(self, *types: str) -> Any:
        """The next event of each type, in any order; gives the last."""
        left = set(types)
        while left:
            event = await self.connection.recv()
            left.discard(event.type)
        return event

    async def configure(self, **session: Any) -> None:
        await self.until("session.created")
        await self.connection.session.update(session={"type": "realtime", **session})
        await self.until("session.updated")

    async def say(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        await self.connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        await self.connection.response.create()

    async def hear(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), 4800):
            piece = base64.b64encode(pcm[start : start + 4800]).decode()
            await self.connection.input_audio_buffer.append(audio=piece)


async def text(talk: Talk) -> None:
    await talk.configure(output_modalities=["text"])
    for words in ("Hello there.", "What time is it?"):
        await talk.say(words)
        await talk.until("rate_limits.updated")


async def tools(talk: Talk) -> None:
    await talk.configure(output_modalities=["text"], tools=[WEATHER])
    await talk.say("What is the weather in Paris?")
    done = await talk.until("response.done")
    (call,) = done.response.output
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}
    await talk.connection.conversation.item.create(item=output)
    await talk.connection.response.create()
    await talk.until("rate_limits.updated")
    await talk.until("rate_limits.updated")


async def voice(talk: Talk) -> None:
    await talk.configure(audio={"input": {"turn_detection": DETECTION, "transcription": {"model": "whisper-1"}}})
    await talk.hear(PHRASE)
    await talk.until("rate_limits.updated")
    await talk.hear(PHRASE)
    await talk.until("rate_limits.updated")


async def interruption(talk: Talk) -> None:
    await talk.configure(output_modalities=["audio"])
    await talk.say("Count to 100.")
    for _ in range(3):
        delta = await talk.until("response.output_audio.delta")
    await talk.connection.response.cancel()
    await talk.connection.conversation.item.truncate(item_id=delta.item_id, content_index=0, audio_end_ms=250)
    await talk.until("response.done", "conversation.item.truncated")


async def error(talk: Talk) -> None:
    await talk.configure(output_modalities=["text"])
    await talk.connection.response.cancel(event_id="mine")
    await talk.until("error")
    await talk.connection.conversation.item.delete(item_id="item_of_nobody")
    await talk.until("error")
    await talk.say("Hello there.")
    await talk.until("rate_limits.updated")


SCENES: dict[str, Callable[[Talk], Awaitable[None]]] = {
    scene.__name__: scene for scene in (text, tools, voice, interruption, error)
}


async def main() -> None:
    url, scene = sys.argv[1:]
    client = AsyncOpenAI(api_key="none", base_url=url)
    async with asyncio.timeout(TIME_LIMIT), client.realtime.connect(model="gpt-realtime-2.1") as connection:
        await SCENES[scene](Talk(connection))


asyncio.run(main())
