"""The model's calls from request to answer: each runs or waits for the user, all are answered together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from rtcli.errors import UsageError
from rtcli.masking import masked, masked_start
from rtcli.protocol.items import McpApprovalRequestItem
from rtcli.protocol.payloads import FunctionCall, ResponseDone
from rtcli.protocol.provenance import caused_by
from rtcli.protocol.remember import remember
from rtcli.session.link import Link
from rtcli.session.tools.call import call_tool
from rtcli.session.tools.load import ToolFile, load_tools
from rtcli.session.tools.results import shown_json
from rtcli.session.tools.threads import ToolThread
from rtcli.session.tools.tool import Tool, ToolError, ToolSchema
from rtcli.views import CallStatus, Level, Notice

CALL_SECONDS = 60.0
"""How long a function may take, where nothing else was asked for."""

_MAX_REMEMBERED = 256
"""Responses that have ended, for calls that are told late."""


_MAX_SHOWN = 120
"""Characters of an output."""


class CallState(StrEnum):
    """What an open call waits for."""

    RUNNING = "running"
    FOR_OUTPUT = "waiting for you"
    FOR_APPROVAL = "waiting for approval"


@dataclass(slots=True)
class _Call:
    """A call without an output: `task` where a function runs for it; `since` on the session's clock."""

    call: FunctionCall
    since: float
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class _Round:
    """The calls of one response. `outputs` fill up; they go out when none is missing and the response has ended."""

    calls: dict[str, _Call] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    cancelled: bool = False

    @property
    def complete(self) -> bool:
        return self.ended and len(self.outputs) == len(self.calls)


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that has no answer yet, and for how long it has been so."""

    id: str
    name: str
    arguments: str
    state: CallState = CallState.FOR_OUTPUT
    seconds: float = field(default=0.0, compare=False)

    @property
    def is_approval(self) -> bool:
        """An MCP call of the server's, which wants a yes or a no."""
        return self.state is CallState.FOR_APPROVAL


