"""Tools: functions of the client, and those of MCP servers."""

from __future__ import annotations

import json

from tests.foreign.drivers.harness import Setup, check
from tests.foreign.drivers.openai_package.wire import text_of, texting

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
MCP = {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp", "require_approval": "never"}


@check
async def a_function_call(setup: Setup) -> None:
    """The model calls, the client answers, the model uses the answer."""
    async with texting(setup) as wire:
        await wire.configure(tools=[WEATHER], tool_choice="auto")
        response = await wire.say("What is the weather in Paris?")
        [call] = response.output
        assert (call.type, call.name) == ("function_call", "get_weather")
        assert "paris" in json.loads(call.arguments)["city"].lower()
        done = wire.of("response.function_call_arguments.done")[0]
        assert (done.call_id, done.arguments, done.name) == (call.call_id, call.arguments, call.name)
        assert "".join(e.delta for e in wire.of("response.function_call_arguments.delta")) == call.arguments
        await wire.connection.conversation.item.create(
            item={"type": "function_call_output", "call_id": call.call_id, "output": '{"temperature": 21}'}
        )
        await wire.connection.response.create()
        answer = (await wire.until("response.done")).response
        assert "21" in text_of(answer), answer


@check
async def a_required_function(setup: Setup) -> None:
    """tool_choice `required`, or a function's name, makes a call whose arguments fit the schema."""
    async with texting(setup) as wire:
        for choice in ("required", {"type": "function", "name": "get_weather"}):
            await wire.configure(tools=[WEATHER], tool_choice=choice)
            response = await wire.say("Hello.")
            [call] = response.output
            assert isinstance(json.loads(call.arguments)["city"], str)
            await wire.connection.conversation.item.create(
                item={"type": "function_call_output", "call_id": call.call_id, "output": "fine"}
            )
            await wire.until("conversation.item.done")


@check
async def parallel_calls(setup: Setup) -> None:
    """Two calls in one response, each with its own items and index; two outputs, one answer."""
    async with texting(setup) as wire:
        await wire.configure(tools=[WEATHER, WEATHER | {"name": "get_time", "description": "The time in a city."}])
        response = await wire.say("Both, please: the weather in Paris and the time in Oslo.")
        assert sorted(call.name for call in response.output) == ["get_time", "get_weather"], response.output
        assert len({call.call_id for call in response.output}) == 2
        assert [event.output_index for event in wire.of("response.output_item.done")] == [0, 1]
        for call in response.output:
            await wire.connection.conversation.item.create(
                item={"type": "function_call_output", "call_id": call.call_id, "output": "fine"}
            )
        await wire.connection.response.create()
        answer = (await wire.until("response.done")).response
        assert answer.output[0].type == "message", answer


@check
async def mcp_tools(setup: Setup) -> None:
    """A (simulated) MCP server's tools are listed as an item; one that cannot be reached fails to list."""
    async with texting(setup) as wire:
        await wire.configure(tools=[MCP])
        await wire.until("mcp_list_tools.completed")
        done = await wire.until("conversation.item.done")
        assert (done.item.type, done.item.server_label) == ("mcp_list_tools", "docs"), done.item
        assert done.item.tools
        await wire.configure(tools=[MCP | {"server_label": "gone", "server_url": "https://gone.invalid/mcp"}])
        await wire.until("mcp_list_tools.failed")


@check
async def an_mcp_call(setup: Setup) -> None:
    """A call that needs no approval is carried out by the server, its result in the item."""
    async with texting(setup) as wire:
        await wire.configure(tools=[MCP], tool_choice="required")
        response = await wire.say("Hello.")
        [call] = response.output
        assert (call.type, call.server_label) == ("mcp_call", "docs"), call
        arguments = wire.of("response.mcp_call_arguments.done")[0].arguments
        assert arguments == "".join(event.delta for event in wire.of("response.mcp_call_arguments.delta"))
        while not wire.of("response.mcp_call.completed"):
            await wire.receive()
        done = [event.item for event in wire.of("conversation.item.done") if event.item.type == "mcp_call"]
        assert done[-1].output


@check
async def an_mcp_approval(setup: Setup) -> None:
    """A call that needs approval waits for the client's word."""
    async with texting(setup) as wire:
        await wire.configure(tools=[MCP | {"require_approval": "always"}], tool_choice="required")
        response = await wire.say("Hello.")
        [request] = response.output
        assert request.type == "mcp_approval_request", request
        approval = {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}
        await wire.connection.send({"type": "conversation.item.create", "item": approval})
        await wire.until("response.mcp_call.completed")
