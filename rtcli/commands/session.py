"""Commands for the session's settings: show, set, compare, edit, and shortcuts to what is set most."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from rtcli.commands.arguments import FilePath, RemainingText
from rtcli.commands.context import Context
from rtcli.commands.files import read_json, write_text
from rtcli.commands.registry import command
from rtcli.commands.session_arguments import AllowedValue, Assignments, Fields, SessionPath
from rtcli.commands.settings_catalog import DETECTION_FIELDS
from rtcli.errors import RtcliError, UsageError
from rtcli.masking import masked
from rtcli.protocol import beta_fields
from rtcli.protocol.ndjson import parse_json
from rtcli.protocol.session_config import merge
from rtcli.session import setting_paths as settings
from rtcli.views import Json, Level, Notice, Table, View, Views

_FIXED = ("object", "id", "expires_at")  # the server's own, never sent back


def _confirmed(context: Context) -> Mapping[str, Any]:
    """The session, to change it. Raises UsageError without one."""
    if context.state.session is None:
        context.session.require_connection()
        raise UsageError("there is no session yet", why="the server has confirmed none")
    return context.state.session


def _last_confirmed(context: Context) -> Mapping[str, Any]:
    """The session, to look at it: also that of a connection that has ended. Raises UsageError without one."""
    session = context.state.last_session
    return _confirmed(context) if session is None else session


async def _apply(context: Context, changes: Mapping[str, Any]) -> list[View]:
    """Send changes; a line for each path: what the server confirmed, or made of it instead."""
    # The server may take a setting and change it, or ignore it: only what it confirmed is true.
    differences = {d.path: d for d in await context.session.settings.update(changes)}
    views: list[View] = []
    for path, requested in settings.flatten(changes):
        if difference := differences.get(path):
            got = settings.show(difference.confirmed)
            views.append(Notice(f"{path} is {got}", why=f"requested {settings.show(requested)}", level=Level.WARNING))
        else:
            views.append(Notice(f"{path} = {settings.show(requested)}", level=Level.OK))
    return views


@command("session show", topic="session", aliases=("session",))
def session_show(context: Context) -> Views:
    """Show the session as confirmed by the server."""
    return Json(_last_confirmed(context), title="session")


@command("session get", topic="session")
def session_get(context: Context, path: Annotated[str, SessionPath()]) -> Views:
    """Show one setting: /session get audio.input.turn_detection"""
    value = settings.get(_last_confirmed(context), path)
    if value is settings.MISSING:
        raise UsageError(f"the session has no setting {path!r}", hint=beta_fields.advice(path) or "see /session")
    return Json(value, title=path)


@command("session set", topic="session", aliases=("set",))
async def session_set(context: Context, assignments: Annotated[list[tuple[str, Any]], Assignments()]) -> Views:
    """Set settings, show what the server confirmed: /session set audio.output.speed=1.2 audio.output.voice=marin

    The value is JSON or plain text; null switches a setting off. Only changes are sent.
    """
    update: dict[str, Any] = {}
    for path, value in assignments:
        # each assignment sees those before it: turn_detection.type=server_vad turn_detection.threshold=0.6
        update = merge(update, settings.update_for(path, value, session=merge(dict(_confirmed(context)), update)))
    return await _apply(context, update)


@command("session diff", topic="session")
def session_diff(context: Context) -> Views:
    """Compare what was requested, by you or by rtcli itself, with what the server confirmed."""
    if not context.session.settings.asked:
        return Notice("no settings were requested: the session is as the server began it")
    found = context.session.settings.differences()
    if not found:
        return Notice("the session is as requested", level=Level.OK)
    rows = tuple((d.path, settings.show(d.requested), settings.show(d.confirmed)) for d in found)
    return Table(("setting", "requested", "confirmed"), rows)


@command("session edit", topic="session")
async def session_edit(context: Context) -> Views:
    """Edit the settings in $EDITOR; only what you change is sent.

    An edit that could not be parsed, or that the server refuses, is kept and opened again; an empty one is dropped.
    """
    if context.edit is None:
        raise UsageError("no terminal to run an editor in", hint="/session set PATH=VALUE")
    before = json.dumps(_editable(_confirmed(context)), indent=2, ensure_ascii=False) + "\n"
    kept = context.kept_edit
    changed = await context.edit(kept or before)
    text = kept if changed is None else changed
    if not text.strip() or (text == before and not kept):
        context.kept_edit = ""
        return Notice("the edit was dropped" if kept else "nothing changed")
    context.kept_edit = text  # until it has been taken
    try:
        views = await _load(context, _object(text))
    except RtcliError as error:
        error.hint = " · ".join(part for part in (error.hint, "the edit is kept: /session edit opens it again") if part)
        raise
    context.kept_edit = ""
    return views


@command("session load", topic="session")
async def session_load(context: Context, file: Annotated[Path, FilePath(".json")]) -> Views:
    """Apply the settings in a JSON file; unchanged ones are not sent."""
    value = read_json(file)
    if not isinstance(value, dict):
        raise UsageError(f"{file} does not hold a session", why="expected a JSON object")
    # a session alone, or the event that carries one
    inner = value.get("session", value)
    return await _load(context, inner if isinstance(inner, dict) else value)


@command("session save", topic="session")
def session_save(context: Context, file: Annotated[Path, FilePath(".json")], *, force: bool = False) -> Views:
    """Write the settings to a JSON file, for /session load or --session; --force overwrites one."""
    text = json.dumps(_editable(_last_confirmed(context)), indent=2, ensure_ascii=False) + "\n"
    write_text(file, text, replace=force)
    without = "" if masked(text) == text else "a secret in them is masked: put it back before you load the file"
    return Notice(f"settings written to {file}", without, level=Level.OK)


def _object(text: str) -> dict[str, Any]:
    value = parse_json(text)
    if not isinstance(value, dict):
        raise UsageError("a session is a JSON object")
    return value


def _editable(session: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in session.items() if name not in _FIXED}


async def _load(context: Context, requested: Mapping[str, Any]) -> Views:
    changes = settings.changed(requested, _confirmed(context))
    return await _apply(context, changes) if changes else Notice("nothing changed")


@command("voice", topic="session")
async def voice(
    context: Context, name: Annotated[str | None, AllowedValue("audio.output.voice", "VOICE")] = None
) -> Views:
    """Choose the voice; it is fixed once the assistant has spoken."""
    return await _shortcut(context, "audio.output.voice", name)


@command("instructions", topic="session")
async def instructions(context: Context, text: RemainingText | None = None) -> Views:
    """Set the instructions; without text, show them."""
    return await _shortcut(context, "instructions", text)


@command("modalities", topic="session")
async def modalities(context: Context, kind: Literal["audio", "text"] | None = None) -> Views:
    """Choose whether answers are audio or text."""
    return await _shortcut(context, "output_modalities", [kind] if kind else None)


async def _shortcut(context: Context, path: str, value: Any) -> Views:
    if value is None:
        return Json(settings.get(_confirmed(context), path), title=path)
    return await _apply(context, settings.update_for(path, value, session=_confirmed(context)))


_VAD_TYPES = {"server": "server_vad", "semantic": "semantic_vad"}


@command("vad", topic="session")
async def vad(
    context: Context,
    kind: Literal["off", "server", "semantic"] | None = None,
    fields: Annotated[dict[str, Any] | None, Fields(DETECTION_FIELDS)] = None,
) -> Views:
    """Show or change turn detection: /vad server threshold=0.6 silence_duration_ms=500

    Fields of the current kind can be set alone: /vad eagerness=high
    """
    path = "audio.input.turn_detection"
    present = settings.get(_confirmed(context), path)
    if kind is None and not fields:
        return Json(present, title=path)
    # a new kind starts empty: the fields of the other kind are not its own
    detection: Any = dict(present) if isinstance(present, Mapping) and kind is None else {}
    if kind != "off":
        detection |= {"type": _VAD_TYPES[kind]} if kind else {}
        detection = {**detection, **(fields or {})}
        if "type" not in detection:
            raise UsageError("turn detection is off", hint="/vad server or /vad semantic")
    else:
        detection = None
    return await _apply(context, settings.update_for(path, detection, session=_confirmed(context)))


@command("model", topic="session")
async def model(context: Context, name: Annotated[str | None, AllowedValue("model", "MODEL")] = None) -> Views:
    """Show the model, or connect again with another one; settings and text are kept."""
    if name is None:
        return Notice(context.status.model)
    before = context.status.model
    context.session.undo.keep("/model")
    try:
        result = await context.session.lifecycle.reconnect(model=name)
    except RtcliError as error:  # not undone by itself: dialing again may fail as well, and takes its time
        hint = " · ".join(part for part in (error.hint, f"/undo connects to {before} again") if part)
        context.session.show(Notice("the connection has ended", hint=hint, level=Level.WARNING))
        raise
    return [Notice(f"connected to {context.session.status.model}", level=Level.OK), *result.notices]
