"""MCP servers, simulated: listing, approval, calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rtcli.server.session import mcp
from tests.server.playbook import Playbook, only, types

DOCS = {"type": "mcp", "server_label": "docs", "server_url": "https://docs.example/mcp", "allowed_tools": ["search"]}
LISTING = [
    "conversation.item.added",
    "mcp_list_tools.in_progress",
    "mcp_list_tools.completed",
    "conversation.item.done",
]


def test_a_server_is_listed_after_the_update_that_brings_it() -> None:
    """Once; the item has no tools at first and all of them at the end, each with its description."""
    book = Playbook()
    effects = book.send("session.update", session={"type": "realtime", "tools": [DOCS]})
    again = book.send("session.update", session={"type": "realtime", "tools": [DOCS]})
    added, done = only(effects, "conversation.item.added")["item"], only(effects, "conversation.item.done")["item"]

    assert types(effects) == ["session.updated", *LISTING]
    assert types(again) == ["session.updated"]
    assert (added["tools"], [tool["name"] for tool in done["tools"]]) == ([], ["search"])
    assert list(done["tools"][0]) == ["name", "description", "input_schema", "annotations"]


def test_a_server_that_does_not_answer_fails_to_list() -> None:
    """A host under .invalid never resolves."""
    gone = DOCS | {"server_url": "https://docs.invalid:8080/mcp"}
    effects = Playbook().send("session.update", session={"type": "realtime", "tools": [gone]})

    assert "mcp_list_tools.failed" in types(effects)
    assert only(effects, "conversation.item.done")["item"]["tools"] == []


def test_a_response_may_bring_a_server() -> None:
    """It is listed before the response begins."""
    effects = Playbook().send("response.create", response={"tools": [DOCS]})

    assert types(effects) == [*LISTING, "response.created"]


@pytest.mark.parametrize(
    ("rule", "needed"),
    [
        (None, True),
        ("always", True),
        ("never", False),
        ({"never": {"tool_names": ["search"]}}, False),
        ({"never": {"tool_names": ["other"]}}, True),
        ({"always": {"tool_names": ["other"]}}, False),
    ],
)
def test_require_approval_decides_who_is_asked(rule: Any, needed: bool) -> None:
    """Always unless it says otherwise."""
    assert mcp.needs_approval(DOCS | {"require_approval": rule}, "search") is needed


def approval(book: Playbook, approve: bool) -> list[Any]:
    book.send("session.update", session={"type": "realtime", "tools": [DOCS]})
    response = book.start()
    item = mcp.approval_item("docs", "search", '{"input": "cats"}')
    response.add_item(item)
    response.close_item()
    book.core.response_ended(response)
    answer = {"type": "mcp_approval_response", "approval_request_id": item.id, "approve": approve}
    return book.send("conversation.item.create", item=answer, previous_item_id=item.id)


def test_an_approved_call_runs() -> None:
    """Its result is there at once, without any response; the server makes none by itself."""
    effects = approval(Playbook(), approve=True)
    done = [event["item"] for event in effects if event["type"] == "conversation.item.done"][-1]

    assert types(effects) == [
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.added",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "conversation.item.done",
    ]
    assert json.loads(done["output"])["input"] == {"input": "cats"}
    assert done["approval_request_id"] == effects[0]["item"]["approval_request_id"]


def test_a_call_that_is_not_approved_does_not_run() -> None:
    """Only the answer is in the conversation."""
    assert types(approval(Playbook(), approve=False)) == ["conversation.item.added", "conversation.item.done"]


def test_an_answer_to_no_request_is_refused() -> None:
    """By its request id."""
    answer = {"type": "mcp_approval_response", "approval_request_id": "x", "approve": True}

    assert Playbook().refused("conversation.item.create", item=answer)["param"] == "item.approval_request_id"


def test_a_call_with_broken_arguments_fails() -> None:
    """The item says why, and has no output."""
    item = mcp.call_item("docs", "search", "{oops")
    events = mcp.run(item, {"item_id": item.id, "output_index": 0})

    assert types(events) == ["response.mcp_call.in_progress", "response.mcp_call.failed"]
    assert item.wire["error"]["type"] == "tool_execution_error"
    assert item.wire["output"] is None
