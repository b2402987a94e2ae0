"""The conversation as its frames tell it: items in the server's order, without those of out-of-band responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from rtcli.protocol.history import MAX_CHARACTERS, History
from rtcli.protocol.items import FunctionCallItem, Item, read_function_call
from rtcli.protocol.record import Connected, Connection, Frame
from rtcli.protocol.remember import remember
from rtcli.protocol.requests import is_out_of_band
from rtcli.protocol.translate import TRANSLATORS
from rtcli.protocol.unset import UNSET
from rtcli.session.part import Part, moment, received, sent
from rtcli.session.transfer import without_audio
from rtcli.views import Level, Notice, View, counted

_MAX_REMEMBERED = 4096
"""Function calls whose item is remembered, and out-of-band responses and items."""


_HISTORY_IS_FULL = Notice(
    f"the history holds the newest {MAX_CHARACTERS // 2**20} MiB: older items are forgotten here",
    why="the server keeps them",
    level=Level.WARNING,
)


class ConversationItems(Part):
    """Owns the history of the connection that is open, or was open last."""

    def __init__(self) -> None:
        self.history = History()
        self._before: History | None = None  # while another connection is dialed, which may fail
        self._out_of_band: dict[str, None] = {}  # responses outside of the conversation, their items
        self.call_ids: dict[str, str] = {}  # of function calls, by item id
        self._call_items: dict[str, str] = {}  # item ids by call_id, which is all that an output names
        self._outputs: dict[str, str] = {}  # by call_id: outputs that came before the call was told
        self._places: dict[str, Any] = {}  # of function calls by item id: behind which item they were added

    def __repr__(self) -> str:
        return f"<ConversationItems: {len(self.history)} items, {len(self._out_of_band)} out of band>"

    @received("response.created")
    def _on_response_created(self, event: Mapping[str, Any], _frame: Frame) -> None:
        """A response that says that it has no conversation makes items that the conversation never sees."""
        response = event.get("response")
        if isinstance(response, Mapping) and is_out_of_band(response):
            remember(self._out_of_band, str(response.get("id")), None, _MAX_REMEMBERED)

    @received("response.output_item.added", "response.output_item.done")
    def _on_response_output_item(self, event: Mapping[str, Any], frame: Frame) -> Iterator[View]:
        item = event.get("item")
        if isinstance(item, Mapping):
            if str(event.get("response_id")) in self._out_of_band:
                remember(self._out_of_band, str(item.get("id")), None, _MAX_REMEMBERED)
            self._remember_call(item)
        yield from self._on_conversation_item(event, frame)

    @received("conversation.item.added", "conversation.item.done", "conversation.item.retrieved")
    def _on_conversation_item(self, event: Mapping[str, Any], _frame: Frame) -> Iterator[View]:
        if isinstance(item := event.get("item"), Mapping):
            yield from self._on_call_item(item, event)
        for name, *payload in TRANSLATORS[event["type"]](dict(event)):
            if name == "item_update":
                yield from self._update(payload[0])
            elif name == "mcp_tools_listed":
                yield _tools_listed(payload[0].server_label, payload[0].tools)

    def _remember_call(self, item: Mapping[str, Any]) -> None:
        if item.get("type") == "function_call" and isinstance(call_id := item.get("call_id"), str):
            remember(self._call_items, call_id, str(item.get("id")), _MAX_REMEMBERED)
            remember(self.call_ids, str(item.get("id")), call_id, _MAX_REMEMBERED)

    def _on_call_item(self, item: Mapping[str, Any], event: Mapping[str, Any]) -> Iterator[View]:
        """A call or an output that did not come with a response: somebody has put it into the conversation."""
        self._remember_call(item)
        if item.get("type") == "function_call_output":
            yield from self._take_output(item)
        elif item.get("type") == "function_call":
            item_id, place = str(item.get("id")), event.get("previous_item_id", UNSET)
            if event["type"] == "conversation.item.added":  # a `done` may name another place, which is a known slip
                remember(self._places, item_id, place, _MAX_REMEMBERED)
            if item.get("status") in (None, "completed"):
                yield from self._add_call(item, item_id)

    def _add_call(self, item: Mapping[str, Any], item_id: str) -> Iterator[View]:
        known = self.history.get(item_id)
        placed = replace(read_function_call(item), previous_item_id=self._places.get(item_id, UNSET))
        call = known if isinstance(known, FunctionCallItem) else placed
        output = self._outputs.pop(str(item.get("call_id")), None)
        if output is not None and call.output is None:
            call = replace(call, status="completed", output=output)
        yield from self._update(call)

    def _take_output(self, item: Mapping[str, Any]) -> Iterator[View]:
        """The output of a call completes the call, now or when that is told."""
        call_id, output = str(item.get("call_id")), str(item.get("output"))
        call = self.history.get(self._call_items.get(call_id, ""))
        if isinstance(call, FunctionCallItem):
            yield from self._update(replace(call, status="completed", output=output))
        else:
            remember(self._outputs, call_id, output, _MAX_REMEMBERED)

    def _update(self, item: Item) -> Iterator[Notice]:
        if item.item_id not in self._out_of_band:
            complete = not self.history.forgotten
            self.history.update(without_audio(item))
            if complete and self.history.forgotten:
                yield _HISTORY_IS_FULL

    @received("conversation.item.deleted")
    def _on_conversation_item_deleted(self, event: Mapping[str, Any], _frame: Frame) -> None:
        if isinstance(item_id := event.get("item_id"), str):
            self.history.remove(item_id)

    @sent("conversation.item.create")
    def _on_conversation_item_create(self, event: Mapping[str, Any], _frame: Frame) -> Iterator[View]:
        """An output that we send counts at once: not every server tells of it."""
        item = event.get("item")
        if isinstance(item, Mapping) and item.get("type") == "function_call_output":
            yield from self._take_output(item)

    @moment(Connection)
    def _on_connection(self, record: Connection) -> None:
        """Another connection has another conversation; the last one stays where the attempt fails."""
        self._out_of_band.clear()
        self._outputs.clear()
        self._places.clear()
        if record.state is Connected.DIALING:
            self._before, self.history = self.history, History()
        elif record.state is Connected.OPEN:
            self._before = None
        elif self._before is not None:
            # Where a recording has lost the line that says "open", what was said tells that the connection stood.
            self.history, self._before = self.history if len(self.history) else self._before, None


def _tools_listed(server_label: str, tools: list[Any]) -> Notice:
    names = ", ".join(str(tool.get("name")) for tool in tools if isinstance(tool, Mapping))
    return Notice(f"{server_label} offers {counted(len(tools), 'tool')}", why=names, level=Level.OK)
