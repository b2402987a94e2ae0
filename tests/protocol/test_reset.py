"""From one history to another: what has to be deleted and created, and that its cost is linear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.errors import UsageError
from rtcli.protocol.items import FunctionCallItem, McpApprovalRequestItem, McpCallItem, MessageItem
from rtcli.protocol.reset import CREATE, DELETE, PendingEdits, Reset, plan_reset


def message(item_id: str, text: str = "", role: str = "user", **extra: Any) -> dict[str, Any]:
    part = {"type": "output_text" if role == "assistant" else "input_text", "text": text}
    return {"item_id": item_id, "type": "message", "role": role, "status": "completed", "content": [part], **extra}


def call(item_id: str, arguments: str = "{}") -> FunctionCallItem:
    return FunctionCallItem(item_id, "f", arguments, "completed")


def plan(old: list[Any], new: list[Any], pending: PendingEdits | None = None, **call_ids: str) -> Reset:
    return plan_reset(old, new, pending or PendingEdits(), call_ids)


def messages(names: str) -> list[dict[str, Any]]:
    return [message(name) for name in names]


def created(reset: Reset) -> list[tuple[str | None, str]]:
    return [(anchor, item["id"]) for anchor, item in reset.creates]


@pytest.mark.parametrize(
    ("old", "new", "deletes", "creates"),
    [
        ("", "", "", []),
        ("abc", "abc", "", []),
        ("abc", "cba", "", []),  # the API cannot move items
        ("abc", "", "abc", []),
        ("", "ab", "", [(None, "a"), (None, "b")]),
        ("ab", "abc", "", [(None, "c")]),
        ("ab", "xab", "", [("root", "x")]),
        ("ab", "xyab", "", [("root", "x"), ("x", "y")]),
        ("ab", "axb", "", [("a", "x")]),
        ("abc", "axcy", "b", [("a", "x"), (None, "y")]),
        ("aab", "ab", "", []),
    ],
)
def test_which_items_go_and_come_and_where(
    old: str, new: str, deletes: str, creates: list[tuple[str | None, str]]
) -> None:
    """An anchor is named only while a kept item follows; the rest is appended."""
    reset = plan(messages(old), messages(new))

    assert reset.deletes == list(deletes)
    assert created(reset) == creates


def test_a_changed_item_is_deleted_and_created_under_its_id() -> None:
    """At its place."""
    reset = plan(messages("abc"), [message("a"), message("b", "new"), message("c")])

    assert reset.deletes == ["b"]
    assert reset.creates == [
        (
            "a",
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "new"}],
                "id": "b",
                "status": "completed",
            },
        )
    ]


def test_a_changed_function_call_is_not_lost() -> None:
    """It is created again with the call_id that was seen with it; in the reference it only vanishes."""
    reset = plan([call("a")], [call("a", '{"x":1}')], a="call_1")

    assert reset.deletes == ["a"]
    assert reset.creates == [
        (None, {"type": "function_call", "id": "a", "name": "f", "arguments": '{"x":1}', "call_id": "call_1"})
    ]


def test_a_function_call_may_bring_its_call_id_or_have_none() -> None:
    """As a mapping from another session, for instance."""
    given = {"item_id": "a", "type": "function_call", "name": "f", "arguments": "{}", "call_id": "mine"}

    assert plan([], [given]).creates[0][1]["call_id"] == "mine"
    assert "call_id" not in plan([], [call("b")]).creates[0][1]


def test_items_are_compared_by_value() -> None:
    """Neither the order of keys nor a previous_item_id, which is never sent, is a change."""
    emitted = MessageItem("a", "user", "completed", [{"type": "input_text", "text": ""}], previous_item_id="z")

    assert plan([emitted], [dict(reversed(message("a").items()))]) == Reset([], [])


def test_audio_that_only_moves_need_not_be_created_again() -> None:
    """Which could not be done: the API takes no audio of the assistant."""
    spoken = {**message("a"), "role": "assistant", "content": [{"type": "output_audio", "transcript": "so"}]}
    changed = {**spoken, "content": [{"type": "output_audio", "transcript": "no"}]}

    assert plan([{**spoken, "previous_item_id": "z"}], [spoken]) == Reset([], [])
    with pytest.raises(UsageError, match="output_audio"):
        plan([spoken], [changed])


def test_items_without_an_id_are_new_ones() -> None:
    """The server names them: they are no twins, and no anchors."""
    nameless = {key: value for key, value in message("x").items() if key != "item_id"}
    reset = plan([*messages("ab"), nameless], [nameless, message("c"), *messages("ab"), nameless])

    assert reset.deletes == []
    assert [(anchor, item.get("id")) for anchor, item in reset.creates] == [("root", None), (None, "c"), (None, None)]
    events = list(reset.events())
    for number, event in enumerate(events):
        PendingEdits().sent({**event, "event_id": str(number)})
    assert ["id" in event["item"] for event in events] == [False, True, False]


@pytest.mark.parametrize(
    ("item", "created"),
    [
        ({"item_id": "x", "type": "message"}, [{"type": "message", "id": "x"}]),
        ({"item_id": "x", "type": "function_call_output"}, []),
        ({"item_id": "x"}, []),
        ({}, []),
    ],
)
def test_what_an_item_does_not_say_is_left_to_the_server(item: Any, created: list[Any]) -> None:
    """And what it cannot be without is left out, like a kind that nobody knows."""
    assert [item for _, item in plan([], [item]).creates] == created


def test_an_id_that_stands_twice_is_refused() -> None:
    """The server would refuse the second after the first has changed the conversation."""
    with pytest.raises(UsageError, match="item b appears twice"):
        plan([], messages("abcb"))


AUDIO = {"item_id": "a", "type": "message", "role": "assistant", "content": [{"type": "output_audio"}]}


@pytest.mark.parametrize(
    "item",
    [
        AUDIO,
        AUDIO | {"content": [{"type": "output_text", "text": ""}, {"type": "output_audio"}]},
        McpCallItem("a", "f", "{}", "completed"),
        McpApprovalRequestItem("a", "s", "f", {}),
        {"item_id": "a", "type": "mcp_list_tools"},
        {"item_id": "a", "type": "message", "role": "assistant"},
        {"item_id": "a", "type": "message", "role": "assistant", "content": {}},
        {"item_id": "a", "type": "message", "role": "assistant", "content": 5},
    ],
    ids=["audio", "mixed", "mcp call", "approval", "tools", "no content", "object", "number"],
)
def test_what_the_api_does_not_take_is_refused_before_anything_is_planned(item: Any) -> None:
    """Added or changed; kept or removed it does no harm."""
    with pytest.raises(UsageError):
        plan([], [item])
    with pytest.raises(UsageError):
        plan([message("a")], [item])
    assert plan([item], [item]) == Reset([], [])
    assert plan([item], []).deletes == ["a"]


def test_an_mcp_item_cannot_become_a_message() -> None:
    """What it was counts as well."""
    with pytest.raises(UsageError, match="mcp_call"):
        plan([McpCallItem("a", "f", "{}", "completed")], [message("a")])


def test_a_kind_that_the_api_does_not_create_is_left_out() -> None:
    """Unknown items of a newer API."""
    assert created(plan([], [message("a"), {"item_id": "n", "type": "new_kind"}, message("b")])) == [
        (None, "a"),
        (None, "b"),
    ]


# -- deletes under way ---------------------------------------------------------------------------


def delete(item_id: str, event_id: str) -> dict[str, Any]:
    return {"type": "conversation.item.delete", "item_id": item_id, "event_id": event_id}


def test_an_item_whose_delete_is_under_way_is_no_anchor() -> None:
    """It may be gone before the create arrives."""
    pending = PendingEdits()
    pending.sent(delete("a", "e1"))

    assert created(plan(messages("ab"), messages("axb"), pending)) == [("root", "x")]


def create(item_id: str, event_id: str) -> dict[str, Any]:
    return {"type": "conversation.item.create", "event_id": event_id, "item": {"id": item_id}}


@pytest.mark.parametrize(
    "settle",
    [
        lambda p: p.confirmed(DELETE, "a"),
        lambda p: p.settled("e1"),
        lambda p: p.clear(),
        lambda p: p.sent(create("a", "e2")),
    ],
    ids=["deleted", "refused", "connection gone", "created again"],
)
def test_an_item_is_an_anchor_again_once_its_delete_is_settled(settle: Any) -> None:
    """Whichever way."""
    pending = PendingEdits()
    pending.sent(delete("a", "e1"))
    settle(pending)

    assert created(plan(messages("ab"), messages("axb"), pending)) == [("a", "x")]


@pytest.mark.parametrize(
    ("settle", "anchor"),
    [
        (lambda p: p.settled("e2"), "root"),
        (lambda p: p.settled("e1"), "a"),
        (lambda p: p.confirmed(CREATE, "a"), "root"),
        (lambda p: p.sent(delete("a", "e3")), "root"),
    ],
    ids=["create refused", "delete refused", "create done first", "deleted once more"],
)
def test_an_item_that_is_created_again_leaves_if_only_its_delete_is_left(settle: Any, anchor: str) -> None:
    """A create that the server refused does not bring back what the delete before it takes out."""
    pending = PendingEdits()
    pending.sent(delete("a", "e1"))
    pending.sent(create("a", "e2"))
    settle(pending)

    assert created(plan(messages("ab"), messages("axb"), pending)) == [(anchor, "x")]


@pytest.mark.parametrize("odd", [None, 17, [], "unknown"])
def test_odd_acknowledgements_settle_nothing(odd: object) -> None:
    """They come from the server as they are."""
    pending = PendingEdits()
    pending.sent(delete("a", "e1"))
    pending.confirmed(DELETE, odd)
    pending.settled(odd)

    assert pending.leaving() == {"a"}


# -- any two histories, and the cost -------------------------------------------------------------

NAMES = st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=10)


@given(NAMES, NAMES, st.sets(st.sampled_from("abcdefghij")))
def test_carrying_out_a_plan_gives_the_new_history(old: list[str], new: list[str], changed: set[str]) -> None:
    """Wherever kept items stand in the same order in both: a server that does what it is told ends with `new`."""
    new = sorted(new, key=lambda name: old.index(name) if name in old else new.index(name))
    new = list(dict.fromkeys(new))
    reset = plan(messages("".join(old)), [message(name, "x" if name in changed else "") for name in new])

    server = [name for name in old if name not in reset.deletes]
    for anchor, item in reset.creates:
        assert anchor in (None, "root") or anchor in server
        server.insert(
            {None: len(server), "root": 0}.get(anchor, server.index(anchor) + 1 if anchor in server else 0), item["id"]
        )
    assert sorted(server) == sorted(new)
    kept = [name for name in new if name in old and name not in changed]
    if kept == [name for name in old if name in kept]:
        assert server == new


class Counted(Mapping[str, Any]):
    """An item that counts how often it is read."""

    reads = 0

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Any:
        Counted.reads += 1
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _reads(size: int) -> int:
    """Reads of items for a history in which every tenth item is new, gone, changed or moved."""
    old = [Counted(message(f"i{number}")) for number in range(size)]
    new = [
        Counted(message(f"n{number}" if number % 10 == 0 else f"i{number}", "x" if number % 10 == 1 else ""))
        for number in range(size)
        if number % 10 != 2
    ]
    Counted.reads = 0
    plan_reset(old, new, PendingEdits(), {})
    return Counted.reads


def test_the_plan_is_linear_in_the_number_of_items() -> None:
    """Ten times the items, ten times the reads: counted, not timed."""
    small, large = _reads(300), _reads(3_000)

    assert large <= 10.5 * small
