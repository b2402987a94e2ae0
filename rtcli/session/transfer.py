"""A conversation that moves: into another connection, or into a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rtcli.protocol.items import FunctionCallItem, Item, McpApprovalRequestItem, McpCallItem, MessageItem
from rtcli.protocol.unset import UNSET
from rtcli.views import Level, Notice, counted

_TEXT_FIELDS = ("text", "transcript")
_NO_IDS: Mapping[str, str] = {}
_MAX_END = 27
"""Characters of an item's id in one that is made of it: the API takes at most 32."""


@dataclass(frozen=True, slots=True)
class TransferResult:
    """Items that another connection takes, and a line for each sort of thing that it does not.

    `untaken` counts the items that it has then refused, or said nothing about.
    """

    items: Sequence[Item | Mapping[str, Any]]
    lost: tuple[str, ...]
    untaken: int = 0

    @property
    def notices(self) -> list[Notice]:
        """What to tell about the things that could not be kept; nothing where there are none."""
        lost = (
            (*self.lost, f"{counted(self.untaken, 'item')} that the server did not take") if self.untaken else self.lost
        )
        return [Notice(f"not kept: {', '.join(lost)}", level=Level.WARNING)] if lost else []


def text_of_item(item: Item) -> str:
    """What a message says, typed or spoken; "" for anything else."""
    if not isinstance(item, MessageItem):
        return ""
    return "".join(str(part[key]) for part in item.content for key in _TEXT_FIELDS if part.get(key))


def without_audio(item: Item) -> Item:
    """An item without its audio: an hour of it has no place in memory, and the server has it."""
    if not isinstance(item, MessageItem) or not any(part.get("audio") for part in item.content):
        return item
    content = [{key: value for key, value in part.items() if key != "audio"} for part in item.content]
    return replace(item, content=content)


def portable_items(history: Iterable[Item], call_ids: Mapping[str, str] = _NO_IDS) -> TransferResult:
    """Messages as text (and images), function calls with their outputs, in order.

    Audio becomes its transcript, because the API takes no assistant audio from a client. A call without an output
    stays behind: nobody would ever answer it. `call_ids` are those of the calls, by item.
    """
    lost: Counter[str] = Counter()
    items = [sent for item in history for sent in _portable(item, call_ids, lost)]
    return TransferResult(items, _counted(lost))


def put_back(
    then: Iterable[Item], as_heard: Iterable[Item], now: Iterable[Item], call_ids: Mapping[str, str]
) -> TransferResult:
    """Items that a conversation had `then`: those that it still has `now` as they are, the rest as `portable_items`.

    `as_heard` are the same items, of a cut answer with the words that were heard alone.
    """
    present = {item.item_id: _without_place(as_json([item])[0]) for item in now}
    items: list[Item | Mapping[str, Any]] = []
    lost: Counter[str] = Counter()
    for item, heard in zip(then, as_heard, strict=True):
        if present.get(item.item_id) == _without_place(as_json([item])[0]):
            items.append(item)
        else:
            items += _portable(heard, call_ids, lost)
    return TransferResult(items, _counted(lost))


def _portable(item: Item, call_ids: Mapping[str, str], lost: Counter[str]) -> list[Item | Mapping[str, Any]]:
    """What a client may send of an item; what it may not is counted in `lost`."""
    if isinstance(item, FunctionCallItem) and item.output is not None:
        return [*_call_and_output(as_json([item], call_ids)[0])]
    if isinstance(item, MessageItem):
        return [sent] if (sent := _as_text(item, lost)) else []
    lost[_SORTS[item.type]] += 1
    return []


def import_items(rows: Iterable[Mapping[str, Any]], history: Iterable[Item]) -> TransferResult:
    """Items as `as_json` wrote them: what the conversation still has as it is, the rest as `portable_items` does."""
    present = {item.item_id: item for item in history}
    items: list[Item | Mapping[str, Any]] = []
    lost: Counter[str] = Counter()
    for row in rows:
        known = present.get(row["item_id"])
        # unchanged: the item stays on the server, with audio that no file has
        if known is not None and _without_place(as_json([known])[0]) == _without_place(row):
            items.append(known)
        elif row.get("type") == "function_call" and isinstance(row.get("output"), str):
            items += _call_and_output(row)
        elif row.get("type", "message") != "message":
            lost[_SORTS.get(row["type"], "unknown item")] += 1
        elif sent := _as_text(MessageItem(row["item_id"], row["role"], "completed", row["content"]), lost):
            items.append(sent)
    return TransferResult(items, _counted(lost))


