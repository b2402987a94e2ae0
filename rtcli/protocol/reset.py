"""From one history to another: the deletes and creates that reset_history sends, linear in the number of items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from rtcli.errors import UsageError
from rtcli.protocol.events import Event
from rtcli.protocol.items import MCP_TYPES, as_mapping, text_of, write_message
from rtcli.protocol.requests import Request, RequestQueue

CREATE, DELETE = "conversation.item.create", "conversation.item.delete"

_MCP_HINT = "leave MCP items as they are, or remove them"
_AUDIO_HINT = "make its transcript an output_text part, or leave the item out"
_IGNORED = ("previous_item_id", "previousItemId")  # where an item stands is told by the list, and never sent


class PendingEdits:
    """History edits that were sent and not yet answered.

    They tell which items will not be there any more when the next edit arrives, and so must not be named as an anchor.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """The connection is gone."""
        self._queue = RequestQueue()
        self._numbers = count(1)

    def leaving(self) -> set[str]:
        """The items that will be gone: a delete is the last edit of them that is under way."""
        last = {request.key: request.type for request in self._queue}
        return {str(item_id) for item_id, kind in last.items() if kind == DELETE}

    def sent(self, event: Event) -> None:
        """A planned event goes out."""
        kind = event["type"]
        item_id = event["item_id"] if kind == DELETE else event["item"].get("id")
        self._queue.add(Request(next(self._numbers), kind, event["event_id"], key=item_id))

    def confirmed(self, kind: str, item_id: object) -> None:
        """The server has done what the oldest edit of this type and item asked for."""
        if isinstance(item_id, str) and (request := self._queue.first(kind, item_id)):
            self._queue.remove(request)

    def settled(self, event_id: object) -> None:
        """The edit of this event is not under way any more: an error names it."""
        if isinstance(event_id, str) and (request := self._queue.named(event_id)):
            self._queue.remove(request)


@dataclass(frozen=True, slots=True)
class Reset:
    """What has to be sent: ids to delete, then (previous_item_id or None, item) to create, in this order."""

    deletes: list[str]
    creates: list[tuple[str | None, Event]]

    def events(self) -> Iterator[Event]:
        """The client events of all that."""
        for item_id in self.deletes:
            yield {"type": DELETE, "item_id": item_id}
        for previous, item in self.creates:
            anchor = {} if previous is None else {"previous_item_id": previous}
            yield {"type": CREATE, **anchor, "item": item}


def plan_reset(
    old_history: Iterable[Any],
    new_history: Iterable[Any],
    pending: PendingEdits,
    call_ids: Mapping[str, str],
) -> Reset:
    """Compare two histories (items as dataclasses or mappings with the same keys).

    An item whose value differs is deleted and created again under its id. `call_ids` (item_id -> call_id) serves
    function calls, whose history items do not carry it. Raises UsageError, before anything is planned, for an id that
    appears twice in the new history, and for items that the API cannot take: assistant audio, MCP items. An item
    without an id is always a new one: the server names it.
    """
    old = {_id(item): item for item in map(as_mapping, old_history) if _is_name(_id(item))}
    new = list(map(as_mapping, new_history))
    seen: set[str] = set()
    for item_id in filter(_is_name, map(_id, new)):
        if item_id in seen:
            raise UsageError(f"item {item_id} appears twice in the new history")
        seen.add(item_id)
    updated = [_id(item) for item in new if _id(item) in old and not _same(old[_id(item)], item)]
    changed = set(updated)
    for item in new:
        if _id(item) in changed or _id(item) not in old:
            _refuse_unsendable(old.get(_id(item)), item)
    deletes = [item_id for item_id in old if item_id not in seen]
    return Reset([*deletes, *updated], _creates(old, new, changed, pending, call_ids))


def _id(item: Mapping[str, Any]) -> Any:
    return item.get("item_id")


def _is_name(item_id: Any) -> bool:
    return item_id is not None


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    # the usual case: most items of an edited history are the very objects
    if old is new:
        return True
    return {k: v for k, v in old.items() if k not in _IGNORED} == {k: v for k, v in new.items() if k not in _IGNORED}


def _refuse_unsendable(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> None:
    for item in (old, new):
        if item is not None and text_of(item.get("type")) in MCP_TYPES:
            raise UsageError(f"item {_id(new)} is a {item['type']} and cannot be added or changed", hint=_MCP_HINT)
    if new.get("type") != "message" or new.get("role") != "assistant":
        return
    parts = new.get("content")
    if not isinstance(parts, list | tuple):
        raise UsageError(f"assistant item {_id(new)} has no list of parts as its content")
    if any(as_mapping(part).get("type") == "output_audio" for part in parts):
        raise UsageError(f"assistant item {_id(new)} holds output_audio, which the API does not take", hint=_AUDIO_HINT)


def _creates(
    old: Mapping[str, Any],
    new: Sequence[Mapping[str, Any]],
    changed: set[str],
    pending: PendingEdits,
    call_ids: Mapping[str, str],
) -> list[tuple[str | None, Event]]:
    kept = {_id(item) for item in new if _id(item) in old} - changed
    # an item whose deletion is under way cannot be an anchor
    kept -= pending.leaving()
    # behind it, items are simply appended: no anchor can fail
    last_kept = max((index for index, item in enumerate(new) if _id(item) in kept), default=-1)
    creates: list[tuple[str | None, Event]] = []
    anchor: str | None = "root"  # the API's word for the beginning of the conversation
    for index, item in enumerate(new):
        item_id = _id(item)
        if item_id in kept:
            anchor = item_id
        elif item_id in changed or item_id not in old:
            written = _write(item, call_ids)
            if written is not None:
                creates.append((anchor if index < last_kept else None, written))
                anchor = item_id
    return creates


def _write(item: Mapping[str, Any], call_ids: Mapping[str, str]) -> Event | None:
    """The item as conversation.item.create takes it; None for a kind that it does not take."""
    kind = item.get("type", "message" if "role" in item else None)
    if kind == "message":
        return write_message(item)
    named = {"type": kind} | ({"id": item["item_id"]} if "item_id" in item else {})
    if kind == "function_call_output" and "call_id" in item:  # a history has none, but a conversation that moves does
        return named | {"call_id": item["call_id"], "output": item.get("output", "")}
    if kind != "function_call":
        return None
    call_id = item.get("call_id") or call_ids.get(_id(item))
    written = named | {"name": item.get("name", ""), "arguments": item.get("arguments", "")}
    return written | ({"call_id": call_id} if call_id else {})
