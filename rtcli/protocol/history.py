"""The conversation in the server's order: items by id, each change at a cost that does not depend on their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from rtcli.protocol.items import Item, MessageItem
from rtcli.protocol.unset import UNSET, Unset

MAX_CHARACTERS = 64 * 2**20
"""Of all items together. A conversation that a model can follow has a thousandth of it."""

_OVERHEAD = 256
"""What an item counts beside its texts, however small it is."""


class History:
    """Items linked in the order of the conversation; the oldest are forgotten where they are too much together.

    An item takes its place when it is first seen: at the front for a previous_item_id of None, behind a known one,
    else at the end. A later event replaces it where it stands (a `done` may name another predecessor than its `added`
    did, which is a known slip of the server and no move).
    """

    def __init__(self, max_characters: int = MAX_CHARACTERS) -> None:
        self.forgotten = 0  # items that were too much
        self._max_characters = max_characters
        self._characters = 0  # of all items
        self._weights: dict[str, int] = {}  # characters of each
        self._items: dict[str, Item] = {}
        self._next: dict[str, str] = {}
        self._previous: dict[str, str] = {}
        self._first: str | None = None
        self._last: str | None = None

    def __repr__(self) -> str:
        return f"<History: {len(self._items)} items, last {self._last or 'none'}>"

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._items

    def __iter__(self) -> Iterator[Item]:
        """The items in the order of the conversation."""
        item_id = self._first
        while item_id is not None:
            yield self._items[item_id]
            item_id = self._next.get(item_id)

    def get(self, item_id: str) -> Item | None:
        """One item, or None."""
        return self._items.get(item_id)

    def numbered(self, number: int) -> Item | None:
        """The item at a place, counted from 1, or None."""
        return next(islice(self, number - 1, None)) if 0 < number <= len(self._items) else None

    def newest(self, count: int) -> Iterator[tuple[int, Item]]:
        """The last items of the conversation and their places, counted from 1; the last one first."""
        number, item_id = len(self._items), self._last
        while item_id is not None and count > 0:
            yield number, self._items[item_id]
            number, count, item_id = number - 1, count - 1, self._previous.get(item_id)

    def before(self, item_id: str) -> str | None:
        """The id of the item before this one; None for the first and for an unknown one."""
        return self._previous.get(item_id)

    def update(self, item: Item) -> None:
        """Add an item, or replace it by its newer state."""
        known = self._items.get(item.item_id)
        if known is None:
            self._insert(item.item_id, getattr(item, "previous_item_id", UNSET))
        elif isinstance(item, MessageItem) and isinstance(known, MessageItem):
            item = keep_transcripts(known, item)
        self._items[item.item_id] = item
        weight = _weight(item)
        self._characters += weight - self._weights.get(item.item_id, 0)
        self._weights[item.item_id] = weight
        if self._characters > self._max_characters:
            self._forget(item.item_id)

    def _forget(self, newest: str) -> None:
        """The items that were seen first go first, wherever they stand."""
        while self._characters > self._max_characters:
            # Never the newest: an item that is larger than all the room would otherwise vanish as it comes.
            oldest = next((item_id for item_id in self._items if item_id != newest), None)
            if oldest is None:
                return
            self.remove(oldest)
            self.forgotten += 1

    def remove(self, item_id: str) -> Item | None:
        """Take an item out; None if it was not there."""
        item = self._items.pop(item_id, None)
        if item is None:
            return None
        self._characters -= self._weights.pop(item_id)
        before, after = self._previous.pop(item_id, None), self._next.pop(item_id, None)
        if before is None:
            self._first = after
        else:
            self._link(before, after)
        if after is None:
            self._last = before
        elif before is None:  # the next one is the first now
            self._previous.pop(after, None)
        return item

    def _link(self, before: str, after: str | None) -> None:
        if after is None:
            self._next.pop(before, None)
        else:
            self._next[before] = after
            self._previous[after] = before

    def _insert(self, item_id: str, previous: str | Unset | None) -> None:
        if isinstance(previous, str) and previous in self._items:
            before: str | None = previous
        else:
            # None says "the first"; an unknown id or none at all says nothing
            before = None if previous is None else self._last
        after = self._first if before is None else self._next.get(before)
        if before is None:
            self._first = item_id
        else:
            self._link(before, item_id)
        if after is None:
            self._last = item_id
        else:
            self._link(item_id, after)


def _weight(item: Item) -> int:
    """The characters of an item's texts, at any depth."""
    # a list in place of recursion: an item may be nested without end
    weight, waiting = _OVERHEAD, [getattr(item, slot) for slot in item.__slots__]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            weight += len(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
    return weight


def keep_transcripts(known: MessageItem, new: MessageItem) -> MessageItem:
    """`new` with the transcripts that only `known` has: a truncated item comes back from the server without its own."""
    if new.role != "assistant" or not known.content:
        return new

    def kept(index: int, part: dict[str, Any]) -> dict[str, Any]:
        # Only speech: what was truncated of a text is gone on purpose.
        if part.get("type") != "output_audio" or part.get("transcript") or index >= len(known.content):
            return part
        transcript = known.content[index].get("transcript")
        return {**part, "transcript": transcript} if transcript else part

    content = [kept(index, part) for index, part in enumerate(new.content)]
    return replace(new, content=content)
