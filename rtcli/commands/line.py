"""The line grammar: text, `/command`, `//text`, a raw event that starts with `{`, `@path` for an image."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

from rtcli.commands.arguments import Flag
from rtcli.commands.client_events import send_events
from rtcli.commands.context import Context
from rtcli.commands.image_words import NamedImage, dropped_image, named_images, without
from rtcli.commands.known import Known
from rtcli.commands.lexer import closed, next_word
from rtcli.commands.registry import Command, Registry
from rtcli.commands.sent_line import sent_line
from rtcli.errors import RtcliError, UsageError
from rtcli.protocol.provenance import caused_by
from rtcli.session.images import PreparedImage, load_image
from rtcli.views import Level, Notice, Quit, View, Views

_BARE = {"exit": "quit", "quit": "quit", ":q": "quit", "help": "help", "?": "help"}
"""Lines that every prompt knows and no model needs."""


async def run_line(line: str, context: Context) -> list[View]:
    """Carry out one line; what there is to show for it. Raises the errors of `rtcli.errors`.

    Several rows of commands, which were pasted, are carried out one after the other, as a pipe would; an error of one
    is shown among the views then.
    """
    rows = command_rows(line, context.registry)
    if len(rows) == 1:
        return await _run_one(rows[0], context)
    views: list[View] = []
    for row in rows:
        try:
            views += await _run_one(row, context)
        except RtcliError as error:
            views.append(Notice(error.what, error.why, error.hint, Level.ERROR))
        if views and isinstance(views[-1], Quit):
            break
    return views


_COMMAND_ROW = re.compile(r"/[\w?-]+(\s|$)")


def command_rows(line: str, registry: Registry) -> list[str]:
    """The lines that a text of several rows stands for: its rows, where all are commands or events, else the text.

    A text whose first row is a command that takes the rest of its line is that command, unless all rows are commands.
    """
    rows = [row.strip() for row in line.strip().splitlines() if row.strip()]
    # A message of several lines is one message, unless its first line makes a command of it.
    if len(rows) < 2 or not rows[0].startswith("/") or dropped_image(line.strip()):
        return [line]
    if all(_COMMAND_ROW.match(row) or row.startswith("{") for row in rows):
        return rows
    try:
        entry, _ = registry.resolve(rows[0][1:])
    except UsageError:  # a path, say: the text is a message
        return [line if line.lstrip().startswith("//") else f"/{line.lstrip()}"]
    return [line] if any(parameter.kind.greedy for parameter in entry.positional) else rows


async def _run_one(line: str, context: Context) -> list[View]:
    text = line.strip()
    if not text:
        return []
    if text.lower() in _BARE:
        return await _run_command(_BARE[text.lower()], context)
    # before commands: an absolute path begins with a slash, too
    if dropped := dropped_image(text):
        return await _send_with_images(text, [dropped], context)
    if text.startswith("/") and not text.startswith("//"):
        return await _run_command(text[1:], context)
    if text.startswith("{"):
        context.session.did("raw event")
        before = context.session.state.log.last_number
        with caused_by("raw event"):
            views = send_events(text, context)
        return [*views, *sent_line(context, before)]
    return await _run_text(text.removeprefix("/") if text.startswith("//") else text, context)


async def _run_command(text: str, context: Context) -> list[View]:
    entry, rest = context.registry.resolve(text)
    arguments, options = parse_arguments(entry, rest, context)
    if context.live is not None:
        context.live.did(f"/{entry.name}")
    before = context.state.log.last_number
    with caused_by(f"/{entry.name}"):
        result = entry.handler(context, *arguments, **options)
        if inspect.isawaitable(result):
            result = await result
    # None: the command has nothing to say but what it has sent. An empty sequence: not even that.
    return sent_line(context, before) if result is None else as_list(result)


def as_list(views: Views) -> list[View]:
    """What a handler returned, as a list."""
    if views is None:
        return []
    return list(views) if isinstance(views, Sequence) else [views]


async def _run_text(text: str, context: Context) -> list[View]:
    """A message. A word that begins with @ and names an image goes with it; any other stays what it is."""
    return await _send_with_images(text, named_images(text), context)


async def _send_with_images(text: str, named: list[NamedImage], context: Context) -> list[View]:
    """All images are read before anything is sent. Raises InputError for one that cannot be."""
    context.session.require_connection()
    images: list[PreparedImage] = [await load_image(image.source) for image in named]
    context.session.did("typed text")
    with caused_by("typed text"):
        context.session.talk.say(without(text, named), images)
    return [view for image in images for view in image.views]


def _trailing_flags(text: str, entry: Command) -> tuple[str, dict[str, Any]]:
    """The rest of a line without the command's own flags at its end."""
    options: dict[str, Any] = {}
    while True:
        rest, _, last = text.rstrip().rpartition(" ")
        option = entry.options.get(last)
        # an option that takes a value can't stand behind free text, which could not be told from it
        if option is None or not isinstance(option.kind, Flag) or not rest.strip():
            return text, options
        text, options[option.name] = rest.rstrip(), True


def parse_arguments(entry: Command, text: str, context: Context) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a line for a command's handler. Raises UsageError that shows how it is used."""
    values: list[Any] = []
    options: dict[str, Any] = {}
    remaining, known = list(entry.positional), Known.to_parse(context)
    at = 0
    while word := next_word(text, at):
        option = entry.options.get(word.text)
        if option:
            at = word.end
            if isinstance(option.kind, Flag):
                options[option.name] = True
            elif value := next_word(text, at):
                options[option.name], at = option.kind.parse(closed(value).text, known), value.end
            else:
                raise UsageError(f"{word.text} needs a value", hint=entry.usage)
            continue
        if not remaining:
            what = "unknown option" if word.text.startswith("--") else "unexpected argument"
            raise UsageError(f"{what} {word.text!r}", hint=entry.usage)
        parameter = remaining.pop(0)
        if parameter.kind.greedy:
            taken, flags = _trailing_flags(text[word.start :], entry)
            options |= flags
            values.append(parameter.kind.parse(taken, known))
            break
        try:
            value_here = parameter.kind.parse(closed(word).text, known)
        except UsageError:
            # The last one that could take it: its message says what is wrong.
            if parameter.required or not remaining:
                raise
            values.append(parameter.default)  # it may be left out: this word is the next argument's
            continue
        values.append(value_here)
        at = word.end
    if missing := next((parameter for parameter in remaining if parameter.required), None):
        raise UsageError(f"{missing.usage} is missing", hint=entry.usage)
    return values, options
