"""What a client core does for one type of server event: looked up at once, for it is asked for every event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from rtcli.protocol.events import Event
from rtcli.protocol.translate import TRANSLATORS, Translated


class Route(NamedTuple):
    """The steps in their order; `translator` stands for what everybody hears of the event."""

    before: Callable[[Any, Event], Any] | None = None
    translator: Callable[[Event], Translated] | None = None
    after: Callable[[Any, Event], None] | None = None
    reaction: Callable[..., Any] | None = None


Routes: TypeAlias = Mapping[str, Route]
NOWHERE = Route()
"""The route of a type that means nothing to us."""


def routes(
    before: Mapping[str, Callable[[Any, Event], Any]],
    after: Mapping[str, Callable[[Any, Event], None]],
    reactions: Mapping[str, Callable[..., Any]],
) -> Routes:
    """By the type of the event."""
    return {
        kind: Route(before.get(kind), TRANSLATORS.get(kind), after.get(kind), reactions.get(kind))
        for kind in {*before, *TRANSLATORS, *after, *reactions}
    }
