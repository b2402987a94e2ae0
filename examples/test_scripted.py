"""Test what your code sends, event by event, without a server: pytest examples/test_scripted.py."""

import asyncio

import pytest

from rtcli import OpenAIRealtimeWebSocket
from rtcli.testing import ScriptedTransport, ScriptError, Step, call_response, emit, expect, text_response


async def ask_about_weather(transport: OpenAIRealtimeWebSocket) -> None:
    """Your agent stands here: it answers the model's call with what it knows."""
    transport.on("function_call", lambda call: transport.send_function_call_output(call, "21 degrees"))
    transport.send_message("What is the weather in Paris?")


def play(*steps: Step) -> list[str]:
    async def run() -> list[str]:
        heard: list[str] = []
        async with ScriptedTransport(*steps) as transport:
            transport.on("output_text_delta", lambda event: heard.append(event.delta))
            await ask_about_weather(transport)
            await transport.played()
        return heard

    return asyncio.run(run())


def test_the_call_is_answered() -> None:
    heard = play(
        expect("conversation.item.create", item={"content": [{"text": "paris"}]}),
        expect("response.create"),
        emit(call_response("get_weather", {"city": "Paris"})),
        expect("conversation.item.create", item={"type": "function_call_output", "output": "21*"}),
        expect("response.create"),
        emit(text_response("It is 21 degrees.", response_id="resp_2")),
    )
    assert heard == ["It is 21 degrees."]


def test_a_send_that_is_not_expected_fails() -> None:
    with pytest.raises(ScriptError, match=r"is not response\.cancel"):
        play(expect("conversation.item.create"), expect("response.cancel"))
