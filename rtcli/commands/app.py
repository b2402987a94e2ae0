"""Commands for the program: help, status, connections, leaving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from rtcli.commands.context import Context
from rtcli.commands.registry import TOPICS, Command, Registry, command
from rtcli.commands.session_arguments import CommandName
from rtcli.errors import RtcliError, UsageError
from rtcli.protocol.units import clock
from rtcli.session.transfer import TransferResult
from rtcli.session.undo import Restored
from rtcli.views import Level, Notice, Quit, Table, Text, View, Views, counted

_GRAMMAR = "Text is a message · //text is a message that begins with / · {...} is a raw event · @path adds an image"


@command("help", topic="app", aliases=("?",))
def show_help(context: Context, name: Annotated[str | None, CommandName()] = None) -> Views:
    """List the commands, page by page at a prompt (/help 2), or explain a topic or one of them: /help session set"""
    pages = help_pages(context.registry, context.screen)
    # A page is asked for by its number; no command is called by one.
    if name and name.isdecimal():
        if not 1 <= int(name) <= len(pages):
            raise UsageError(f"there is no page {name}", hint=f"/help 1 to /help {len(pages)}")
        return _page(context, pages, int(name))
    if name and name in TOPICS and any(entry.topic == name for entry in context.registry):
        return _topic(context, name)
    if name:
        return _explain(context, name.removeprefix("/"))
    return _page(context, pages, 1)


def _page(context: Context, pages: Sequence[Sequence[str]], number: int) -> Views:
    tables: list[View] = [_topic(context, topic) for topic in pages[number - 1]]
    if number == len(pages):
        return [*tables, Text(_GRAMMAR)]
    hint = f"/help {number + 1} is the next, /help {pages[-1][-1]} and /help COMMAND explain"
    return [*tables, Notice(f"page {number} of {len(pages)}", hint=hint)]


def help_pages(registry: Registry, screen: tuple[int, int] | None) -> list[list[str]]:
    """The topics of each page: what a screen of so many columns and rows takes, at least one; None: all of them."""
    topics = [topic for topic in TOPICS if any(entry.topic == topic for entry in registry)]
    if screen is None:
        return [topics]
    columns, rows = screen
    pages: list[list[str]] = [[]]
    left = rows
    for topic in topics:
        needed = _rows_of(registry, topic, columns)
        # At least one topic to a page, even if the screen is too small for it.
        if pages[-1] and needed > left:
            pages.append([])
            left = rows
        pages[-1].append(topic)
        left -= needed
    return pages


def _rows_of(registry: Registry, topic: str, columns: int) -> int:
    """About so many rows: title, headings, and what each command needs where its summary wraps."""
    entries = [entry for entry in registry if entry.topic == topic]
    # A table folds its first column at half the width.
    usage = min(max(len(entry.usage) for entry in entries), columns // 2)
    room = max(columns - usage - 2, 20)
    return 2 + sum(max(-(-len(entry.summary) // room), -(-len(entry.usage) // usage)) for entry in entries)


def _topic(context: Context, topic: str) -> Table:
    rows = tuple((entry.usage, entry.summary) for entry in context.registry if entry.topic == topic)
    return Table(("command", "what it does"), rows, title=TOPICS[topic])


def _explain(context: Context, name: str) -> Views:
    group = context.registry.subcommands(name)
    if group:
        entries = [context.registry.names[f"{name} {word}"] for word in group]
        return Table(("command", "what it does"), tuple((entry.usage, entry.summary) for entry in entries))
    entry, _ = context.registry.resolve(name)
    return Text("\n".join(filter(None, _lines(entry))))


def _lines(entry: Command) -> list[str]:
    aliases = f"Also: {', '.join(f'/{alias}' for alias in entry.aliases)}" if entry.aliases else ""
    return [entry.usage, entry.summary, entry.details, aliases]


@command("status", topic="app")
def status(context: Context) -> Views:
    """Show the connection, the session, audio and what is waiting."""
    state = context.status
    microphone = "muted" if state.muted else "live"
    rows = {
        "connection": state.connection,
        "endpoint": state.endpoint,
        "model": state.model,
        "session": state.session_id,
        "expires in": None if state.expires_in is None else clock(state.expires_in),
        "answers": ", ".join(state.modalities),
        "microphone": f"open, {microphone}" if state.microphone else "closed",
        "push to talk": "on" if state.push_to_talk else "off",
        "speaker": "open" if state.speaker else "none",
        "responding": "yes" if state.responding else "no",
        "waiting": "; ".join(map(str, state.waits)),
        "queued": counted(state.queued, "message") if state.queued else None,
        "calls": ", ".join(f"{call.name} {call.id} {call.state} {clock(call.seconds)}" for call in state.calls),
        "dropped audio": f"{state.dropped_audio_ms} ms" if state.dropped_audio_ms else None,
        "events": f"{len(context.state.log)} frames",
        **state.metrics,
    }
    # What has no value yet has no row: a session that begins fills few of them.
    return Table(("what", "value"), tuple((name, value) for name, value in rows.items() if value))


@command("disconnect", topic="app", aliases=("close",), exact=True)
async def disconnect(context: Context) -> Views:
    """Close the connection but not rtcli; /reconnect continues the conversation."""
    context.session.require_connection()
    await context.session.lifecycle.disconnect()
    return Notice("disconnected", hint="/reconnect keeps settings and text, /quit leaves")


@command("reconnect", topic="app", aliases=("connect",))
async def reconnect(context: Context) -> Views:
    """Connect again; settings and text are kept, and what cannot be kept is listed."""
    return _reconnected(context, await context.session.lifecycle.reconnect())


@command("new", topic="app", exact=True)
async def new(context: Context) -> Views:
    """Connect again with the same settings and an empty conversation; /undo brings the old one back."""
    # Before the connection ends: afterwards the conversation is gone.
    context.session.undo.keep("/new")
    try:
        result = await context.session.lifecycle.reconnect(keep=False)
    except RtcliError:
        context.session.undo.forget()  # the conversation is still there, for /reconnect
        raise
    return _reconnected(context, result)


@command("undo", topic="app")
async def undo(context: Context) -> Views:
    """Bring back the conversation, and the model, from before the last /new, /model, /reset or /delete.

    What it did is reversed by /redo.
    """
    return _restored("undone", await context.session.undo.undo())


@command("redo", topic="app")
async def redo(context: Context) -> Views:
    """Reverse the last /undo."""
    return _restored("redone", await context.session.undo.redo())


def _restored(what: str, restored: Restored) -> Views:
    items = counted(restored.items, "item")
    said = Notice(f"{restored.step.command} {what}: the conversation has {items}", level=Level.OK)
    return [said, *replace(restored.lost, untaken=restored.untaken).notices]


def _reconnected(context: Context, result: TransferResult) -> Views:
    kept = len(result.items) - result.untaken
    items = f", {counted(kept, 'item')} kept" if kept > 0 else ""
    what = f"connected to {context.session.status.endpoint}{items}"
    return [Notice(what, level=Level.OK), *result.notices]


@command("quit", topic="app", aliases=("exit", "q"))
def leave(context: Context) -> Views:
    """Leave rtcli."""
    return Quit()
