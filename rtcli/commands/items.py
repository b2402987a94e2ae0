"""Commands for the conversation: list it, look at an item, cut, delete, reset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from rtcli.commands.arguments import FilePath, Integer
from rtcli.commands.charts import item_charts
from rtcli.commands.context import Context
from rtcli.commands.files import read_json
from rtcli.commands.registry import command
from rtcli.commands.session_arguments import ItemId, ItemOrFile
from rtcli.errors import InputError, RtcliError, UsageError
from rtcli.files import expanded
from rtcli.protocol.items import Item, MessageItem
from rtcli.session.tools.results import shown_json
from rtcli.session.transfer import TransferResult, as_json, import_items, text_of_item
from rtcli.views import Json, Level, Notice, Table, Views, counted

_CUT = " ⟂ "
"""Stands between the words that were heard and those that were not."""


@command("history", topic="items")
def history(context: Context, last: int | None = None) -> Views:
    """List the conversation, or its last items, in the server's order; ⟂ separates what was heard from what was not."""
    rows = tuple(
        row
        # numbered before it is cut, so that a number means the same item in every call
        for number, item in reversed([*context.state.history.newest(last or len(context.state.history))])
        for row in _history_rows(context, number, item)
    )
    if not rows:
        return Notice("the conversation is empty")
    return Table(("#", "item", "who", "status", "what"), rows)


def _history_rows(context: Context, number: int, item: Item) -> Iterator[tuple[str, ...]]:
    """An item, and behind a call its output, which is an item of its own for the server."""
    who, status = getattr(item, "role", item.type), getattr(item, "status", "")
    yield str(number), item.item_id, who, status, _content_of(context, item)
    if (output := getattr(item, "output", None)) is not None:
        yield "", "", "output", "", f"-> {shown_json(output)}"


def _content_of(context: Context, item: Item) -> str:
    if not isinstance(item, MessageItem):
        return f"{item.name} {shown_json(item.arguments)}"
    text = text_of_item(item)
    for index, part in enumerate(item.content):
        heard = context.state.transcripts.heard(item.item_id, index)
        spoken = context.state.transcripts.text("assistant", item.item_id, index)
        # what was typed or sent as text is not heard
        if heard is not None and spoken and not part.get("text"):
            text = f"{spoken[:heard]}{_CUT}{spoken[heard:].strip()}"
    images = sum(part.get("type") == "input_image" for part in item.content)
    return " ".join(filter(None, (text, "[image]" * images)))


@command("item", topic="items")
async def item(
    context: Context,
    item_id: Annotated[str, ItemId()],
    *,
    audio: Annotated[Path | None, FilePath(".wav")] = None,
    force: bool = False,
) -> Views:
    """Show the server's copy of an item, and draw its audio: what was heard of it bright.

    --audio FILE writes its audio as WAV, --force overwrites one.
    """
    timeline = context.state.timeline
    charts = item_charts(timeline.parts_of_item(item_id), timeline.voice_of_item(item_id))
    # in a replay the server that has the copy is gone
    if context.live is None and audio is None and (found := context.state.history.get(item_id)) is not None:
        return [Json(as_json([found])[0], title=item_id), *charts]
    # Asked of the server, whose copy is what the model knows; ours may lack the audio.
    copy = await context.session.conversation.retrieve(item_id)
    if audio is None:
        return [Json(copy, title=item_id), *charts]
    milliseconds = context.session.conversation.save_audio(copy, audio, replace=force)
    return Notice(f"{milliseconds / 1000:.1f} s of audio written to {audio}", level=Level.OK)


@command("delete", topic="items", exact=True)
async def delete(context: Context, item_id: Annotated[str, ItemId()]) -> Views:
    """Delete an item of the conversation."""
    context.session.undo.keep("/delete")
    try:
        await context.session.conversation.delete(item_id)
    except RtcliError:
        context.session.undo.forget()
        raise
    return Notice(f"{item_id} deleted", level=Level.OK)


@command("truncate", topic="items", exact=True)
async def truncate(
    context: Context, item_id: Annotated[str, ItemId()], milliseconds: Annotated[int, Integer()], *, part: int = 0
) -> Views:
    """Truncate a spoken answer: the server forgets what comes after this many milliseconds."""
    await context.session.conversation.truncate(item_id, milliseconds, part)
    return Notice(f"{item_id} ends after {milliseconds} ms", level=Level.OK)


@command("reset", topic="items", exact=True)
async def reset(context: Context, point: Annotated[str, ItemOrFile()] = "") -> Views:
    """Empty the conversation, go back to an item (which stays), or load one from a file: /reset conversation.json

    What was there comes back with /undo.
    """
    items = list(context.state.history)
    if not point:
        new = TransferResult([], ())
    # An id before a file of the same name: ids are what /history shows.
    elif point in context.state.history:
        new = TransferResult(items[: [item.item_id for item in items].index(point) + 1], ())
    else:
        new = import_items(_from_file(point), items)
    context.session.undo.keep("/reset")
    try:
        untaken = await context.session.conversation.reset(new.items)
    except RtcliError:
        context.session.undo.forget()
        raise
    what = f"the conversation has {counted(len(context.state.history), 'item')}, it had {len(items)}"
    # The server may refuse single items: those are listed below.
    level = Level.WARNING if untaken else Level.OK
    return [
        Notice(what, hint="/undo brings them back" if items else "", level=level),
        *replace(new, untaken=untaken).notices,
    ]


def _from_file(name: str) -> list[Mapping[str, Any]]:
    path = expanded(name)
    if not path.exists():
        raise UsageError(f"{name!r} is neither an item nor a file", hint="/history lists the items")
    value = read_json(path)
    rows = value.get("items") if isinstance(value, dict) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) and _is_item(row) for row in rows):
        raise InputError(str(path), "expected a list of items", hint="/export json FILE writes one")
    return list(rows)


def _is_item(row: Mapping[str, Any]) -> bool:
    """An id, and what a message needs if it is one."""
    content, role = row.get("content"), row.get("role")
    message = row.get("type", "message") == "message"
    is_message = isinstance(role, str) and isinstance(content, list) and all(isinstance(part, dict) for part in content)
    return isinstance(row.get("item_id"), str) and (is_message or not message)
