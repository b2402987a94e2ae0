"""Test an agent of your own against the built-in server, as it fails too: pytest examples/test_agent.py."""

import asyncio
from pathlib import Path

import pytest

from rtcli import OpenAIRealtimeWebSocket, RealtimeServer

SCRIPT = Path(__file__).parent / "front_desk.script.yaml"


async def ask(url: str, question: str) -> str:
    """Your agent stands here: it answers one question, and raises when the connection goes away."""
    transport = OpenAIRealtimeWebSocket(url=f"{url}?model=gpt-realtime-2.1", api_key="none")
    answer = asyncio.get_running_loop().create_future()
    transport.on("response.output_text.done", lambda event: answer.set_result(event["text"]))

    def ended() -> None:
        if not answer.done():
            answer.set_exception(ConnectionError("the server went away"))

    transport.on("disconnected", ended)
    await transport.connect(initial_session_config={"output_modalities": ["text"]})
    await transport.wait_ready(10)
    transport.send_message(question)
    try:
        return str(await answer)
    finally:
        transport.close()


def test_it_passes_the_answer_on() -> None:
    async def run() -> str:
        async with RealtimeServer(pace=0, voice="tone", script=SCRIPT) as server:
            return await ask(server.url, "do you have a room?")

    assert asyncio.run(run()) == "I have a room with a view of the harbor."


def test_it_notices_a_lost_connection() -> None:
    async def run() -> str:
        async with RealtimeServer(pace=0, voice="tone", faults=["event=response.created:close=1011"]) as server:
            return await ask(server.url, "hello")

    with pytest.raises(ConnectionError):
        asyncio.run(run())