def _without_place(row: Mapping[str, Any]) -> dict[str, Any]:
    # both are the connection's own affair
    return {name: value for name, value in row.items() if name not in ("previous_item_id", "call_id")}


def _call_and_output(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The two items of the wire that a call and its output are; an id that nobody knows any more is made up."""
    item_id = str(row["item_id"])
    call_id = str(row.get("call_id") or f"call_{item_id[-_MAX_END:]}")
    call = {"item_id": item_id, "type": "function_call", "call_id": call_id}
    call |= {name: str(row.get(name) or "") for name in ("name", "arguments")}
    # the API takes ids of at most 32 characters
    output = {"item_id": f"out_{item_id[-_MAX_END:]}", "type": "function_call_output", "call_id": call_id}
    return [call, {**output, "output": row["output"]}]


def _counted(lost: Counter[str]) -> tuple[str, ...]:
    return tuple(f"{count} {sort if count == 1 else _plural(sort)}" for sort, count in lost.items())


def _plural(sort: str) -> str:
    noun, rest = (sort.partition(" without")[0], sort.partition(" without")[2])
    return f"{noun}s without{rest}" if rest else f"{noun}s"


def _as_text(item: MessageItem, lost: Counter[str]) -> MessageItem | None:
    """A message as a client may send it; None where nothing is left of it. What is not, is counted in `lost`."""
    # the only kinds of text that a client may create for each role
    kind = "output_text" if item.role == "assistant" else "input_text"
    parts: list[dict[str, Any]] = []
    for part in item.content:
        text = next((part[key] for key in _TEXT_FIELDS if part.get(key)), None)
        if text:
            parts.append({"type": kind, "text": text})
        elif part.get("type") == "input_image" and part.get("image_url"):
            parts.append({"type": "input_image", "image_url": part["image_url"]})
        else:
            lost["spoken part without transcript" if "audio" in str(part.get("type")) else "empty part"] += 1
    return replace(item, content=parts, status="completed", previous_item_id=UNSET) if parts else None


_SORTS: Mapping[str, str] = {
    "function_call": "tool call without an output",
    "mcp_call": "MCP call",
    "mcp_approval_request": "MCP approval",
}
"""What is not a message, by its type."""


def as_json(history: Iterable[Item], call_ids: Mapping[str, str] = _NO_IDS) -> list[dict[str, Any]]:
    """Items as plain data, with the names that reset_history takes; function calls with their `call_ids`."""

    def row(item: Item) -> dict[str, Any]:
        call_id = call_ids.get(item.item_id)
        fields = {key: value for key, value in asdict(item).items() if value is not UNSET}
        return fields | ({"call_id": call_id} if call_id else {})

    return [row(item) for item in history]


def as_markdown(history: Iterable[Item], title: str) -> str:
    """The conversation for users."""
    lines = [f"# {title}", ""]
    for item in history:
        lines += _MARKDOWN[type(item)](item)
    return "\n".join(lines).rstrip() + "\n"


def _message_lines(item: MessageItem) -> list[str]:
    images = sum(part.get("type") == "input_image" for part in item.content)
    text = text_of_item(item) or ("" if images else "(no text)")
    shown = " ".join(filter(None, (text, "(image)" * images)))
    cut = " (interrupted)" if item.status == "incomplete" else ""
    return [f"**{item.role}**{cut}: {shown}", ""]


def _call_lines(item: FunctionCallItem | McpCallItem) -> list[str]:
    return [f"**tool** `{item.name}`", "", "```json", item.arguments, "```", "", *_output_lines(item.output), ""]


def _output_lines(output: Any) -> list[str]:
    return [] if output is None else ["```", str(output), "```"]


def _approval_lines(item: McpApprovalRequestItem) -> list[str]:
    return [f"**approval** `{item.server_label}/{item.name}`", ""]


_MARKDOWN: Mapping[type, Any] = {
    MessageItem: _message_lines,
    FunctionCallItem: _call_lines,
    McpCallItem: _call_lines,
    McpApprovalRequestItem: _approval_lines,
}
