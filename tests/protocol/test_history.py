"""The order of the conversation, whatever comes in whatever order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.protocol.history import History
from rtcli.protocol.items import FunctionCallItem, MessageItem
from rtcli.protocol.unset import UNSET, Unset


def message(item_id: str, previous: str | Unset | None = UNSET, **fields: Any) -> MessageItem:
    values = {"role": "user", "status": "completed", "content": [], **fields}
    return MessageItem(item_id, previous_item_id=previous, **values)


def history(*items: MessageItem) -> History:
    made = History()
    for item in items:
        made.update(item)
    return made


def ids(items: History) -> list[str]:
    return [item.item_id for item in items]


@pytest.mark.parametrize(
    ("previous", "order"),
    [
        (None, ["new", "a", "b"]),
        ("a", ["a", "new", "b"]),
        ("b", ["a", "b", "new"]),
        (UNSET, ["a", "b", "new"]),
        ("never-seen", ["a", "b", "new"]),
        ("new", ["a", "b", "new"]),
    ],
)
def test_an_item_takes_the_place_that_its_event_names(previous: str | Unset | None, order: list[str]) -> None:
    """None is the front, a known id the place behind it, everything else the end."""
    assert ids(history(message("a"), message("b"), message("new", previous))) == order


def test_a_later_event_replaces_an_item_where_it_stands() -> None:
    """conversation.item.done may name another predecessor than added did: that is a slip of the server, no move."""
    items = history(message("a"), message("b"), message("a", "b", status="incomplete"))

    assert ids(items) == ["a", "b"]
    first = items.get("a")
    assert isinstance(first, MessageItem)
    assert first.status == "incomplete"


def test_neighbours_close_up_when_an_item_is_removed() -> None:
    """Front, middle and end; an unknown item is nothing."""
    items = history(*(message(name) for name in "abcde"))

    assert items.remove("unknown") is None
    for gone, left in (("a", "bcde"), ("c", "bde"), ("e", "bd"), ("b", "d"), ("d", "")):
        removed = items.remove(gone)
        assert removed is not None
        assert removed.item_id == gone
        assert ids(items) == list(left)
    items.update(message("f", None))
    assert ids(items) == ["f"]


def test_a_truncated_item_keeps_the_transcript_that_is_known() -> None:
    """The server sends a truncated item back without its transcript."""
    spoken = [{"type": "output_audio", "transcript": "hello"}]
    items = history(message("a", role="assistant", content=spoken))

    items.update(message("a", role="assistant", content=[{"type": "output_audio"}, {"type": "output_audio"}]))

    known = items.get("a")
    assert isinstance(known, MessageItem)
    assert known.content == [{"type": "output_audio", "transcript": "hello"}, {"type": "output_audio"}]


def test_a_newer_transcript_wins_and_a_users_is_left_alone() -> None:
    """Only what is missing is filled in, and only of the assistant's audio."""
    items = history(
        message("a", role="assistant", content=[{"type": "output_audio", "transcript": "old"}]),
        message("u", content=[{"type": "input_audio", "transcript": "old"}]),
    )

    items.update(message("a", role="assistant", content=[{"type": "output_audio", "transcript": "new"}]))
    items.update(message("u", content=[{"type": "input_audio", "transcript": None}]))

    assert [item.content[0]["transcript"] for item in items if isinstance(item, MessageItem)] == ["new", None]


def test_an_item_may_become_one_of_another_kind() -> None:
    """Odd, but no reason to fail."""
    items = history(message("a"))
    items.update(FunctionCallItem("a", "f", "{}", "completed"))

    assert [type(item) for item in items] == [FunctionCallItem]


IDS = st.sampled_from("abcdefgh")
STEPS = st.lists(st.tuples(st.sampled_from(["update", "remove"]), IDS, IDS | st.none() | st.just(UNSET)), max_size=40)


@given(STEPS)
def test_it_behaves_like_a_plain_list(steps: list[tuple[str, str, str | Unset | None]]) -> None:
    """Any sequence of changes gives what a naive list gives; the links hold in both directions."""
    items, model = History(), list[str]()
    for what, item_id, previous in steps:
        if what == "remove":
            items.remove(item_id)
            model = [other for other in model if other != item_id]
            continue
        items.update(message(item_id, previous))
        if item_id not in model:
            place = 0 if previous is None else model.index(str(previous)) + 1 if previous in model else len(model)
            model.insert(place, item_id)

    assert ids(items) == model
    assert len(items) == len(model)
    assert [items.before(item_id) for item_id in model] == [None, *model][: len(model)]
    assert [(number, item.item_id) for number, item in items.newest(9)] == [*enumerate(model, 1)][::-1]
    found = [items.numbered(number) for number in range(len(model) + 2)]
    assert [item and item.item_id for item in found] == [None, *model, None]


class Counted(str):
    """An id that counts how often it is compared."""

    comparisons = 0
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("size", [100, 10_000])
def test_a_change_costs_the_same_in_a_history_of_any_length(size: int) -> None:
    """No change looks at the other items: counted in comparisons of ids, not in time."""
    items = history(*(message(Counted(f"item_{number}")) for number in range(size)))
    Counted.comparisons = 0

    items.update(message(Counted("item_50"), status="incomplete"))
    items.update(message(Counted("new"), Counted("item_50")))
    items.remove(Counted("item_51"))

    assert Counted.comparisons <= 30


def test_the_oldest_items_are_forgotten_where_all_are_too_much() -> None:
    """Their text is bounded; an item that grows counts with what it has now; the newest one stays."""
    history = History(max_characters=10_000)
    for number in range(100):
        history.update(message(f"item_{number}", content=[{"text": "x" * 1000}]))
    for _ in range(100):
        history.update(message("item_99", content=[{"text": "x" * 2000}]))

    kept = [item.item_id for item in history]
    assert kept == [f"item_{number}" for number in range(100 - len(kept), 100)]
    assert 5 < len(kept) < 10
    assert history.forgotten == 100 - len(kept)

    history.update(message("huge", content=[{"text": "x" * 50_000}]))
    assert [item.item_id for item in history] == ["huge"]
