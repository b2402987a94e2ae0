"""Events that a person wrote: checked for what every event needs, warned about, and sent as they are."""

from __future__ import annotations

from rtcli.commands.context import Context
from rtcli.commands.json_text import parse_events
from rtcli.errors import UsageError
from rtcli.protocol.catalog import check_client_event
from rtcli.views import Level, Notice, View


def send_events(text: str, context: Context, *, raw: bool = False) -> list[View]:
    """Send the events of a text in their order; a warning for whatever looks wrong with one.

    `raw` passes by the sequencer. Raises UsageError, before anything is sent, for a text that holds no events.
    """
    events = parse_events(text)
    if any(not isinstance(event.get("type"), str) for event in events):
        raise UsageError("an event needs a type", hint='for example {"type": "response.create"}')
    views: list[View] = []
    for event in events:
        views += [Notice(finding, level=Level.WARNING) for finding in check_client_event(event)]
        context.session.send(event, raw=raw)
    return views
