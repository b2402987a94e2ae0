"""Give the model a tool, answer its call, and print what it makes of the result: python examples/tool.py."""

import asyncio

from rtcli import OpenAIRealtimeWebSocket, RealtimeServer

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def main() -> None:
    async with RealtimeServer() as server:
        transport = OpenAIRealtimeWebSocket(url=f"{server.url}?model=gpt-realtime-2.1", api_key="none")
        said = asyncio.Queue[str]()
        transport.on("function_call", lambda call: print(f"{call.name}({call.arguments})"))
        transport.on("function_call", lambda call: transport.send_function_call_output(call, "21 degrees and sunny"))
        transport.on("response.output_text.done", lambda event: said.put_nowait(event["text"]))
        await transport.connect(initial_session_config={"output_modalities": ["text"], "tools": [WEATHER]})
        await transport.wait_ready(10)
        transport.send_message("What is the weather in Paris?")
        print(await said.get())
        transport.close()


asyncio.run(main())
