"""The default conversation: items in their order, and the rules for adding, truncating and deleting them."""

from __future__ import annotations

from collections.abc import Iterator

from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.events import WireObject
from rtcli.server.ids import new_id
from rtcli.server.session.items import ConversationItem
from rtcli.server.session.weight import weight
from rtcli.server.validation import api_errors

MAX_TEXT_KEPT = 128 * 2**20
"""Bytes of items, without their audio, that one conversation takes; more is refused."""

MAX_AUDIO_KEPT = 64 * 2**20
"""Bytes of audio that one conversation keeps (about 23 minutes); the oldest goes first, its item stays."""


class DefaultConversation:
    """Items by id, and their order."""

    def __init__(self) -> None:
        self.id = new_id("conv")
        self._items: dict[str, ConversationItem] = {}
        self._order: list[str] = []  # of their ids
        self._calls: set[str] = set()  # the call ids of function calls
        self._weights: dict[str, int] = {}  # of the items, as they were when they were weighed last
        self._weight = 0  # of all items together

    def __iter__(self) -> Iterator[ConversationItem]:
        return (self._items[item_id] for item_id in self._order)

    def __len__(self) -> int:
        return len(self._order)

    def in_reply_order(self) -> Iterator[ConversationItem]:
        """The items, each answer before what arrived while it was made: that is still to be answered."""
        order: list[ConversationItem] = []
        for item in self:
            place = len(order)
            # an answer goes before the first item that it could not know of
            if item.unseen:
                place = next((index for index, other in enumerate(order) if other.id in item.unseen), place)
            order.insert(place, item)
        return iter(order)

    def get(self, item_id: str) -> ConversationItem | None:
        """The item, or None."""
        return self._items.get(item_id)

    @property
    def last_id(self) -> str | None:
        """The id of the last item."""
        return self._order[-1] if self._order else None

    def first_is(self, item_id: str | None) -> bool:
        """Whether that item opens the conversation."""
        return item_id is not None and bool(self._order) and self._order[0] == item_id

    def has_call(self, call_id: str) -> bool:
        """Whether a function call of that id is in the conversation."""
        return call_id in self._calls

    def check_room(self, more: int = 0) -> None:
        """Raises ApiError where the conversation is full, or so many bytes would make it so."""
        if self._weight + more > MAX_TEXT_KEPT:
            raise api_errors.conversation_full(MAX_TEXT_KEPT // 2**20)

    def weigh(self, item: ConversationItem) -> None:
        """An item says more than when it was added: what a response made, a transcript."""
        if item.id in self._items:
            self._weight -= self._weights.get(item.id, 0)
            self._weights[item.id] = weight(item.wire)
            self._weight += self._weights[item.id]

    def append(self, item: ConversationItem) -> str | None:
        """Add what the server made at the end; returns the id of the item before it.

        There is always room for it: a full conversation starts no response that would make more.
        """
        return self._put(item, None)

    def insert(self, item: ConversationItem, previous: str | None) -> str | None:
        """Add after `previous`: "root" is the front; None and "" are the end. Returns the id of the item before it.

        Raises ApiError for an id that is taken, an unknown `previous`, an output that answers no call, and beyond
        the bound.
        """
        if item.id in self._items:
            raise api_errors.duplicate_item(item.id)
        if previous and previous != "root" and previous not in self._items:
            raise api_errors.previous_item_unknown(previous)
        self._check_answer(item.wire)
        self.check_room(weight(item.wire))
        return self._put(item, previous)

    def _put(self, item: ConversationItem, previous: str | None) -> str | None:
        place = self._place_after(previous)
        self._order.insert(place, item.id)
        self._items[item.id] = item
        self.weigh(item)
        if item.wire["type"] == "function_call":
            self._calls.add(item.wire["call_id"])
        return self._order[place - 1] if place else None

    def delete(self, item_id: str) -> None:
        """Raises ApiError for an unknown id. The id may be used again."""
        item = self._known(item_id, "delete")
        self._order.remove(item_id)
        self._weight -= self._weights.pop(item_id)
        del self._items[item_id]
        if item.wire["type"] == "function_call":
            self._calls.discard(item.wire["call_id"])

    def retrieve(self, item_id: str) -> WireObject:
        """The item with its audio. Raises ApiError for an unknown id."""
        return self._known(item_id, "retrieve").with_audio()

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Truncate what the assistant said to what was played. Its transcript goes: nobody knows where it ends.

        Raises ApiError for an unknown id, an item without audio of the assistant, or an end beyond its audio.
        """
        item = self._known(item_id, "truncate")
        pcm = item.audio.get(content_index)
        if item.wire.get("role") != "assistant" or not pcm:
            raise api_errors.not_model_audio()
        has_ms = PCM16.milliseconds(len(pcm))
        if audio_end_ms > has_ms:
            raise api_errors.already_shorter(has_ms, audio_end_ms)
        item.audio[content_index] = pcm[: PCM16.byte_length(audio_end_ms)]
        parts = list(item.wire["content"])  # a copy: events that were sent hold the old wire
        parts[content_index] = {"type": "output_audio"}
        item.wire = {**item.wire, "content": parts}
        item.truncated = True

    def evict_old_audio(self) -> None:
        """Drop the oldest audio beyond what one conversation may hold."""
        held = sum(len(pcm) for item in self for pcm in item.audio.values())
        for item in self:
            if held <= MAX_AUDIO_KEPT:
                return
            held -= sum(len(pcm) for pcm in item.audio.values())
            item.audio.clear()

    def _place_after(self, previous: str | None) -> int:
        if not previous:
            return len(self._order)
        return 0 if previous == "root" else self._order.index(previous) + 1

    def _known(self, item_id: str, verb: str) -> ConversationItem:
        item = self._items.get(item_id)
        if item is None:
            raise api_errors.item_unknown(verb, item_id)
        return item

    def _check_answer(self, wire: WireObject) -> None:
        if wire["type"] == "function_call_output" and not self.has_call(wire["call_id"]):
            raise api_errors.call_unknown(wire["call_id"])
        if wire["type"] == "mcp_approval_response":
            asked = self._items.get(wire["approval_request_id"])
            if asked is None or asked.wire["type"] != "mcp_approval_request":
                raise api_errors.approval_unknown(wire["approval_request_id"])
