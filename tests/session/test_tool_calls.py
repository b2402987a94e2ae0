"""Calls of the model, from request to answer, on the local server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from rtcli.errors import InputError, UsageError
from rtcli.protocol.payloads import FunctionCall
from rtcli.session.tool_calls import CallState, OpenCall, ToolCalls, merged_tools
from rtcli.session.tools.load import load_tools
from rtcli.session.tools.signature import tool_of
from rtcli.session.tools.tool import Tool
from rtcli.views import Notice
from tests.kit.events import CREATED
from tests.kit.fake_server import Conversation, fake_server, reply_to
from tests.kit.sessions import Live, live_session, session_at, session_on


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


async def broken(city: str) -> str:
    """A tool that fails."""
    raise RuntimeError("no such city")


WEATHER = tool_of(get_weather)
BROKEN = tool_of(broken)
BY_HAND = Tool(WEATHER.schema)
OTHER = Tool({"type": "function", "name": "other"})


def call_events(*calls: tuple[str, str, str], status: str = "completed") -> list[dict[str, Any]]:
    """A response that makes calls: (call_id, name, arguments)."""
    common = {"type": "function_call", "status": "completed"}
    items = [
        {"id": f"item_{call_id}", **common, "call_id": call_id, "name": name, "arguments": text}
        for call_id, name, text in calls
    ]
    place = {"response_id": "resp_1", "output_index": 0}
    return [
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}},
        *({"type": "response.output_item.done", **place, "item": item} for item in items),
        {"type": "response.done", "response": {"id": "resp_1", "status": status, "output": items}},
    ]


def calling(*calls: tuple[str, str, str], status: str = "completed") -> Any:
    """A peer whose first response makes these calls, and whose later ones say hello."""

    async def script(talk: Conversation) -> None:
        await talk.send(CREATED)
        asked = 0
        for number in count(10):
            event = await talk.receive()
            asked += event["type"] == "response.create"
            first = event["type"] == "response.create" and asked == 1
            await talk.send(*(call_events(*calls, status=status) if first else reply_to(event, number)))

    return script


def outputs(live: Live) -> dict[str, str]:
    """What was sent for each call."""
    items = [event["item"] for event in live.events("conversation.item.create")]
    return {item["call_id"]: item["output"] for item in items if item["type"] == "function_call_output"}


@contextlib.asynccontextmanager
async def session_with(script: Any, *tools: Tool) -> AsyncIterator[Live]:
    """A session that has these tools, on a peer that runs a script."""
    async with fake_server(script) as server, session_on(server.url, tools=tools) as live:
        yield live


async def test_a_call_is_run_and_its_answer_used() -> None:
    """Call, output, one more response that knows it."""
    async with live_session(tools=[WEATHER]) as live:
        await live.run("What is the weather in Paris?")
        await live.until(lambda: len(live.records("response.done")) == 2)
        await live.idle()

        assert list(outputs(live).values()) == ["sunny in Paris"]
        assert live.sent().count("response.create") == 2
        assert live.session.tools.waiting == ()


async def test_parallel_calls_are_answered_together_and_followed_by_one_request() -> None:
    """Every output goes out before the one response.create."""
    calls = [(f"call_{n}", "get_weather", json.dumps({"city": f"c{n}"})) for n in range(3)]
    async with session_with(calling(*calls), WEATHER) as live:
        live.session.talk.respond()
        await live.until(lambda: len(live.records("response.done")) == 2)

        tail = [kind for kind in live.sent() if kind in ("conversation.item.create", "response.create")]
        assert tail == ["response.create", *["conversation.item.create"] * 3, "response.create"]
        assert outputs(live) == {"call_0": "sunny in c0", "call_1": "sunny in c1", "call_2": "sunny in c2"}


async def test_a_tool_that_fails_is_an_error_that_the_model_sees() -> None:
    """The exception becomes the output, and the user is told as well."""
    async with session_with(calling(("call_1", "broken", '{"city": "x"}')), BROKEN) as live:
        live.session.talk.respond()
        await live.until(lambda: outputs(live))

        assert json.loads(outputs(live)["call_1"]) == {"error": "RuntimeError: no such city"}
        assert any("tool broken failed" in notice for notice in live.notices)


async def test_a_call_by_hand_waits_for_the_person() -> None:
    """It is in the status until /tool answers it; the session is not busy meanwhile."""
    async with session_with(calling(("call_1", "get_weather", "{}")), BY_HAND) as live:
        live.session.talk.respond()
        await live.until(lambda: live.session.tools.waiting)
        await live.idle()
        assert [call.id for call in live.session.status.calls] == ["call_1"]
        with pytest.raises(UsageError, match="call_2") as caught:
            live.session.tools.answer("call_2", "x")
        assert "call_1" in caught.value.why

        assert live.session.tools.answer("call_1", "rain") == "call_1 answered"
        await live.idle()
        assert outputs(live) == {"call_1": "rain"}
        assert live.sent().count("response.create") == 2


async def test_a_round_waits_for_its_last_answer() -> None:
    """One answer of two is kept; both go out with the second."""
    calls = [("call_1", "other", "{}"), ("call_2", "other", "{}")]
    async with session_with(calling(*calls), OTHER) as live:
        live.session.talk.respond()
        await live.until(lambda: len(live.session.tools.waiting) == 2)

        assert live.session.tools.answer("call_2", "b") == "call_2 kept until call_1 is answered as well"
        assert outputs(live) == {}
        live.session.tools.answer("call_1", "a")
        await live.idle()
        assert list(outputs(live)) == ["call_1", "call_2"]


async def test_manual_mode_keeps_calls_that_could_run() -> None:
    """/tools manual: the user decides every answer."""
    async with session_with(calling(("call_1", "get_weather", '{"city": "x"}')), WEATHER) as live:
        live.session.tools.manual = True
        live.session.talk.respond()

        await live.until(lambda: live.session.tools.waiting)
        assert outputs(live) == {}


async def test_the_calls_of_a_cancelled_response_ask_for_nothing() -> None:
    """Whoever cut in will be answered; a second answer on top would talk over it."""
    async with session_with(calling(("call_1", "get_weather", '{"city": "x"}'), status="cancelled"), WEATHER) as live:
        live.session.talk.respond()
        await live.until(lambda: outputs(live))
        await live.idle()

        assert live.sent().count("response.create") == 1


async def test_calls_are_forgotten_with_their_connection() -> None:
    """A new connection knows nothing of them: their outputs would be refused."""

    async def calls_and_leaves(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.send(*reply_to(await talk.receive()))
        await talk.receive()
        await talk.send(*call_events(("call_1", "other", "{}")))
        await talk.socket.close(1001)

    async with session_with(calls_and_leaves, OTHER) as live:
        live.session.talk.respond()
        await live.until(lambda: live.session.transport.status == "disconnected")

        assert live.session.tools.waiting == ()


async def test_calls_and_approvals_wait_in_one_place() -> None:
    """Whoever asks what waits sees both, and neither is taken for the other; a lost connection takes both along."""
    approval = {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "docs", "name": "search"}
    asks = {"type": "conversation.item.done", "previous_item_id": None, "item": {**approval, "arguments": '{"q": 1}'}}

    async def asks_twice(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.send(*reply_to(await talk.receive()), asks)
        await talk.confirm_until("response.create")
        await talk.send(*call_events(("call_1", "other", "{}")))
        await talk.confirm_until("input_audio_buffer.clear")
        await talk.socket.close(1001)

    async with session_with(asks_twice, OTHER) as live:
        live.session.talk.respond()
        await live.until(lambda: len(live.session.tools.waiting) == 2)
        assert live.session.tools.waiting == (
            OpenCall("call_1", "other", "{}"),
            OpenCall("mcpr_1", "docs/search", '{"q": 1}', CallState.FOR_APPROVAL),
        )
        assert [(call.id, call.is_running) for call in live.session.status.calls] == [
            ("call_1", False),
            ("mcpr_1", False),
        ]
        with pytest.raises(UsageError, match="is not waiting"):
            live.session.tools.answer("mcpr_1", "x")
        with pytest.raises(UsageError, match="is not waiting"):
            live.session.tools.approve("call_1", True)

        live.session.talk.discard()
        await live.until(lambda: not live.session.lifecycle.connected)
        assert not live.session.tools.waiting


async def test_a_tool_that_runs_ends_with_the_session() -> None:
    """Nothing is left when the user leaves."""
    started = threading.Event()  # tools run on a loop of their own

    async def endless() -> None:
        """A tool."""
        started.set()
        await asyncio.Event().wait()

    async with session_with(calling(("call_1", "endless", "{}")), tool_of(endless)) as live:
        live.session.talk.respond()
        await live.until(started.is_set)
        assert live.session.tools.running

    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("tool")]


def test_loaded_tools_join_those_of_the_config() -> None:
    """A loaded one replaces its namesake; servers and others stay."""
    config = {"tools": [{"type": "function", "name": "get_weather"}, {"type": "mcp", "server_label": "docs"}]}

    assert merged_tools(config, [WEATHER.schema]) == [{"type": "mcp", "server_label": "docs"}, WEATHER.schema]
    assert merged_tools({}, [WEATHER.schema]) == [WEATHER.schema]


async def test_a_call_to_a_tool_that_nobody_declared_is_answered_at_once() -> None:
    """With the calls beside it, in their order; at a prompt as in a pipe."""
    calls = [("call_1", "made_up", "{}"), ("call_2", "get_weather", '{"city": "x"}')]
    async with session_with(calling(*calls), WEATHER) as live:
        live.session.talk.respond()
        await live.until(lambda: len(outputs(live)) == 2)
        await live.idle()

        assert list(outputs(live)) == ["call_1", "call_2"]
        assert json.loads(outputs(live)["call_1"]) == {"error": "there is no tool made_up"}
        assert any("the model called made_up" in notice for notice in live.notices)
        assert live.sent().count("response.create") == 2


async def test_a_function_of_one_response_alone_waits_for_the_user() -> None:
    """It was declared with the request, and so somebody can answer it."""
    async with session_with(calling(("call_1", "once", "{}"))) as live:
        live.session.talk.respond({"tools": [{"type": "function", "name": "once"}]})
        await live.until(lambda: live.session.tools.waiting)
        assert outputs(live) == {}


async def test_the_calls_of_somebody_elses_session_are_left_alone() -> None:
    """Who joins a call does not know its tools; the app that owns it answers."""
    async with fake_server(calling(("call_1", "of_the_app", "{}"))) as server:
        session = session_at(server.url)
        session.tools = ToolCalls(session._link, (), joined=True)
        session.tools._on_function_call(FunctionCall("i1", "call_1", "of_the_app", "{}", "resp_1"))

        assert [call.state for call in session.tools.open] == [CallState.FOR_OUTPUT]


async def test_a_call_that_is_told_after_its_response_is_answered_too() -> None:
    """Nothing more will come for that response."""
    first, second, done = call_events(("call_1", "get_weather", '{"city": "a"}'))[:3]

    async def late(talk: Conversation) -> None:
        await talk.send(CREATED)
        for number in count(10):
            event = await talk.receive()
            if event["type"] == "response.create" and number < 13:
                await talk.send(first, done, second)
            else:
                await talk.send(*reply_to(event, number))

    async with session_with(late, WEATHER) as live:
        live.session.talk.respond()
        await live.until(lambda: outputs(live))

        assert outputs(live) == {"call_1": "sunny in a"}


async def test_a_call_that_runs_can_be_cancelled_or_answered_by_hand() -> None:
    """The function is stopped, the model is told; the one that is meant needs no name."""
    stopped: list[str] = []

    async def endless(name: str) -> None:
        """A tool."""
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(name)

    calls = [("call_1", "endless", '{"name": "a"}'), ("call_2", "endless", '{"name": "b"}')]
    async with session_with(calling(*calls), tool_of(endless)) as live:
        live.session.talk.respond()
        await live.until(lambda: len(live.session.tools.open) == 2)
        assert [call.state for call in live.session.tools.open] == [CallState.RUNNING] * 2
        with pytest.raises(UsageError, match="which call"):
            await live.run("/tool cancel")
        await live.run("/tool cancel call_1")
        await live.run('/tool {"found": 7}')
        await live.idle()

        assert json.loads(outputs(live)["call_1"]) == {"error": "the user cancelled the call"}
        assert json.loads(outputs(live)["call_2"]) == {"found": 7}
        await live.until(lambda: len(stopped) == 2)
        assert live.session.tools.open == ()
        with pytest.raises(UsageError, match="no call is waiting"):
            await live.run("/tool cancel")


async def test_a_file_is_read_again_and_the_session_has_what_it_holds_now(tmp_path: Path) -> None:
    """New and changed tools, without those that are gone; a file that is broken changes nothing."""
    path = tmp_path / "reloaded_tools.py"
    path.write_text("def a(x: int) -> int: ...\ndef b(x: int) -> int: ...\n")
    async with live_session(tools=load_tools(path).tools) as live:
        live.session.tools.file = path
        path.write_text("def b(x: str) -> int: ...\ndef c(x: int) -> int: ...\n")
        (notice,) = await live.run("/tools reload")
        assert isinstance(notice, Notice)
        assert (notice.what, notice.why) == ("2 tools in reloaded_tools.py", "added: c; removed: a")
        assert [tool["name"] for tool in live.context.state.tools.tools] == ["b", "c"]

        path.write_text("1 / 0")
        with pytest.raises(InputError, match="ZeroDivisionError"):
            await live.run("/tools reload")
        assert [tool.name for tool in live.session.tools.tools] == ["b", "c"]
