"""Events that a user wrote: checked for what every event needs, warned about, and sent as they stand."""

from __future__ import annotations

from rtcli.commands.context import Context
from rtcli.protocol.catalog import check_client_event
from rtcli.protocol.ndjson import parse_events
from rtcli.views import Level, Notice, View


def send_events(text: str, context: Context, *, raw: bool = False, file: str = "") -> list[View]:
    """Send the events of a text in their order; a warning for whatever looks wrong with one.

    `raw` bypasses the sequencer, which keeps a response.create back while a response runs. `file` is where the text
    comes from, "" for the prompt. Raises InputError, before anything is sent, for a text that is not events.
    """
    # all of them before the first is sent
    events = parse_events(text, file)
    views: list[View] = []
    kind = context.session.kind
    for event in events:
        views += [Notice(finding, level=Level.WARNING) for finding in check_client_event(event.value, kind)]
        if not context.session.talk.send(event.text, raw=raw):
            views.append(
                Notice(
                    f"queued: a response is in progress; {event.value['type']} follows it",
                    hint="/send --raw sends at once",
                )
            )
    return views
