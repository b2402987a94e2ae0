"""A small client of the tests: sends events, reads until one comes, never waits without a deadline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.events import WireObject
from rtcli.server import RealtimeServer
from tests.kit.waiting import DEADLINE
from tests.server.playbook import user

MODEL = "?model=gpt-realtime"


class Client:
    """One connection. `seen` has every event that came."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seen: list[WireObject] = []

    async def send(self, type_: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": type_, **fields}))

    async def next(self) -> WireObject:
        event: WireObject = json.loads(await asyncio.wait_for(self.connection.recv(), DEADLINE))
        self.seen.append(event)
        return event

    async def until(self, *types: str) -> WireObject:
        """Read up to the first event of one of these types."""
        while (event := await self.next())["type"] not in types:
            pass
        return event

    async def say(self, text: str, **response: Any) -> None:
        """A user message and a request for an answer."""
        await self.send("conversation.item.create", item=user(text))
        await self.send("response.create", response=response)

    async def ask(self, text: str, **response: Any) -> WireObject:
        """The finished response to a message."""
        await self.say(text, **response)
        done: WireObject = (await self.until("response.done"))["response"]
        return done

    async def append_audio(self, pcm: bytes) -> None:
        """Append audio in pieces of 100 ms."""
        for start in range(0, len(pcm), 4_800):
            await self.send("input_audio_buffer.append", audio=encode_base64(pcm[start : start + 4_800]))

    def types(self) -> list[str]:
        return [event["type"] for event in self.seen]

    async def closed(self) -> tuple[int, str]:
        """How the connection ends: code and reason; what comes before is seen."""
        async with asyncio.timeout(DEADLINE):
            with suppress(ConnectionClosed):  # a code other than 1000 and 1001 is an error to the client's library
                async for frame in self.connection:
                    self.seen.append(json.loads(frame))
            await self.connection.wait_closed()
        return self.connection.close_code or 0, self.connection.close_reason or ""


def said(response: WireObject) -> str:
    """The text of a response's first message."""
    part = response["output"][0]["content"][0]
    return str(part.get("text") or part.get("transcript"))


@asynccontextmanager
async def dial(server: RealtimeServer, query: str = MODEL, **options: Any) -> AsyncIterator[Client]:
    """A connection; nothing is read yet."""
    async with connect(server.url + query, compression=None, max_size=None, close_timeout=2, **options) as connection:
        yield Client(connection)


@asynccontextmanager
async def session(server: RealtimeServer, query: str = MODEL, **update: Any) -> AsyncIterator[Client]:
    """A connection whose session is created, and updated where something is asked of it."""
    async with dial(server, query) as client:
        created = (await client.until("session.created"))["session"]
        if update:
            await client.send("session.update", session={"type": created["type"], **update})
            await client.until("session.updated")
        yield client
