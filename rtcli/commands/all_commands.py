"""The commands of the program: the one module that lists the modules which declare them."""

from __future__ import annotations

from rtcli.commands import (
    app,
    audio,
    check,
    events,
    export,
    items,
    messages,
    metrics,
    recording,
    replay,
    session,
    timeline,
    tools,
)
from rtcli.commands.registry import Registry, collect


def default_registry() -> Registry:
    """The commands of the program, in the order of help."""
    return collect(
        (messages, audio, session, events, check, items, export, tools, timeline, metrics, recording, replay, app)
    )
