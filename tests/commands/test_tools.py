"""Commands for tools and approvals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.session.tools.tool import Tool
from rtcli.views import Notice, SpeechDone, Table
from tests.kit.events import CREATED
from tests.kit.fake_server import Conversation, fake_server, reply_to
from tests.kit.sessions import Live, live_session, session_on

WEATHER = Tool({"type": "function", "name": "get_weather", "description": "The weather.\nMore.", "parameters": {}})


async def test_calls_are_listed_and_answered_by_hand() -> None:
    """What waits is in the table, in completion and in the status."""

    async with live_session(tools=[WEATHER]) as live:
        await live.run("What is the weather in Paris?")
        (call,) = await live.until(lambda: live.session.tools.waiting)
        tools, program, calls = await live.run("/tools")
        assert isinstance(tools, Table) and tools.rows == (("get_weather", "answered by /tool", "The weather."),)
        assert isinstance(program, Table) and program.rows == (("get_weather", "yes", "The weather."),)
        assert isinstance(calls, Table) and calls.rows[0][0] == call.id
        assert calls.rows[0][2].startswith("waiting for you, ")
        assert [c.text for c in live.complete("/tool ")] == ["cancel ", f"{call.id} "]

        (notice,) = await live.run(f"/tool {call.id} sunny and warm")
        await live.idle()
        assert isinstance(notice, Notice) and notice.what == f"{call.id} answered"
        items = [event["item"] for event in live.events("conversation.item.create")]
        assert items[-1]["output"] == "sunny and warm"
        (history,) = await live.run("/history")
        assert isinstance(history, Table)
        rows = [(row[2], row[4]) for row in history.rows]
        output = rows.index(("output", "-> sunny and warm"))
        assert rows[output - 1][0] == "function_call" and rows[output - 1][1].startswith("get_weather ")


async def test_calls_can_be_kept_from_running() -> None:
    """In manual mode the call waits, and the table says that; auto runs the next one."""
    ran: list[str] = []

    def get_weather() -> str:
        ran.append("ran")
        return "sunny"

    async with live_session(tools=[Tool(WEATHER.schema, get_weather)]) as live:
        await live.run("/tools manual")
        await live.run("What is the weather?")
        (call,) = await live.until(lambda: live.session.tools.waiting)
        (tools, *_) = await live.run("/tools")
        assert isinstance(tools, Table) and tools.rows[0][1] == "answered by /tool"
        assert ran == []
        await live.run(f"/tool {call.id} rainy")
        await live.idle()

        await live.run("/tools auto")
        await live.run("What is the weather?")
        await live.idle()
        (tools, _) = await live.run("/tools")
        assert isinstance(tools, Table) and tools.rows[0][1] == "run automatically"
        assert ran == ["ran"]


async def test_a_session_without_tools_says_how_to_get_some() -> None:
    """An empty table would say nothing."""
    async with live_session() as live:
        (none,) = await live.run("/tools")

        assert isinstance(none, Notice) and none.what == "no tools" and "--tools" in none.hint


async def test_the_simulated_mcp_server_asks_and_is_answered() -> None:
    """Its tools are announced, its request is shown as JSON, an approved call is answered."""
    server = {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"}
    async with live_session() as live:
        await live.run(f"/session set tools={json.dumps([{**server, 'require_approval': 'always'}])}")
        await live.until(lambda: [n for n in live.notices if n.startswith("docs offers 1 tool |")])
        await live.run("call echo")
        (request,) = await live.until(lambda: [call.id for call in live.session.tools.waiting])
        (tools, approvals) = await live.run("/tools")
        assert isinstance(tools, Table)
        assert tools.rows == (("docs", "made by the server", "https://example.com/mcp"),)
        assert isinstance(approvals, Table) and approvals.rows[0][0] == request
        assert approvals.rows[0][3].startswith('{"')
        await live.run("/approve")
        await live.until(lambda: live.shown(SpeechDone))

        assert "echo says" in live.shown(SpeechDone)[-1].text
        assert not live.session.tools.waiting


def asking(*names: str) -> Any:
    """A peer whose server wants these MCP calls approved."""

    async def script(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.send(*reply_to(await talk.receive()))
        for name in names:
            item = {
                "type": "mcp_approval_request",
                "id": name,
                "server_label": "docs",
                "name": "search",
                "arguments": "{}",
            }
            await talk.send({"type": "conversation.item.done", "previous_item_id": None, "item": item})
        number = 0
        while True:
            number += 1
            await talk.send(*reply_to(await talk.receive(), number))

    return script


def decisions(live: Live) -> list[dict[str, Any]]:
    items = [event["item"] for event in live.events("conversation.item.create")]
    return [{k: v for k, v in item.items() if k != "type"} for item in items if item["type"] == "mcp_approval_response"]


async def test_an_approval_is_asked_for_and_given() -> None:
    """The one that waits needs no name; the call then runs, and its result is answered by the server's events."""
    async with fake_server(asking("mcpr_1")) as server, session_on(server.url) as live:
        await live.until(lambda: live.session.tools.waiting)
        assert [call.id for call in live.session.status.calls] == ["mcpr_1"]
        assert any("docs asks to call search" in notice and "/approve mcpr_1" in notice for notice in live.notices)
        await live.run("/approve")

        assert decisions(live) == [{"approval_request_id": "mcpr_1", "approve": True}]
        with pytest.raises(UsageError, match="no approval is pending"):
            await live.run("/approve")


async def test_a_denial_gives_its_reason_and_the_model_goes_on() -> None:
    """By name or alone, with words for the model."""
    async with fake_server(asking("mcpr_1", "mcpr_2")) as server, session_on(server.url) as live:
        await live.until(lambda: len(live.session.tools.waiting) == 2)
        with pytest.raises(UsageError, match="mcpr_1, mcpr_2"):
            await live.run("/deny")
        await live.run("/deny mcpr_2 not on my watch")
        await live.run("/deny never mind")
        await live.idle()

        assert decisions(live) == [
            {"approval_request_id": "mcpr_2", "approve": False, "reason": "not on my watch"},
            {"approval_request_id": "mcpr_1", "approve": False, "reason": "never mind"},
        ]
        assert live.events("response.done")


async def test_an_approval_that_does_not_wait_is_refused() -> None:
    """With those that do."""
    async with fake_server(asking("mcpr_1")) as server, session_on(server.url) as live:
        await live.until(lambda: live.session.tools.waiting)
        with pytest.raises(UsageError, match="mcpr_1"):
            await live.run("/approve mcpr_9")
        with pytest.raises(UsageError, match="mcpr_1"):
            live.session.tools.approve("mcpr_9", True)


async def test_the_tools_of_an_mcp_server_are_announced() -> None:
    """How many, and their names."""

    async def lists(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.send(*reply_to(await talk.receive()))
        tools = [{"name": "search", "input_schema": {}}, {"name": "fetch", "input_schema": {}}]
        item = {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "docs", "tools": tools}
        await talk.send({"type": "conversation.item.done", "previous_item_id": None, "item": item})
        await talk.receive_all()

    async with fake_server(lists) as server, session_on(server.url) as live:
        await live.until(lambda: any("docs offers 2 tools | search, fetch" in notice for notice in live.notices))
