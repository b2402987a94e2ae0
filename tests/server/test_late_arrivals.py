"""What comes to the conversation while an answer is being made."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.server import RealtimeServer
from tests.server.client import Client, said, session
from tests.server.playbook import Playbook, user

TEXT: dict[str, Any] = {"output_modalities": ["text"]}
WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def give(client: Client, call: dict[str, Any], output: str) -> None:
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
    await client.send("conversation.item.create", item=item)


@pytest.mark.parametrize("moment", ["response.created", "response.output_text.delta"])
async def test_an_output_that_comes_during_the_answer_is_answered_next(moment: str) -> None:
    """The second of two outputs arrives before or after the message that answers the first: then it is answered."""
    async with RealtimeServer(voice="tone") as server, session(server, tools=[WEATHER], **TEXT) as client:
        first, second = (await client.ask("What is the weather in Paris and Oslo?"))["output"]
        await give(client, first, "21 degrees")
        await client.send("response.create")
        await client.until(moment)
        await give(client, second, "7 degrees")
        one = (await client.until("response.done"))["response"]
        await client.send("response.create")
        other = (await client.until("response.done"))["response"]

    assert [said(one), said(other)] == ["get_weather says 21 degrees.", "get_weather says 7 degrees."]


async def test_outputs_that_come_before_the_calls_are_done_are_logged_together() -> None:
    """Given while the calls are still made, and a response.create that is refused meanwhile: nothing is lost."""
    async with RealtimeServer(voice="tone") as server, session(server, tools=[WEATHER], **TEXT) as client:
        await client.say("What is the weather in Paris and Oslo?")
        for output in ("21 degrees", "7 degrees"):
            call = await client.until("response.function_call_arguments.done")
            await give(client, call, output)
            if output == "21 degrees":
                await client.send("response.create", event_id="early")
        await client.until("response.done")
        refused = next(event["error"] for event in client.seen if event["type"] == "error")
        await client.send("response.create")
        answer = (await client.until("response.done"))["response"]

    assert (refused["code"], refused["event_id"]) == ("conversation_already_has_active_response", "early")
    assert said(answer) == "get_weather says 21 degrees. get_weather says 7 degrees."


async def test_a_message_that_comes_during_the_answer_is_answered_next() -> None:
    """Though the answer's message comes after it on the wire."""
    async with RealtimeServer(voice="tone") as server, session(server, **TEXT) as client:
        await client.say("Say one")
        await client.until("response.created")
        await client.send("conversation.item.create", item=user("Say two"))
        await client.until("response.done")
        await client.send("response.create")
        answer = (await client.until("response.done"))["response"]

    assert said(answer) == "two"


def test_an_item_that_is_put_before_an_answer_afterwards_stays_there() -> None:
    """Only what came while the answer was made is still to be answered."""
    book = Playbook()
    first = book.say("One")
    running = book.start()
    during = book.say("Two")
    running.say("Answer")
    running.say(" and more")
    book.core.response_ended(running)
    answer = book.items()[-1]
    placed = book.say("Between", previous_item_id=first)

    assert book.items() == [first, placed, during, answer]
    assert [item.id for item in book.core.conversation.in_reply_order()] == [first, placed, answer, during]
