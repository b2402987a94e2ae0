"""A conversation as something to carry: into another connection, or into a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from rtcli.protocol.items import FunctionCallItem, Item, McpApprovalRequestItem, McpCallItem, MessageItem
from rtcli.protocol.unset import UNSET

_TEXT_FIELDS = ("text", "transcript")


@dataclass(frozen=True, slots=True)
class Carried:
    """Items that another connection takes, and a line for each sort of thing that it does not."""

    items: list[MessageItem]
    lost: tuple[str, ...]


def text_of_item(item: Item) -> str:
    """What a message says, typed or spoken; "" for anything else."""
    if not isinstance(item, MessageItem):
        return ""
    return "".join(str(part[key]) for part in item.content for key in _TEXT_FIELDS if part.get(key))


def without_audio(item: Item) -> Item:
    """An item without its sound: an hour of it has no place in memory, and the server has it."""
    if not isinstance(item, MessageItem) or not any(part.get("audio") for part in item.content):
        return item
    content = [{key: value for key, value in part.items() if key != "audio"} for part in item.content]
    return replace(item, content=content)


def carry(history: Iterable[Item]) -> Carried:
    """Messages as text (and images), in order, without ids of the old connection.

    Sound becomes its transcript, because the API takes no assistant sound from a client. Calls belong to the
    connection that they were made on.
    """
    items: list[MessageItem] = []
    lost: Counter[str] = Counter()
    for item in history:
        if not isinstance(item, MessageItem):
            lost[_SORTS[type(item)]] += 1
            continue
        parts, dropped = _carried_parts(item)
        lost.update(dropped)
        if parts:
            items.append(replace(item, content=parts, status="completed", previous_item_id=UNSET))
    return Carried(items, tuple(f"{count} {sort}" + ("s" if count > 1 else "") for sort, count in lost.items()))


def _carried_parts(item: MessageItem) -> tuple[list[dict[str, Any]], list[str]]:
    kind = "output_text" if item.role == "assistant" else "input_text"
    parts: list[dict[str, Any]] = []
    dropped: list[str] = []
    for part in item.content:
        text = next((part[key] for key in _TEXT_FIELDS if part.get(key)), None)
        if text:
            parts.append({"type": kind, "text": text})
        elif part.get("type") == "input_image" and part.get("image_url"):
            parts.append({"type": "input_image", "image_url": part["image_url"]})
        else:
            dropped.append("spoken part without transcript" if "audio" in str(part.get("type")) else "empty part")
    return parts, dropped


_SORTS: Mapping[type, str] = {
    FunctionCallItem: "tool call",
    McpCallItem: "MCP call",
    McpApprovalRequestItem: "MCP approval",
}


def as_json(history: Iterable[Item]) -> list[dict[str, Any]]:
    """Items as plain data, with the names that reset_history takes."""
    return [{key: value for key, value in asdict(item).items() if value is not UNSET} for item in history]


def as_markdown(history: Iterable[Item], title: str) -> str:
    """The conversation for people."""
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
