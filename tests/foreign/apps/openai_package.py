"""An application on the official `openai` package; its argument plants a bug."""

import asyncio
import base64
import sys
from typing import Any

from openai import AsyncOpenAI

BUG = sys.argv[1]
TOOL: Any = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}


async def converse(connection: Any) -> None:
    """A question, a tool, and an answer that the user stops halfway."""
    await connection.session.update(session={"type": "realtime", "tools": [TOOL]})
    said = {"type": "input_text", "text": "What is the weather?"}
    await connection.conversation.item.create(item={"type": "message", "role": "user", "content": [said]})
    await connection.response.create()
    received = 0  # bytes of audio
    async for event in connection:
        if event.type == "response.output_audio.delta":
            if BUG == "creates_while_active" and not received:
                await connection.response.create()
            received += len(base64.b64decode(event.delta))
        if event.type in ("conversation.item.truncated", "error"):
            return
        if event.type == "response.done":
            (item,) = event.response.output
            if item.type == "message":
                heard = received // 48 + 3000 if BUG == "truncates_beyond" else received // 96  # milliseconds
                await connection.conversation.item.truncate(item_id=item.id, content_index=0, audio_end_ms=heard)
            elif BUG == "never_answers":
                return
            else:
                output = {"type": "function_call_output", "call_id": item.call_id, "output": "21 degrees"}
                await connection.conversation.item.create(item=output)
                await connection.response.create()


async def main() -> None:
    async with AsyncOpenAI().realtime.connect(model="gpt-realtime-2.1") as connection:
        await converse(connection)


asyncio.run(main())
