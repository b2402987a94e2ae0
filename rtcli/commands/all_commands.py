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
    proxy,
    recording,
    replay,
    session,
    timeline,
    tools,
)
from rtcli.commands.registry import Registry, collect

_THAT_LOOK = frozenset(
    (
        *("events", "filter", "last", "show", "grep", "why", "check", "history", "item", "export", "stats", "turn"),
        *("usage", "limits", "session show", "session get", "help", "status", "quit"),
    )
)


def default_registry() -> Registry:
    """The commands of the program, in the order of help."""
    return collect(
        (messages, audio, session, events, check, items, export, tools, timeline, metrics, recording, replay, app)
    )


def proxy_registry() -> Registry:
    """The commands of a proxy: those that look, and its own."""
    # A list of names, and not "all that change nothing": /play and /say change nothing here either, and need a session.
    looking = [entry for entry in default_registry() if entry.name in _THAT_LOOK]
    return Registry([*looking, *collect((proxy,))])
