"""Server events as semantic events: what is used has to fit, what is not used may be anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.protocol.catalog import event_types
from rtcli.protocol.items import FunctionCallItem, McpApprovalRequestItem, McpCallItem, MessageItem
from rtcli.protocol.payloads import (
    FunctionCall,
    ItemDeleted,
    McpToolsListed,
    OutputTextDelta,
    ResponseDone,
    ResponseStarted,
    TranscriptDelta,
    Usage,
)
from rtcli.protocol.record import Direction
from rtcli.protocol.translate import read_usage, translate
from rtcli.protocol.unset import UNSET

MESSAGE = {"id": "i", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
CALL = {"id": "i", "type": "function_call", "status": "completed", "call_id": "c", "name": "f", "arguments": "{}"}
MCP_CALL = {"id": "i", "type": "mcp_call", "name": "f", "arguments": "{}", "server_label": "s"}
APPROVAL = {"id": "i", "type": "mcp_approval_request", "name": "f", "arguments": "{}", "server_label": "s"}
TOOLS = {"id": "i", "type": "mcp_list_tools", "server_label": "s", "tools": [{"name": "t"}, {"description": None}]}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "event_id": "e", **fields}


def named(translated: Any) -> list[str]:
    return [semantic[0] for semantic in translated]


def _item(status: str, previous: Any = UNSET) -> MessageItem:
    return MessageItem("i", "user", status, MESSAGE["content"], previous)  # type: ignore[arg-type]


DELTA = {"delta": "a", "item_id": "i", "response_id": "r"}
TABLE: list[tuple[dict[str, Any], list[tuple[Any, ...]]]] = [
    (
        event("response.output_audio_transcript.delta", **DELTA),
        [("audio_transcript_delta", TranscriptDelta("a", "i", "r"))],
    ),
    (event("response.output_text.delta", **DELTA), [("output_text_delta", OutputTextDelta("a", "i", "r"))]),
    (event("response.output_audio.done"), [("audio_done",)]),
    (event("conversation.item.deleted", item_id="i"), [("item_deleted", ItemDeleted("i"))]),
    (
        event("conversation.item.added", item=MESSAGE, previous_item_id=None),
        [("item_update", _item("in_progress", None))],
    ),
    (
        event("conversation.item.done", item=MESSAGE, previous_item_id="p"),
        [("item_update", _item("completed", "p"))],
    ),
    (event("conversation.item.retrieved", item=MESSAGE), [("item_update", _item("completed"))]),
    (event("response.output_item.added", item=MESSAGE), [("item_update", _item("in_progress"))]),
    (event("response.output_item.done", item=MESSAGE), [("item_update", _item("completed"))]),
    (
        event("response.output_item.done", item=CALL, response_id="r"),
        [
            ("item_update", FunctionCallItem("i", "f", "{}", "in_progress")),
            ("function_call", FunctionCall("i", "c", "f", "{}", "r")),
        ],
    ),
    (event("response.output_item.added", item=CALL | {"status": "in_progress"}), []),
    (event("conversation.item.done", item=CALL), []),
    (event("conversation.item.done", item={"type": "function_call_output", "id": "i"}), []),
    (
        event("conversation.item.added", item=MCP_CALL),
        [("item_update", McpCallItem("i", "f", "{}", "in_progress", None, None, "s"))],
    ),
    (
        event("conversation.item.done", item=MCP_CALL | {"output": "o"}),
        [
            ("item_update", McpCallItem("i", "f", "{}", "completed", "o", None, "s")),
            ("mcp_tool_call_completed", McpCallItem("i", "f", "{}", "completed", "o", None, "s")),
        ],
    ),
    (
        event("conversation.item.done", item=APPROVAL),
        [
            ("item_update", McpApprovalRequestItem("i", "s", "f", {})),
            ("mcp_approval_request", McpApprovalRequestItem("i", "s", "f", {})),
        ],
    ),
    (event("conversation.item.added", item=APPROVAL), []),
    (event("conversation.item.done", item=TOOLS), [("mcp_tools_listed", McpToolsListed("s", TOOLS["tools"]))]),  # type: ignore[arg-type]
    (event("conversation.item.added", item=TOOLS), []),
    (event("rate_limits.updated", rate_limits=[]), []),
    (event("conversation.item.created", item=MESSAGE), []),  # the beta's name
    (event("not.yet.known"), []),
]


@pytest.mark.parametrize(("wire", "semantic"), TABLE, ids=[f"{row[0]['type']}-{n}" for n, row in enumerate(TABLE)])
def test_the_semantic_events_of_a_wire_event(wire: dict[str, Any], semantic: list[tuple[Any, ...]]) -> None:
    """Names, payloads and order are the reference's."""
    assert list(translate(wire)) == semantic


