"""The model's calls from request to answer: each runs or waits for the user, all are answered together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtcli.errors import UsageError
from rtcli.protocol.items import McpApprovalRequestItem
from rtcli.protocol.payloads import FunctionCall, ResponseDone
from rtcli.protocol.provenance import caused_by
from rtcli.session.link import Link
from rtcli.session.tools import Schema, Tool, ToolError, as_text, call_tool
from rtcli.views import Level, Notice


@dataclass(slots=True)
class _Round:
    """The calls of one response. `outputs` fill up; they go out when none is missing and the response has ended."""

    calls: dict[str, FunctionCall] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    cancelled: bool = False

    @property
    def complete(self) -> bool:
        return self.ended and len(self.outputs) == len(self.calls)


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """Something that waits for the user: a function call for its output, or an MCP call for approval."""

    id: str
    name: str
    arguments: str
    is_approval: bool = False


class ToolCalls:
    """Owns which calls wait, and for whom. A round that was answered is followed by one request for a response."""

    def __init__(self, link: Link, tools: Iterable[Tool], *, timeout: float = 30.0) -> None:
        self._link = link
        self._tools = {tool.name: tool for tool in tools}
        self.timeout = timeout  # seconds for one function
        self.manual = False  # every call waits for the user, also one that could run
        self._rounds: dict[str, _Round] = {}  # by response id
        self._approvals: dict[str, McpApprovalRequestItem] = {}  # by item id, oldest first
        self._tasks: set[asyncio.Task[None]] = set()  # functions that run
        link.transport.on("function_call", self._on_function_call)
        link.transport.on("turn_done", self._on_turn_done)
        link.transport.on("mcp_approval_request", self._on_mcp_approval_request)
        # The server runs MCP calls itself, but does not go on by itself when they are done.
        link.transport.on("mcp_tool_call_completed", lambda _call: link.transport.request_response())

    def __repr__(self) -> str:
        return f"<ToolCalls: {len(self._tools)} tools, {len(self._tasks)} running, {len(self.waiting)} waiting>"

    @property
    def schemas(self) -> list[Schema]:
        """What the session's config says of them."""
        return [tool.schema for tool in self._tools.values()]

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All that were loaded."""
        return tuple(self._tools.values())

    @property
    def waiting(self) -> tuple[WaitingCall, ...]:
        """What waits for the user: calls without an output, in the order they came, then approvals."""
        calls = (WaitingCall(call.call_id, call.name, call.arguments) for call in self._unanswered())
        approvals = (
            WaitingCall(name, f"{r.server_label}/{r.name}", as_text(r.arguments), is_approval=True)
            for name, r in self._approvals.items()
        )
        return (*calls, *approvals)

    def _unanswered(self) -> Iterator[FunctionCall]:
        for turn in self._rounds.values():
            yield from (call for call_id, call in turn.calls.items() if call_id not in turn.outputs)

    @property
    def running(self) -> bool:
        """A function runs that will answer a call by itself."""
        return bool(self._tasks)

    def _on_function_call(self, call: FunctionCall) -> None:
        turn = self._rounds.setdefault(call.response_id, _Round())
        turn.calls[call.call_id] = call
        tool = self._tools.get(call.name)
        if tool and tool.function and not self.manual:
            self._link.show(Notice(f"tool {call.name} {call.arguments}", why=call.call_id))
            task = asyncio.get_running_loop().create_task(self._run(call, tool), name=f"tool {call.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._link.show(
                Notice(
                    f"{call.call_id} is waiting: {call.name} {call.arguments}",
                    hint=f"/tool {call.call_id} OUTPUT",
                    level=Level.WARNING,
                )
            )

    async def _run(self, call: FunctionCall, tool: Tool) -> None:
        try:
            output = await call_tool(tool, call.arguments, seconds=self.timeout)
            self._link.show(Notice(f"tool {call.name} -> {_short(output)}", level=Level.OK))
        except ToolError as error:
            output = json.dumps({"error": str(error)}, ensure_ascii=False)
            self._link.show(
                Notice(
                    f"tool {call.name} failed",
                    why=str(error),
                    hint="the model is told",
                    level=Level.ERROR,
                )
            )
        with caused_by(f"tool {call.name}"):
            self._answered(call, output)

    def answer(self, call_id: str, output: str) -> str:
        """The user's answer to a waiting call; says what happens next. Raises UsageError where it does not wait."""
        call = next((call for call in self._unanswered() if call.call_id == call_id), None)
        if call is None:
            names = ", ".join(call.call_id for call in self._unanswered())
            why = f"waiting: {names}" if names else "no call is waiting"
            raise UsageError(f"call {call_id!r} is not waiting for an output", why=why)
        self._answered(call, output)
        missing = [other.call_id for other in self._unanswered() if other.response_id == call.response_id]
        return f"kept until {', '.join(missing)} is answered as well" if missing else "answered"

    def approve(self, request_id: str, approved: bool, reason: str | None = None) -> None:
        """Answer a request for an MCP call. Raises UsageError for one that does not wait."""
        self._link.require_connection()
        request = self._approvals.pop(request_id, None)
        if request is None:
            names = ", ".join(self._approvals)
            why = f"waiting: {names}" if names else "no approval is pending"
            raise UsageError(f"{request_id!r} is not waiting for approval", why=why)
        self._link.transport.send_mcp_response(request, approved, reason)
        if not approved:  # an approved call is followed by its result, and that by the answer
            self._link.transport.request_response()

    def _on_mcp_approval_request(self, request: McpApprovalRequestItem) -> None:
        self._approvals[request.item_id] = request
        self._link.show(
            Notice(
                f"{request.server_label} asks to call {request.name} {as_text(request.arguments)}",
                hint=f"/approve {request.item_id} or /deny {request.item_id} REASON",
                level=Level.WARNING,
            )
        )

    def _answered(self, call: FunctionCall, output: str) -> None:
        turn = self._rounds.get(call.response_id)
        if turn is not None:  # it is gone with the connection it came on
            turn.outputs[call.call_id] = output
            self._send_if_complete(call.response_id, turn)

    def _on_turn_done(self, done: ResponseDone) -> None:
        response = done.response
        turn = self._rounds.get(response.id)
        if turn is not None:
            turn.ended, turn.cancelled = True, response.status == "cancelled"
            self._send_if_complete(response.id, turn)

    def _send_if_complete(self, response_id: str, turn: _Round) -> None:
        if not turn.complete or self._link.transport.status != "connected":
            return
        del self._rounds[response_id]
        for call_id, call in turn.calls.items():
            self._link.transport.send_function_call_output(call, turn.outputs[call_id], start_response=False)
        if not turn.cancelled:  # someone spoke up: what answers them will know the outputs too
            self._link.transport.request_response()

    def connection_ended(self) -> None:
        """Its calls cannot be answered any more."""
        self._rounds.clear()
        self._approvals.clear()

    async def close(self) -> None:
        """Stop what runs."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _short(text: str, limit: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def merged_tools(config: Mapping[str, Any], schemas: list[Schema]) -> list[Any]:
    """The tools of a session config with the loaded ones; a loaded one replaces its namesake."""
    names = {name for schema in schemas if (name := schema.get("name"))}
    kept = [tool for tool in config.get("tools") or () if not (isinstance(tool, Mapping) and tool.get("name") in names)]
    return [*kept, *schemas]
