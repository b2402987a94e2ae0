"""What a command line can refer to, as it stood at one moment: taken on the loop, read in any thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rtcli.masking import masked_start
from rtcli.protocol.filters import type_of
from rtcli.protocol.ids import ids_of
from rtcli.protocol.items import Item, MessageItem
from rtcli.protocol.session_kind import SessionKind
from rtcli.session.transfer import text_of_item

if TYPE_CHECKING:
    from rtcli.commands.context import Context
    from rtcli.session.tool_calls import OpenCall

_FRAMES = 50
_MAX_WORDS = 60  # characters


@dataclass(frozen=True, slots=True)
class Known:
    """`items` are pairs of item_id and role (or type), oldest first; `frames` number and type of the newest ones.

    `texts` are the words of items, by their ids; `ids` what the newest frames name, each with the type of the last one
    that did, newest first; `commands` names and what they do.
    """

    session: Mapping[str, Any] | None = None
    items: tuple[tuple[str, str], ...] = ()
    frames: tuple[tuple[int, str], ...] = ()
    calls: tuple[OpenCall, ...] = ()
    turns: tuple[tuple[int, str], ...] = ()  # the newest: number, and what was said
    kind: SessionKind = SessionKind.REALTIME
    texts: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[tuple[str, str], ...] = ()

    @classmethod
    def to_parse(cls, context: Context) -> Known:
        """What an argument's meaning depends on: nothing that is suggested alone, which grows with the session."""
        state, live = context.state, context.live
        items = tuple((item.item_id, getattr(item, "role", item.type)) for item in state.history)
        kind = live.kind if live is not None else SessionKind.REALTIME
        return cls(state.session, items, calls=live.tools.open if live is not None else (), kind=kind)

    @classmethod
    def of(cls, context: Context) -> Known:
        """What its session knows now."""
        state = context.state
        frames = state.log.records[-_FRAMES:]
        return cls(
            state.session,
            tuple((item.item_id, getattr(item, "role", item.type)) for item in state.history),
            # more would be a menu that nobody scrolls
            tuple((frame.number, type_of(frame)) for frame in frames),
            context.live.tools.open if context.live is not None else (),  # a recording has no call to answer
            tuple((turn.number, turn.text or turn.kind.value) for turn in state.timeline.turns[-_FRAMES:]),
            context.live.kind if context.live is not None else SessionKind.REALTIME,
            {item.item_id: _words(item) for item in state.history},
            {name: type_of(frame) for frame in reversed(frames) for name in ids_of(frame.event or {})},
            tuple((entry.name, entry.summary) for entry in context.registry),
        )


def _words(item: Item) -> str:
    """The beginning of what an item says, or the name of the function that it calls."""
    if not isinstance(item, MessageItem):
        return item.name
    return masked_start(text_of_item(item), _MAX_WORDS, "")