def test_a_response_begins_and_ends() -> None:
    """turn_started carries the event; the end brings the usage first."""
    created = event("response.created", response={"id": "r"})
    response = {"id": "r", "status": "completed", "output": [MESSAGE], "usage": {"input_tokens": 3, "output_tokens": 4}}

    assert list(translate(created)) == [("turn_started", ResponseStarted(created))]
    usage, done = translate(event("response.done", response=response))
    assert usage == ("usage_update", Usage(3, 4, 7))
    assert isinstance(done[1], ResponseDone)
    assert (done[1].response.id, done[1].response.status) == ("r", "completed")
    assert done[1].response.output == [MESSAGE]


def test_an_image_comes_back_as_an_item_update() -> None:
    """In the reference an item with an image is never seen again."""
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "high"}
    (update,) = translate(event("conversation.item.added", item=MESSAGE | {"content": [image]}))

    assert update[0] == "item_update"
    assert update[1].content == [image]


def test_a_tool_without_description_does_not_lose_the_list() -> None:
    """Tools are handed on as they came."""
    (listed,) = translate(event("conversation.item.done", item=TOOLS))

    assert listed[1].tools == [{"name": "t"}, {"description": None}]


@pytest.mark.parametrize("value", [None, 17, "text", [], {}, True], ids=repr)
@pytest.mark.parametrize("wire", [row[0] for row in TABLE if row[1]], ids=lambda wire: str(wire["type"]))
def test_an_odd_field_that_is_not_used_changes_nothing(wire: dict[str, Any], value: object) -> None:
    """A new status, a null or a number in a field that nobody reads must not hide the event."""
    assert list(translate({**wire, "event_id": value, "brand_new": value})) == list(translate(wire))


@pytest.mark.parametrize("value", [None, 17, "text", [None], {"id": []}, True], ids=repr)
def test_an_odd_field_that_is_used_costs_its_own_event_alone(value: object) -> None:
    """Never an exception: for every server event of the catalog, in every place that translation looks at."""
    fields = ("item", "item_id", "delta", "response", "previous_item_id", "response_id")
    for row in event_types(Direction.RECEIVED):
        for name in fields:
            sound = {"item": MESSAGE, "item_id": "i", "delta": "a", "response": {"id": "r"}, "response_id": "r"}
            for semantic in translate(event(row.name, **{**sound, name: value})):
                assert isinstance(semantic[0], str)


ODD: st.SearchStrategy[Any] = (
    st.none() | st.integers() | st.text(max_size=3) | st.lists(st.none(), max_size=2) | st.just({})
)
ITEMS = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "function_call", "mcp_call", "mcp_approval_request", "mcp_list_tools", 17])},
    optional={
        name: ODD | st.sampled_from(["completed", "user", "assistant", "{"]) | st.lists(st.dictionaries(st.text(), ODD))
        for name in ("id", "role", "content", "status", "name", "arguments", "call_id", "output", "error", "tools")
    },
)


@given(
    st.sampled_from(["added", "done", "retrieved"]),
    st.sampled_from(["conversation.item", "response.output_item"]),
    ITEMS,
)
def test_no_item_makes_it_raise(stage: str, family: str, item: dict[str, Any]) -> None:
    """Any item, with any of its fields missing or odd."""
    for semantic in translate(event(f"{family}.{stage}", item=item)):
        assert semantic[0] in ("item_update", "function_call", "mcp_tools_listed", *MCP_NAMES)


MCP_NAMES = ("mcp_approval_request", "mcp_tool_call_completed")


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (None, Usage()),
        ([], Usage()),
        ({"input_tokens": "3", "output_tokens": None}, Usage()),
        ({"input_tokens": 1, "input_token_details": {"text_tokens": 1}}, Usage(1, 0, 1, {"text_tokens": 1})),
        ({"output_tokens": 2, "output_token_details": 17, "total_tokens": 99}, Usage(0, 2, 2)),
    ],
)
def test_what_is_missing_in_the_usage_counts_as_zero(usage: object, read: Usage) -> None:
    """The total is the sum of the two, as in the reference."""
    assert read_usage(usage) == read
