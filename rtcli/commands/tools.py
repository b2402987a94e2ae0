"""Commands for tools: what the session has, what the program runs, answers by hand, approvals of MCP calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from rtcli.commands.arguments import RemainingText
from rtcli.commands.context import Context
from rtcli.commands.registry import command
from rtcli.commands.session_arguments import ApprovalId, CallOutput, OpenCallId
from rtcli.errors import UsageError
from rtcli.session.tool_calls import OpenCall, merged_tools
from rtcli.session.tools.tool import Tool
from rtcli.views import Level, Notice, Table, View, Views, counted


@command("tools", topic="tools")
async def tools(context: Context, mode: Literal["manual", "auto", "reload"] | None = None) -> Views:
    """List the session's tools, those of --tools and the open calls; reload reads the file again.

    manual: every call waits for /tool; auto: calls run by themselves.
    """
    calls = context.session.tools
    if mode == "reload":
        return await _reload(context)
    if mode:
        calls.manual = mode == "manual"
        return Notice(f"tool calls {'wait for /tool' if calls.manual else 'run automatically'}")
    declared = context.state.tools.tools
    # of --tools; the session may have declared others, and not all of these
    own = {tool.name: tool for tool in calls.tools}
    names = {_name(tool) for tool in declared}
    tables = (
        Table(
            ("tool", "calls are", "what it does"),
            tuple((_name(tool), _handled(context, own.get(_name(tool)), tool), _about(tool)) for tool in declared),
            title="tools of the session",
        ),
        Table(
            ("tool", "in the session", "what it does"),
            tuple((tool.name, "yes" if tool.name in names else "no", _about(tool.schema)) for tool in calls.tools),
            title=f"tools of {calls.file.name}" if calls.file else "tools of the program",
        ),
        _open_calls("call", [call for call in calls.open if not call.is_approval]),
        _open_calls("approval", [call for call in calls.open if call.is_approval]),
    )
    views: list[View] = [table for table in tables if table.rows]
    return views or Notice("no tools", hint="start with --tools FILE, or /session set tools=[...]")


def _open_calls(what: str, calls: list[OpenCall]) -> Table:
    cells = ((call.id, call.name, f"{call.state}, {call.seconds:.0f} s", call.arguments) for call in calls)
    # A line break of the server's must not begin what looks like another row.
    rows = tuple(tuple(cell.replace("\n", "⏎") for cell in row) for row in cells)
    return Table((what, "tool", "state", "arguments"), rows)


def _name(tool: Mapping[str, Any]) -> str:
    return str(tool.get("name") or tool.get("server_label"))


def _handled(context: Context, own: Tool | None, declared: Mapping[str, Any]) -> str:
    if declared.get("type") == "mcp":  # its calls never reach a client
        return "made by the server"
    runs = own is not None and own.function is not None and not context.session.tools.manual
    return "run automatically" if runs else "answered by /tool"


def _about(schema: Mapping[str, Any]) -> str:
    return str(schema.get("description") or schema.get("server_url") or "").partition("\n")[0]


async def _reload(context: Context) -> Views:
    """Read the tools file again, and give the session what it has now."""
    file, before = await context.session.tools.reload()
    now = [tool.name for tool in file.tools]
    added, removed = [name for name in now if name not in before], [name for name in before if name not in now]
    what = f"{counted(len(now), 'tool')} in {file.path.name}"
    changes = [f"added: {', '.join(added)}"] * bool(added) + [f"removed: {', '.join(removed)}"] * bool(removed)
    if context.session.lifecycle.connected:
        # tools that the session got elsewhere stay
        requested = merged_tools({"tools": context.state.tools.tools}, context.session.tools.schemas, without=removed)
        await context.session.settings.update({"tools": requested})
    return [Notice(what, "; ".join(changes), level=Level.OK), *file.notices]


@command("tool", topic="tools")
def tool(context: Context, output: Annotated[tuple[str | None, str], CallOutput()]) -> Views:
    """Answer the call that waits, or the one named; the model continues when all calls of its response are answered."""
    call_id, text = output
    return Notice(context.session.tools.answer(call_id, text), level=Level.OK)


@command("tool cancel", topic="tools")
def tool_cancel(context: Context, call: Annotated[str | None, OpenCallId()] = None) -> Views:
    """Cancel a call: the only running one, or the one named. The model is told."""
    return Notice(context.session.tools.cancel(call), level=Level.OK)


@command("approve", topic="tools")
def approve(context: Context, request: Annotated[str | None, ApprovalId()] = None) -> Views:
    """Approve an MCP call: the only one waiting, or the one named."""
    request_id = request or _only(context)
    context.session.tools.approve(request_id, True)
    return Notice(f"{request_id} approved", level=Level.OK)


@command("deny", topic="tools")
def deny(
    context: Context, request: Annotated[str | None, ApprovalId()] = None, reason: RemainingText | None = None
) -> Views:
    """Deny an MCP call, optionally with a reason for the model."""
    request_id = request or _only(context)
    context.session.tools.approve(request_id, False, reason)
    return Notice(f"{request_id} denied")


def _only(context: Context) -> str:
    waiting = [call.id for call in context.session.tools.waiting if call.is_approval]
    if len(waiting) != 1:
        if not waiting:
            raise UsageError("no approval is pending")
        raise UsageError("several approvals are pending", why=f"waiting: {', '.join(waiting)}")
    return waiting[0]
