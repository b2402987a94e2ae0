"""Commands for tools: which there are, answers by hand, approvals of MCP calls."""

from __future__ import annotations

from typing import Annotated, Literal

from rtcli.commands.arguments import ApprovalId, RemainingText, WaitingCallId
from rtcli.commands.context import Context
from rtcli.commands.registry import command
from rtcli.errors import UsageError
from rtcli.session.tools import Tool
from rtcli.views import Level, Notice, Table, View, Views


@command("tools", topic="tools")
def tools(context: Context, mode: Literal["manual", "auto"] | None = None) -> Views:
    """List the tools and the waiting calls; manual keeps every call for /tool, auto runs them."""
    calls = context.session.tools
    if mode:
        calls.manual = mode == "manual"
        return Notice(f"tool calls {'wait for /tool' if calls.manual else 'run automatically'}")
    handling = "kept for /tool" if calls.manual else "run automatically"
    waiting = calls.waiting
    tables = (
        (("tool", "calls are", "what it does"), [_tool_row(tool, handling) for tool in calls.tools]),
        (
            ("waiting call", "tool", "arguments"),
            [(call.id, call.name, call.arguments) for call in waiting if not call.is_approval],
        ),
        (
            ("waiting approval", "tool", "arguments"),
            [(call.id, call.name, call.arguments) for call in waiting if call.is_approval],
        ),
    )
    views: list[View] = [Table(columns, tuple(rows)) for columns, rows in tables if rows]
    return views or Notice("no tools", hint="start with --tools FILE, or /session set tools=[...]")


def _tool_row(tool: Tool, handling: str) -> tuple[str, str, str]:
    return tool.name, handling if tool.function else "kept for /tool", _about(tool.schema)


def _about(schema: dict[str, object]) -> str:
    return str(schema.get("description") or schema.get("server_url") or "").partition("\n")[0]


@command("tool", topic="tools")
def tool(context: Context, call_id: Annotated[str, WaitingCallId()], output: RemainingText) -> Views:
    """Answer a waiting call; the model continues when all calls of its response are answered."""
    return Notice(f"{call_id} {context.session.tools.answer(call_id, output)}", level=Level.OK)


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
        raise UsageError("which approval?", why=f"waiting: {', '.join(waiting)}")
    return waiting[0]
