"""Conversation items as the transport emits them, read from the wire and written back to it.

Parts of a message's `content` are the wire's own dicts: `{"type": "input_text", "text"}`, `{"type": "input_audio",
"transcript", "audio"}`, `{"type": "input_image", "image_url"}`, `{"type": "output_text", "text"}`, `{"type":
"output_audio", "transcript", "audio"}`. Text and audio parts have these fields alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeAlias

import orjson

from rtcli.errors import UsageError
from rtcli.protocol.unset import UNSET, Unset


@dataclass(frozen=True, slots=True)
class MessageItem:
    """A message of the system, the user or the assistant.

    `previous_item_id`: None is the front of the conversation, UNSET says that the event did not tell.
    """

    item_id: str
    role: str
    status: str
    content: list[dict[str, Any]]
    previous_item_id: str | Unset | None = UNSET
    type: str = "message"


@dataclass(frozen=True, slots=True)
class FunctionCallItem:
    """A function call; `status` is completed and `output` set once its output was sent. `arguments` is JSON text."""

    item_id: str
    name: str
    arguments: str
    status: str
    output: str | None = None
    previous_item_id: str | Unset | None = UNSET
    type: str = "function_call"


@dataclass(frozen=True, slots=True)
class McpCallItem:
    """A call that the server made to an MCP server. `error` is the server's object when the call failed."""

    item_id: str
    name: str
    arguments: str
    status: str
    output: Any = None
    error: Any = None
    server_label: str = ""
    type: str = "mcp_call"


@dataclass(frozen=True, slots=True)
class McpApprovalRequestItem:
    """The server asks whether it may make an MCP call. `arguments` is the decoded JSON, or the text if it is none."""

    item_id: str
    server_label: str
    name: str
    arguments: Any
    approved: bool | None = None
    type: str = "mcp_approval_request"


Item: TypeAlias = MessageItem | FunctionCallItem | McpCallItem | McpApprovalRequestItem

MCP_TYPES = frozenset({"mcp_call", "mcp_tool_call", "mcp_approval_request", "mcp_list_tools", "mcp_approval_response"})
_PART_FIELDS: dict[str, tuple[str, ...]] = {
    "input_text": ("type", "text"),
    "output_text": ("type", "text"),
    "input_audio": ("type", "audio", "transcript"),
    "output_audio": ("type", "audio", "transcript"),
}
_AUDIO_PART = {"audio": "output_audio"}  # the retrieved assistant part is typed "audio" in the API's own example


def text_of(value: object) -> str:
    """A field that should be text: itself, or "" when the server sent something else."""
    return value if isinstance(value, str) else ""


def read_message(item: Mapping[str, Any], *, default_status: str, previous: str | Unset | None) -> MessageItem | None:
    """A message item of the wire, or None where id, role or content are not what a message needs."""
    item_id, role, content = item.get("id"), item.get("role"), item.get("content")
    if not isinstance(item_id, str) or not isinstance(role, str) or not isinstance(content, list):
        return None
    # What is not an object is left out; the rest of the message can still be shown.
    parts = [part for part in content if isinstance(part, dict)]
    if role == "assistant":
        kinds = [text_of(part.get("type")) for part in parts]
        parts = [
            {**part, "type": _AUDIO_PART[kind]} if kind in _AUDIO_PART else part
            for part, kind in zip(parts, kinds, strict=True)
        ]
    parts = [_own_fields(part) for part in parts]
    status = item.get("status")
    return MessageItem(item_id, role, status if isinstance(status, str) else default_status, parts, previous)


def _own_fields(part: dict[str, Any]) -> dict[str, Any]:
    known = _PART_FIELDS.get(text_of(part.get("type")))
    return part if known is None else {key: part[key] for key in known if key in part}


def read_function_call(item: Mapping[str, Any]) -> FunctionCallItem:
    """A completed function call of the wire; its output is still to come."""
    return FunctionCallItem(
        text_of(item.get("id")), text_of(item.get("name")), text_of(item.get("arguments")), "in_progress"
    )


def read_mcp_call(item: Mapping[str, Any], *, default_status: str) -> McpCallItem:
    """An MCP call of the wire. A failed one keeps its `error`; a finished one says so even when it is retrieved."""
    status, output, error = item.get("status"), item.get("output"), item.get("error")
    if not isinstance(status, str):
        # A call that is retrieved comes without its status.
        status = "completed" if output is not None else default_status
    return McpCallItem(
        text_of(item.get("id")),
        text_of(item.get("name")),
        text_of(item.get("arguments")),
        status,
        output,
        error,
        text_of(item.get("server_label")),
        text_of(item.get("type")) or "mcp_call",
    )


def read_approval_request(item: Mapping[str, Any]) -> McpApprovalRequestItem:
    """A request for approval; arguments that are no JSON are handed on as text, so that it can still be answered."""
    # an empty text is what a call without arguments has
    arguments: Any = item.get("arguments") or "{}"
    if isinstance(arguments, str):
        with suppress(orjson.JSONDecodeError):
            arguments = orjson.loads(arguments)
    approved = item.get("approved")
    return McpApprovalRequestItem(
        text_of(item.get("id")),
        text_of(item.get("server_label")),
        text_of(item.get("name")),
        arguments,
        approved if isinstance(approved, bool) else None,
    )


def as_mapping(value: Any) -> Mapping[str, Any]:
    """An item, tool call or approval request given as a mapping or as an emitted dataclass; unset fields left out.

    Raises UsageError for anything else.
    """
    if isinstance(value, Mapping):
        return value
    if isinstance(value, type) or not is_dataclass(value):
        raise UsageError(f"{value!r:.60} is not an object with the fields of an item")
    return {f.name: v for f in fields(value) if (v := getattr(value, f.name)) is not UNSET}


def write_message(item: Mapping[str, Any]) -> dict[str, Any]:
    """A message item for conversation.item.create, its content as it is; system messages carry no status.

    What it does not say is left to the server.
    """
    written: dict[str, Any] = {"type": "message"} | ({"role": item["role"]} if "role" in item else {})
    if "content" in item:
        content = item["content"]
        written["content"] = [as_mapping(part) for part in content] if isinstance(content, list | tuple) else content
    if "item_id" in item:
        written["id"] = item["item_id"]
    # the API refuses it there
    if item.get("role") != "system" and item.get("status"):
        written["status"] = item["status"]
    return written


def write_part(part: Any) -> dict[str, Any]:
    """A part of a structured message for the wire.

    Of an image that is its address alone, given as `image` or `image_url`, and what the caller's `provider_data` says.
    """
    given = as_mapping(part)
    if given.get("type") != "input_image":
        return dict(given)
    address = given.get("image", given.get("image_url", UNSET))
    written = {"type": "input_image"} if address is UNSET else {"type": "input_image", "image_url": address}
    return {**written, **(given.get("provider_data") or {})}
