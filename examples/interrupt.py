"""Interrupt a spoken answer, and see where the server cuts it: python examples/interrupt.py."""

import asyncio
from typing import Any

from rtcli import OpenAIRealtimeWebSocket, RealtimeServer


async def main() -> None:
    async with RealtimeServer(voice="tone") as server:
        transport = OpenAIRealtimeWebSocket(url=f"{server.url}?model=gpt-realtime-2.1", api_key="none")
        cut: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        transport.on("audio_interrupted", lambda: print("your player stops here"))
        transport.on("conversation.item.truncated", cut.set_result)
        await transport.connect()
        await transport.wait_ready(10)
        transport.once("audio", lambda event: asyncio.get_running_loop().call_later(0.5, transport.interrupt))
        transport.send_message("count to 100")
        print("the server keeps", (await cut)["audio_end_ms"], "ms")
        transport.close()


asyncio.run(main())