class ToolCalls:
    """Owns which calls are open, and who answers them. A round that was answered is followed by one request for a
    response.

    `joined`: the session is somebody else's, who knows what its tools are. `file` is where the tools come from.
    """

    def __init__(
        self, link: Link, tools: Iterable[Tool], *, joined: bool = False, timeout: float | None = CALL_SECONDS
    ) -> None:
        self._link = link
        self._tools = {tool.name: tool for tool in tools}
        self._joined = joined
        self.timeout = timeout  # seconds for one function; None: no limit
        self.manual = False  # every call waits for the user, also one that could run
        self.file: Path | None = None  # what /tools reload reads again
        self._rounds: dict[str, _Round] = {}  # by response id
        self._ended: dict[str, bool] = {}  # responses that are over, and whether they were cancelled
        self._approvals: dict[str, tuple[McpApprovalRequestItem, float]] = {}  # by item id, oldest first
        self._tasks: set[asyncio.Task[None]] = set()  # functions that run, also of connections that have ended
        link.transport.on("function_call", self._on_function_call)
        link.transport.on("turn_done", self._on_turn_done)
        link.transport.on("mcp_approval_request", self._on_mcp_approval_request)
        # The server runs MCP calls itself, but does not go on by itself when they are done.
        link.transport.on("mcp_tool_call_completed", lambda _call: link.transport.request_response())

    def __repr__(self) -> str:
        return f"<ToolCalls: {len(self._tools)} tools, {len(self._tasks)} running, {len(self.waiting)} waiting>"

    @property
    def schemas(self) -> list[ToolSchema]:
        """What the session's config says of them."""
        return [tool.schema for tool in self._tools.values()]

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All that were loaded."""
        return tuple(self._tools.values())

    async def reload(self) -> tuple[ToolFile, list[str]]:
        """Read the file again; what it has now, and the names that it had before. What runs goes on.

        Raises InputError, and keeps the tools then.
        """
        if self.file is None:
            raise UsageError("no tools file was given", hint="start with --tools FILE")
        path, before = self.file, list(self._tools)
        file: ToolFile = await ToolThread("load", lambda _: load_tools(path)).result()
        self._tools = {tool.name: tool for tool in file.tools}
        return file, before

    # -- what is open ------------------------------------------------------------------------------

    @property
    def open(self) -> tuple[OpenCall, ...]:
        """Every call without an answer: function calls in the order they came, then approvals."""
        now = self._link.now
        calls = (
            OpenCall(
                entry.call.call_id,
                entry.call.name,
                entry.call.arguments,
                CallState.RUNNING if entry.task else CallState.FOR_OUTPUT,
                now - entry.since,
            )
            for entry in self._unanswered()
        )
        approvals = (
            OpenCall(name, f"{r.server_label}/{r.name}", shown_json(r.arguments), CallState.FOR_APPROVAL, now - since)
            for name, (r, since) in self._approvals.items()
        )
        return (*calls, *approvals)

    @property
    def waiting(self) -> tuple[OpenCall, ...]:
        """What waits for the user."""
        return tuple(call for call in self.open if call.state is not CallState.RUNNING)

    @property
    def status(self) -> tuple[CallStatus, ...]:
        """What is open, for toolbars and `/status`."""
        return tuple(CallStatus(call.id, call.name, str(call.state), call.seconds) for call in self.open)

    def _unanswered(self) -> Iterator[_Call]:
        for turn in self._rounds.values():
            yield from (entry for call_id, entry in turn.calls.items() if call_id not in turn.outputs)

    @property
    def running(self) -> bool:
        """A function runs that will answer a call by itself."""
        return any(entry.task for entry in self._unanswered())

    # -- calls come in -----------------------------------------------------------------------------

    def _on_function_call(self, call: FunctionCall) -> None:
        turn = self._rounds.setdefault(call.response_id, self._round(call.response_id))
        entry = turn.calls[call.call_id] = _Call(call, self._link.now)
        tool = self._tools.get(call.name)
        if tool and tool.function and not self.manual:
            self._link.show(Notice(f"tool {call.name} {call.arguments}", why=call.call_id))
            entry.task = asyncio.get_running_loop().create_task(self._run(call, tool), name=f"tool {call.name}")
            self._tasks.add(entry.task)
            entry.task.add_done_callback(self._tasks.discard)
        elif tool or self._joined or self._link.state.tools.has_function(call.name):
            self._link.show(
                Notice(
                    f"{call.call_id} is waiting: {call.name} {call.arguments}",
                    hint=f"/tool {call.call_id} OUTPUT",
                    level=Level.WARNING,
                )
            )
        else:
            self._refuse(call)

    def _round(self, response_id: str) -> _Round:
        """For a call whose response has been told to be over before it, there is nothing more to wait for."""
        cancelled = self._ended.get(response_id)
        return _Round(ended=cancelled is not None, cancelled=bool(cancelled))

    def _refuse(self, call: FunctionCall) -> None:
        """The model made a name up: nobody could ever answer, so it is told at once."""
        self._link.show(
            Notice(
                f"the model called {call.name or 'a tool without a name'} {call.arguments}".rstrip(),
                why="no tool has this name",
                hint="the model is told",
                level=Level.WARNING,
            )
        )
        with caused_by(f"unknown tool {call.name}"):
            self._answered(call, _error(f"there is no tool {call.name}"))

    async def _run(self, call: FunctionCall, tool: Tool) -> None:
        try:
            output = await call_tool(tool, call.arguments, seconds=self.timeout)
            start = masked_start(" ".join(output.split()), _MAX_SHOWN)
            self._link.show(Notice(f"tool {call.name} -> {start}", level=Level.OK))
        except ToolError as error:
            output = _error(str(error))
            place = f"{error.place}; " if error.place else ""
            self._link.show(
                Notice(f"tool {call.name} failed", str(error), f"{place}the model is told", level=Level.ERROR)
            )
        with caused_by(f"tool {call.name}"):
            self._answered(call, output)

    # -- answers by the user -----------------------------------------------------------------------

    def answer(self, call_id: str | None, output: str) -> str:
        """The user's answer to a call, None: to the only one that waits; says what happens next.

        A function that runs for it is stopped. Raises UsageError for a call that is not open.
        """
        entry = self._the_only(call_id)
        self._stop(entry)
        self._answered(entry.call, output)
        missing = [
            other.call.call_id for other in self._unanswered() if other.call.response_id == entry.call.response_id
        ]
        what = f"kept until {', '.join(missing)} is answered as well" if missing else "answered"
        return f"{entry.call.call_id} {what}"

    def cancel(self, call_id: str | None = None) -> str:
        """Give a call up, None: the only one that runs; the model is told. Says which one it was."""
        entry = self._the_only(call_id, running=True)
        self._stop(entry)
        with caused_by("/tool cancel"):
            self._answered(entry.call, _error("the user cancelled the call"))
        return f"{entry.call.name} ({entry.call.call_id}) cancelled"

    def _the_only(self, call_id: str | None, *, running: bool = False) -> _Call:
        entries = list(self._unanswered())
        if call_id is not None:
            found = [entry for entry in entries if entry.call.call_id == call_id]
        else:
            found = [entry for entry in entries if bool(entry.task) is running] or entries
        if len(found) == 1:
            return found[0]
        names = ", ".join(entry.call.call_id for entry in entries)
        if not entries:
            what = f"call {call_id!r} is not waiting for an output" if call_id else "no call is waiting for an output"
            raise UsageError(what, why="no call is waiting" if call_id else "")
        what = "which call?" if found else f"call {call_id!r} is not waiting for an output"
        raise UsageError(what, why=f"waiting: {names}")

    def _stop(self, entry: _Call) -> None:
        if entry.task is not None:
            entry.task.cancel()

    def approve(self, request_id: str, approved: bool, reason: str | None = None) -> None:
        """Answer a request for an MCP call. Raises UsageError for one that does not wait."""
        self._link.require_connection()
        request, _ = self._approvals.pop(request_id, (None, 0))
        if request is None:
            names = ", ".join(self._approvals)
            why = f"waiting: {names}" if names else "no approval is pending"
            raise UsageError(f"{request_id!r} is not waiting for approval", why=why)
        self._link.transport.send_mcp_response(request, approved, reason)
        if not approved:  # an approved call is followed by its result, and that by the answer
            self._link.transport.request_response()

    def _on_mcp_approval_request(self, request: McpApprovalRequestItem) -> None:
        self._approvals[request.item_id] = request, self._link.now
        self._link.show(
            Notice(
                f"{request.server_label} asks to call {request.name} {shown_json(request.arguments)}",
                hint=f"/approve {request.item_id} or /deny {request.item_id} REASON",
                level=Level.WARNING,
            )
        )

    # -- rounds go out -----------------------------------------------------------------------------

    def _answered(self, call: FunctionCall, output: str) -> None:
        turn = self._rounds.get(call.response_id)
        if turn is None:
            self._link.show(Notice(f"the model is not told what {call.name} gave", why="its connection has ended"))
        elif call.call_id not in turn.outputs:
            turn.outputs[call.call_id] = output
            self._send_if_complete(call.response_id, turn)
        self._link.changed.set()

    def _on_turn_done(self, done: ResponseDone) -> None:
        response = done.response
        remember(self._ended, response.id, response.status == "cancelled", _MAX_REMEMBERED)
        turn = self._rounds.get(response.id)
        if turn is not None:
            turn.ended, turn.cancelled = True, response.status == "cancelled"
            self._send_if_complete(response.id, turn)

    def _send_if_complete(self, response_id: str, turn: _Round) -> None:
        if not turn.complete or self._link.transport.status != "connected":
            return
        del self._rounds[response_id]
        for call_id, entry in turn.calls.items():
            self._link.transport.send_function_call_output(entry.call, turn.outputs[call_id], start_response=False)
        if not turn.cancelled:  # someone spoke up: what answers them will know the outputs too
            self._link.transport.request_response()

    def connection_ended(self) -> None:
        """Its calls cannot be answered any more."""
        self._rounds.clear()
        self._ended.clear()
        self._approvals.clear()

    async def close(self) -> None:
        """Stop what runs. What does not listen is left to itself."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _error(message: str) -> str:
    """What the model gets instead of a result: an exception may quote a secret of this process."""
    return json.dumps({"error": masked(message)}, ensure_ascii=False)


def merged_tools(
    config: Mapping[str, Any], schemas: list[ToolSchema], *, without: Iterable[str] = ()
) -> list[Mapping[str, Any]]:
    """The tools of a session config with the loaded ones; a loaded one replaces its namesake.

    `without` names what was loaded before and is not offered any more.
    """
    gone = {name for schema in schemas if (name := schema.get("name"))} | set(without)
    kept = [tool for tool in config.get("tools") or () if not (isinstance(tool, Mapping) and tool.get("name") in gone)]
    return [*kept, *schemas]
