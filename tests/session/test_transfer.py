"""A conversation carried over, and written for users and programs."""

from __future__ import annotations

import json

from rtcli.protocol.items import FunctionCallItem, Item, McpApprovalRequestItem, McpCallItem, MessageItem
from rtcli.session.transfer import as_json, as_markdown, import_items, portable_items, text_of_item, without_audio

PICTURE = [{"type": "input_text", "text": "look"}, {"type": "input_image", "image_url": "data:x"}]
HISTORY: list[Item] = [
    MessageItem("i1", "system", "completed", [{"type": "input_text", "text": "be kind"}]),
    MessageItem("i2", "user", "completed", [{"type": "input_audio", "transcript": "hello", "audio": "AAAA"}]),
    MessageItem("i3", "assistant", "incomplete", [{"type": "output_audio", "transcript": "good morn"}], "i2"),
    MessageItem("i4", "user", "completed", PICTURE),
    FunctionCallItem("i5", "get_weather", '{"city": "Paris"}', "completed", "sunny"),
    McpCallItem("i6", "search", "{}", "completed", "found"),
    McpApprovalRequestItem("i7", "docs", "search", {}),
    MessageItem("i8", "user", "completed", [{"type": "input_audio", "transcript": None}]),
    MessageItem("i9", "assistant", "completed", []),
]


def test_words_are_carried_and_the_rest_is_named() -> None:
    """Sound becomes its transcript, images stay, a call is two items: the call and its output."""
    unanswered = [FunctionCallItem(f"i{n}", "get_weather", "{}", "in_progress") for n in (10, 11)]
    carried = portable_items([*HISTORY, *unanswered], {"i5": "call_abc"})
    messages = [item for item in carried.items if isinstance(item, MessageItem)]

    assert [item for item in carried.items if not isinstance(item, MessageItem)] == [
        {
            "item_id": "i5",
            "type": "function_call",
            "call_id": "call_abc",
            "name": "get_weather",
            "arguments": '{"city": "Paris"}',
        },
        {"item_id": "out_i5", "type": "function_call_output", "call_id": "call_abc", "output": "sunny"},
    ]
    assert [(item.item_id, item.content) for item in messages] == [
        ("i1", [{"type": "input_text", "text": "be kind"}]),
        ("i2", [{"type": "input_text", "text": "hello"}]),
        ("i3", [{"type": "output_text", "text": "good morn"}]),
        ("i4", PICTURE),
    ]
    assert carried.lost == (
        "1 MCP call",
        "1 MCP approval",
        "1 spoken part without transcript",
        "2 tool calls without an output",
    )
    assert all(item.status == "completed" for item in messages)


def test_sound_is_not_kept_in_memory() -> None:
    """The server has it; everything else of the item stays as it was."""
    thin = without_audio(HISTORY[1])

    assert isinstance(thin, MessageItem)
    assert thin.content == [{"type": "input_audio", "transcript": "hello"}]
    assert without_audio(HISTORY[0]) is HISTORY[0]


def test_the_json_form_is_what_reset_takes_back() -> None:
    """Plain data with the names of the items, nothing unset in it."""
    rows = as_json(HISTORY)

    assert json.loads(json.dumps(rows)) == rows
    assert rows[2] == {
        "item_id": "i3",
        "role": "assistant",
        "status": "incomplete",
        "content": [{"type": "output_audio", "transcript": "good morn"}],
        "previous_item_id": "i2",
        "type": "message",
    }
    assert "previous_item_id" not in rows[0]


def test_what_was_written_is_taken_back_as_far_as_the_api_allows() -> None:
    """What the conversation still has stays as it is, calls included; the rest becomes text."""
    rows = json.loads(json.dumps(as_json(HISTORY)))
    present = [HISTORY[2], HISTORY[4]]
    carried = import_items(rows, present)

    assert [getattr(item, "item_id", None) for item in carried.items] == ["i1", "i2", "i3", "i4", "i5"]
    assert carried.items[2] is HISTORY[2] and carried.items[4] is HISTORY[4]
    assert carried.items[1] == MessageItem("i2", "user", "completed", [{"type": "input_text", "text": "hello"}])
    (notice,) = carried.notices
    assert notice.what == "not kept: 1 MCP call, 1 MCP approval, 1 spoken part without transcript"
    assert import_items([], HISTORY).notices == []


def test_a_call_of_another_conversation_comes_with_its_output() -> None:
    """Its id is the one that was written, or made up where it was not: the two items have to name the same one."""
    for call_ids in ({"i5": "call_abc"}, {}):
        call, output = import_items(json.loads(json.dumps(as_json([HISTORY[4]], call_ids))), []).items
        assert isinstance(call, dict) and isinstance(output, dict)
        assert call["call_id"] == output["call_id"] == call_ids.get("i5", "call_i5")
        assert (call["name"], output["output"]) == ("get_weather", "sunny")


def test_the_markdown_form_reads_like_a_conversation() -> None:
    """Who said what, what was interrupted, what was called."""
    text = as_markdown(HISTORY, "A talk")

    assert text.startswith("# A talk\n")
    for line in (
        "**user**: hello",
        "**assistant** (interrupted): good morn",
        "**user**: look (image)",
        "sunny",
        "docs/search",
    ):
        assert line in text
    assert text_of_item(HISTORY[4]) == ""
