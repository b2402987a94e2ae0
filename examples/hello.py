"""Ask one question and print the answer as it comes: python examples/hello.py [ws://HOST/v1/realtime?model=MODEL]."""

import asyncio
import sys

from rtcli import OpenAIRealtimeWebSocket, RealtimeServer


async def main() -> None:
    async with RealtimeServer() as server:  # leave it out to talk to OpenAI: then OPENAI_API_KEY goes in as api_key
        url = sys.argv[1] if sys.argv[1:] else f"{server.url}?model=gpt-realtime-2.1"
        transport = OpenAIRealtimeWebSocket(url=url, api_key="none")
        answered = asyncio.Event()
        transport.on("output_text_delta", lambda event: print(event.delta, end="", flush=True))
        transport.on("turn_done", lambda event: answered.set())
        await transport.connect(initial_session_config={"output_modalities": ["text"]})
        await transport.wait_ready(10)
        transport.send_message("hello")
        await answered.wait()
        print()
        transport.close()


asyncio.run(main())
