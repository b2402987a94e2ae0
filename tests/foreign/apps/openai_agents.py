"""An application on the official `openai-agents` package; its argument plants a bug."""

import asyncio
import os
import sys
from typing import Any

from agents import function_tool
from agents.realtime import (
    RealtimeAgent,
    RealtimeModelSendInterrupt,
    RealtimeModelSendRawMessage,
    RealtimePlaybackTracker,
    RealtimeRunner,
)

BUG = sys.argv[1]
URL = f"{os.environ['RTCLI_URL']}?model=gpt-realtime-2.1"


@function_tool  # type: ignore[untyped-decorator]
async def get_weather() -> str:
    """The weather."""
    if BUG == "never_answers":
        await asyncio.Event().wait()
    return "21 degrees"


class Call:
    """One conversation: a question, a tool, and an answer that the user stops halfway."""

    def __init__(self, session: Any, playback: RealtimePlaybackTracker) -> None:
        self._session = session
        self._playback = playback
        self._received = 0  # bytes of audio
        self._place = ("", 0)  # item and part of the answer
        self.over = asyncio.Event()

    async def on_event(self, event: Any) -> None:
        """Called by the model for everything that the server says."""
        if event.type == "audio":
            if BUG == "creates_while_active" and not self._received:
                # by the socket: what goes through send_event waits for the response to end
                await self._session.model._websocket.send('{"type": "response.create"}')
            self._received += len(event.data)
            self._place = (event.item_id, event.content_index)
        if event.type != "raw_server_event":
            return
        kind = event.data["type"]
        if kind in ("conversation.item.truncated", "error"):
            self.over.set()
        if kind == "response.done":
            await self._responded(event.data["response"]["output"])

    async def _responded(self, output: list[Any]) -> None:
        if output[0]["type"] == "function_call":
            if BUG == "never_answers":
                self.over.set()
        elif BUG == "truncates_beyond":
            item_id, part = self._place
            heard = self._received // 48 + 3000  # milliseconds
            await self._send("conversation.item.truncate", item_id=item_id, content_index=part, audio_end_ms=heard)
        else:
            self._playback.on_play_ms(*self._place, self._received // 96)
            await self._session.model.send_event(RealtimeModelSendInterrupt())

    async def _send(self, kind: str, **fields: Any) -> None:
        message = RealtimeModelSendRawMessage(message={"type": kind, "other_data": fields})
        await self._session.model.send_event(message)


async def main() -> None:
    playback = RealtimePlaybackTracker()
    runner = RealtimeRunner(RealtimeAgent(name="guide", tools=[get_weather]))
    options: Any = {"url": URL, "api_key": os.environ["OPENAI_API_KEY"], "playback_tracker": playback}
    async with await runner.run(model_config=options) as session:
        call = Call(session, playback)
        session.model.add_listener(call)
        await session.send_message("What is the weather?")
        await call.over.wait()


asyncio.run(main())
