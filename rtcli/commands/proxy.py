"""Commands for the connections of a proxy: which there are, and what is done to what passes."""

from __future__ import annotations

import json
from typing import Annotated

from rtcli.commands.arguments import RemainingText
from rtcli.commands.context import Context
from rtcli.commands.registry import command
from rtcli.commands.session_arguments import FilterTerms
from rtcli.errors import UsageError
from rtcli.protocol.catalog import check_client_event
from rtcli.protocol.events import Malformed, decode
from rtcli.protocol.ndjson import parse_events
from rtcli.protocol.record import Direction
from rtcli.protocol.units import clock
from rtcli.views import Level, Notice, Table, View, Views, counted

_TO = {Direction.SENT: "to the server", Direction.RECEIVED: "to the app"}


@command("connections", topic="proxy")
def connections(context: Context) -> Views:
    """List the connections: number, app, model, how long, how many messages each way, and what is held."""
    found = context.proxy.connections
    if not found:
        return Notice("no app has connected yet")
    used = context.proxy.number
    rows = tuple(
        (
            f"{'*' if one.number == used else ' '}{one.number}",
            one.app or one.address,
            one.model,
            one.state,
            clock(one.seconds),
            f"{one.sent:,}",
            f"{one.received:,}",
            one.held,
        )
        for one in found
    )
    return Table(("", "app", "model", "state", "for", ">", "<", "held"), rows)


@command("use", topic="proxy")
def use(context: Context, number: int = 0) -> Views:
    """Choose the connection that commands look at and act on; without a number it is always the newest."""
    one = context.proxy.use(number)
    chosen = f"[{one.number}] {one.app or one.address}, {one.state}"
    return Notice(chosen if number else f"the newest connection, now {chosen}", level=Level.OK)


@command("inject", topic="proxy")
async def inject(context: Context, events: RemainingText) -> Views:
    """Send events of your own, past whatever is held: > {...} to the server, < {...} to the app.

    /inject > {"type": "response.cancel"}
    """
    sign, text = events[:1], events[1:].strip()
    if sign not in list(Direction):
        raise UsageError("a direction is missing", hint='/inject > {"type": ...} to the server, < {...} to the app')
    direction = Direction(sign)
    parsed = parse_events(text)
    views: list[View] = []
    # All were parsed before the first is sent: half of a list on the wire helps nobody.
    for event in parsed:
        if direction is Direction.SENT:
            views += [Notice(finding, level=Level.WARNING) for finding in check_client_event(event.value)]
        await context.proxy.inject(direction, event.text)
    names = ", ".join(str(event.value["type"]) for event in parsed)
    return [*views, Notice(f"[{context.proxy.number}] injected {direction} {names} {_TO[direction]}", level=Level.OK)]


@command("hold", topic="proxy")
async def hold(context: Context, terms: Annotated[str, FilterTerms()] = "") -> Views:
    """Show or choose which frames are held, with all frames behind them: > response.create; off holds none.

    The terms are those of /filter, and count for all connections. An unreleased frame is sent on after 60 seconds.
    """
    if terms:
        await context.proxy.hold("" if terms == "off" else terms)
    now = context.proxy.terms[0]
    hint = "/edit changes it, /release sends it on, /hold off ends it" if now else "/hold > response.create"
    return Notice(f"held: {now}" if now else "nothing is held", hint=hint)


@command("drop", topic="proxy")
async def drop(context: Context, terms: Annotated[str, FilterTerms()] = "") -> Views:
    """Show or choose which frames are dropped: < *.delta; off drops none. The terms are those of /filter."""
    if terms:
        await context.proxy.drop("" if terms == "off" else terms)
    now = context.proxy.terms[1]
    return Notice(f"dropped: {now}" if now else "nothing is dropped", hint="/drop off ends it" if now else "")


@command("edit", topic="proxy")
async def edit(context: Context, event: RemainingText = "") -> Views:
    """Change the frame that is held, in your editor or to the JSON given; /release sends it then."""
    direction, text = await context.proxy.held()
    changed = None
    try:
        changed = event or await _edited(context, text)
    finally:
        # In any case: the frame waits without a time limit until this is called.
        await context.proxy.change(direction, changed)
    if changed is None:
        return Notice("nothing was changed", hint="/release sends the frame on")
    return Notice(f"[{context.proxy.number}] the held frame was changed", hint="/release sends it on", level=Level.OK)


async def _edited(context: Context, text: str) -> str | None:
    if context.edit is None:
        raise UsageError("an editor needs a terminal", hint='/edit {"type": ...} gives the whole frame')
    event = decode(text)
    shown = text if isinstance(event, Malformed) else json.dumps(event, indent=2, ensure_ascii=False)
    changed = await context.edit(shown)
    if changed is None or changed.strip() == shown.strip():
        return None
    found = decode(changed)
    # in one line, as it came; other text is sent as it stands, which may be the point of it
    return changed if isinstance(found, Malformed) else json.dumps(found, ensure_ascii=False, separators=(",", ":"))


@command("release", topic="proxy")
async def release(context: Context) -> Views:
    """Send on the frame that is held; the next one that /hold matches is held again."""
    count = await context.proxy.release()
    if not count:
        raise UsageError(f"nothing is held on connection {context.proxy.number}", hint="/connections shows what is")
    return Notice(f"[{context.proxy.number}] {counted(count, 'frame')} released", level=Level.OK)


@command("close", topic="proxy", exact=True)
async def close(context: Context, code: int = 1000) -> Views:
    """Close the connection on both sides, with a close code: /close 1011"""
    await context.proxy.close(code)
    return Notice(f"[{context.proxy.number}] closed with {code}", level=Level.OK)
