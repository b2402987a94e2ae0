"""One connection of the package, and what the checks do with it again and again."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI

from tests.foreign.drivers.harness import Setup, chunks

MODEL = "gpt-realtime"
LONG_ANSWER = "Please count to 100."


class Wire:
    """One connection of the package; every event passes the typed models before the package parses it."""

    def __init__(self, setup: Setup, connection: Any) -> None:
        self.setup = setup
        self.connection = connection
        self.events: list[Any] = []

    async def receive(self) -> Any:
        frame = await self.connection.recv_bytes()
        self.setup.saw(frame)
        event = self.connection.parse_event(frame)
        self.events.append(event)
        return event

    async def until(self, kind: str, **fields: Any) -> Any:
        """Receive up to the next event of a type whose fields have these values."""
        while True:
            event = await self.receive()
            if event.type == kind and all(getattr(event, name) == value for name, value in fields.items()):
                return event

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]

    def types(self) -> list[str]:
        """The types so far, each run of deltas once."""
        types = [event.type for event in self.events]
        return [kind for kind, before in zip(types, [None, *types], strict=False) if kind != before]

    async def say(self, text: str, **response: Any) -> Any:
        """A typed message and its answer: the response of response.done."""
        await self.ask(text)
        await self.connection.response.create(**({"response": response} if response else {}))
        return (await self.until("response.done")).response

    async def ask(self, text: str) -> str:
        """A typed message; returns its item's id."""
        await self.connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        )
        return str((await self.until("conversation.item.done")).item.id)

    async def configure(self, **session: Any) -> Any:
        await self.connection.session.update(session={"type": "realtime", **session})
        return (await self.until("session.updated")).session

    async def hear(self, pcm: bytes) -> None:
        for chunk in chunks(pcm):
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(chunk).decode())

    async def refusal(self, event: dict[str, Any]) -> Any:
        """Send an event that has to fail, under an id of its own; returns the error."""
        await self.connection.send({"event_id": "of_the_client", **event})
        error = (await self.until("error")).error
        assert error.event_id == "of_the_client", error
        return error


@asynccontextmanager
async def connected(setup: Setup, **options: Any) -> AsyncIterator[Wire]:
    client = AsyncOpenAI(base_url=setup.url, api_key="none")
    async with client, client.realtime.connect(**({"model": MODEL} | options)) as connection:
        wire = Wire(setup, connection)
        assert (await wire.receive()).type == "session.created"
        yield wire


@asynccontextmanager
async def texting(setup: Setup) -> AsyncIterator[Wire]:
    async with connected(setup) as wire:
        await wire.configure(output_modalities=["text"])
        yield wire


def text_of(response: Any) -> str:
    return "".join(part.text or part.transcript or "" for item in response.output for part in item.content)


async def expect_transcript(wire: Wire) -> None:
    """What the session's transcription has to come to."""
    place = "conversation.item.input_audio_transcription"
    if not wire.setup.recognizer:
        failed = await wire.until(f"{place}.failed")
        assert "recognizer" in failed.error.message, failed
        return
    completed = await wire.until(f"{place}.completed")
    heard = completed.transcript.lower()
    assert all(word in heard for word in ("ever tried", "no matter", "fail better")), heard
    assert "".join(event.delta for event in wire.of(f"{place}.delta")).strip() == completed.transcript
    assert completed.usage is not None
