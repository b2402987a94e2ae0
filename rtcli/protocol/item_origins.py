"""Which frame brought an item into the conversation, and which one made a call or a question whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.protocol.remember import remember

MAX_IDS = 4096
"""Items, responses and calls that are known; a frame that names an older one is linked to nothing."""


class ItemOrigins:
    """Items by their ids, frames by their numbers; all of one connection."""

    def __init__(self) -> None:
        self._brought: dict[str, int] = {}  # items of the server's own
        self._created: dict[str, int] = {}  # ours, and those whose id may be used again: deleted ones
        self._added: dict[tuple[str, str | None], None] = {}  # the events that added an item, each with its id
        self._calls: dict[str, int] = {}  # call_id, or id of an approval request -> the frame that completed it
        self._approvals: dict[str, int] = {}  # id of an approval request -> our answer
        self._mcp_servers: dict[str, int] = {}  # server_label -> the frame of ours that named it last

    def bring(self, item_id: str | None, number: int) -> None:
        """A frame of the server brings an item of its own."""
        if item_id:
            remember(self._brought, item_id, number, MAX_IDS)

    def create(self, item_id: str | None, number: int) -> None:
        """A frame of ours has created an item."""
        if item_id:
            remember(self._created, item_id, number, MAX_IDS)

    def delete(self, item_id: str) -> None:
        """It is gone, and another one may get its id."""
        if origin := self._brought.pop(item_id, None):
            remember(self._created, item_id, origin, MAX_IDS)

    def brought_by(self, item_id: str | None) -> int | None:
        """The frame of the server that brought an item of its own."""
        return self._brought.get(item_id or "")

    def created_by(self, item_id: str | None) -> int | None:
        """The frame that created an item of ours."""
        return self._created.get(item_id or "")

    def origin(self, item_id: str | None) -> int | None:
        """The frame that brought or created an item."""
        return self._brought.get(item_id or "") or self._created.get(item_id or "")

    def is_added_again(self, event_type: str, item_id: str | None) -> bool:
        """Note an event that adds an item. An item is added once: where its id comes again, another one has got it."""
        known = (event_type, item_id) in self._added
        remember(self._added, (event_type, item_id), None, MAX_IDS)
        return known

    # -- calls, questions and what they are about ---------------------------------------------------

    def complete(self, name: str | None, number: int) -> None:
        """A call (by its call_id) or a request for approval (by its id) is whole."""
        if name:
            remember(self._calls, name, number, MAX_IDS)

    def call(self, name: str | None) -> int | None:
        """The frame that completed a call or a request for approval."""
        return self._calls.get(name or "")

    def approve(self, asked: str, number: int) -> None:
        """A frame of ours answers a request for approval."""
        remember(self._approvals, asked, number, MAX_IDS)

    def name_servers(self, settings: Mapping[str, Any], number: int) -> None:
        """A frame of ours has these settings: its tools may name MCP servers."""
        tools = settings.get("tools")
        for tool in tools if isinstance(tools, list) else ():
            label = tool.get("server_label") if isinstance(tool, Mapping) else None
            if isinstance(label, str) and label:
                remember(self._mcp_servers, label, number, MAX_IDS)

    def asked_by(self, item: Mapping[str, Any]) -> int | None:
        """The frame of ours that led to an item of an MCP server: the approval, or what named the server."""
        approval, label = item.get("approval_request_id"), item.get("server_label")
        approved = self._approvals.get(approval) if isinstance(approval, str) else None
        return approved or (self._mcp_servers.get(label) if isinstance(label, str) else None)
