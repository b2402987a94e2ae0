"""What brought an item."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.protocol.item_origins import MAX_IDS, ItemOrigins


def test_the_id_of_a_deleted_item_may_be_used_again() -> None:
    """Its origin stays known, as one that another item may replace."""
    items = ItemOrigins()
    items.bring("a", 3)
    items.delete("a")
    items.delete("never seen")
    assert (items.brought_by("a"), items.created_by("a")) == (None, 3)
    items.create("a", 9)
    assert items.created_by("a") == 9


def test_an_item_is_added_once_by_each_kind_of_event() -> None:
    """The same event about the same id is about another item."""
    items = ItemOrigins()
    events = [("conversation.item.added", "a"), ("conversation.item.done", "a"), ("conversation.item.added", "b")]
    assert [items.is_added_again(*event) for event in [*events, *events]] == [False] * 3 + [True] * 3


def test_memory_is_bounded() -> None:
    """The oldest are forgotten."""
    items = ItemOrigins()
    for number in range(1, MAX_IDS + 2):
        items.bring(str(number), number)
        items.complete(str(number), number)
    assert (items.brought_by("1"), items.call("1")) == (None, None)
    assert (items.brought_by("2"), items.call("2")) == (2, 2)


@pytest.mark.parametrize("tools", [None, 5, [None], [{"server_label": 4}], [{}], {"server_label": "x"}])
def test_settings_of_any_shape_name_no_server(tools: Any) -> None:
    """And an item of any shape was asked for by nobody."""
    items = ItemOrigins()
    items.name_servers({"tools": tools}, 1)
    shapes: list[dict[str, Any]] = [{}, {"server_label": "x"}, {"server_label": []}, {"approval_request_id": {}}]
    assert [items.asked_by(item) for item in shapes] == [None] * 4


def test_an_approval_counts_before_the_settings_that_name_the_server() -> None:
    """The nearest reason."""
    items = ItemOrigins()
    items.name_servers({"tools": [{"server_label": "docs"}]}, 2)
    items.approve("ask", 7)
    assert items.asked_by({"server_label": "docs"}) == 2
    assert items.asked_by({"server_label": "docs", "approval_request_id": "ask"}) == 7
