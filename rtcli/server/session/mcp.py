"""MCP servers as the local server plays them: no server is contacted; what they list and answer is simulated."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from typing import Any

from rtcli.protocol.events import WireObject, read_json
from rtcli.server.ids import new_id
from rtcli.server.session.conversation import DefaultConversation
from rtcli.server.session.events import event, obfuscated
from rtcli.server.session.items import ConversationItem

MAX_TOOLS = 128  # that one server lists
_UNREACHABLE = ".invalid"  # a host name that by standard never resolves: the way to ask for a listing that fails


def list_item(label: str) -> WireObject:
    """An `mcp_list_tools` item, its tools still to come."""
    return {"id": new_id("item"), "type": "mcp_list_tools", "server_label": label, "tools": []}


def reachable(server: Mapping[str, Any]) -> bool:
    """Whether the simulated server answers."""
    url = str(server.get("server_url") or "")
    host = url.partition("://")[2].partition("/")[0].partition(":")[0]  # "" for a connector or a tunnel
    return not host.endswith(_UNREACHABLE)


def tools_of(server: Mapping[str, Any]) -> list[WireObject]:
    """The tools that a simulated server lists: those that `allowed_tools` names, or one called `echo`."""
    allowed = server.get("allowed_tools") or []
    names = allowed.get("tool_names") or [] if isinstance(allowed, Mapping) else allowed
    return [_tool(str(server["server_label"]), name) for name in names[:MAX_TOOLS] or ["echo"]]


def _tool(label: str, name: str) -> WireObject:
    schema = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
    described = f"{name}, a simulated tool of the MCP server {label[:64]}: it gives back its input."
    return {"name": name, "description": described, "input_schema": schema, "annotations": {"read_only": True}}


def needs_approval(server: Mapping[str, Any], name: str) -> bool:
    """What `require_approval` says of one tool; by default every call is asked for."""
    rule = server.get("require_approval") or "always"
    if isinstance(rule, str):
        return rule == "always"
    never = (rule.get("never") or {}).get("tool_names") or []
    always = (rule.get("always") or {}).get("tool_names")
    # a list of `always` leaves out what it does not name; a list of `never` alone does the opposite
    return name in always if always is not None else name not in never


def call_item(label: str, name: str, arguments: str, request_id: str | None = None) -> ConversationItem:
    """An `mcp_call` before its result. Clients demand the `output` key even so."""
    call = {"type": "mcp_call", "server_label": label, "name": name, "arguments": arguments}
    more = {"approval_request_id": request_id, "output": None, "error": None}
    return ConversationItem({"id": new_id("item"), **call, **more})


def approval_item(label: str, name: str, arguments: str) -> ConversationItem:
    """An `mcp_approval_request`."""
    request = {"type": "mcp_approval_request", "server_label": label, "name": name, "arguments": arguments}
    return ConversationItem({"id": new_id("item"), **request})


def arguments_events(arguments: str, place: WireObject) -> list[WireObject]:
    """The arguments of a call as they are made; clients demand the padding here."""
    # in one piece: nobody waits for a simulated call
    delta = obfuscated(event("response.mcp_call_arguments.delta", **place, delta=arguments))
    return [delta, event("response.mcp_call_arguments.done", **place, arguments=arguments)]


def run(item: ConversationItem, place: WireObject) -> list[WireObject]:
    """Play the call of an `mcp_call` item: its result goes into the item. Returns the events of the call."""
    wire = item.wire
    events = [event("response.mcp_call.in_progress", **place)]
    try:
        arguments = read_json(wire["arguments"] or "{}")
    except ValueError as error:
        failure = {"type": "tool_execution_error", "message": f"the arguments are not JSON: {error}"}
        item.wire = {**wire, "error": failure}
        return [*events, event("response.mcp_call.failed", **place)]
    # the same every time: a test can expect it
    item.wire = {**wire, "output": json.dumps({"simulated": True, "tool": wire["name"], "input": arguments})}
    return [*events, event("response.mcp_call.completed", **place)]


def list_new_tools(
    conversation: DefaultConversation, servers: Mapping[str, WireObject], known: Set[str]
) -> Iterator[WireObject]:
    """`list_tools` of each server whose label was not known before an update or a response."""
    for label, server in servers.items():
        if label not in known:
            yield from list_tools(conversation, server)


def list_tools(conversation: DefaultConversation, server: Mapping[str, Any]) -> list[WireObject]:
    """List the tools of a server that an update or a response brought: an item of the conversation, and its events."""
    item = ConversationItem(list_item(str(server["server_label"])))
    previous = conversation.append(item)
    works = reachable(server)
    events = [
        event("conversation.item.added", previous_item_id=previous, item=item.wire),
        event("mcp_list_tools.in_progress", item_id=item.id),
        event("mcp_list_tools.completed" if works else "mcp_list_tools.failed", item_id=item.id),
    ]
    item.wire = {**item.wire, "tools": tools_of(server) if works else []}
    return [*events, event("conversation.item.done", previous_item_id=previous, item=item.wire)]


def run_approved(conversation: DefaultConversation, request_id: str) -> list[WireObject]:
    """An approved call runs at once, outside of any response; a client that wants an answer asks for one."""
    asked = conversation.get(request_id)
    assert asked is not None  # the conversation has checked it
    request = asked.wire
    item = call_item(request["server_label"], request["name"], request["arguments"], request_id)
    previous = conversation.append(item)
    added = event("conversation.item.added", previous_item_id=previous, item=item.wire)
    events = run(item, {"item_id": item.id, "output_index": 0})
    return [added, *events, event("conversation.item.done", previous_item_id=previous, item=item.wire)]
