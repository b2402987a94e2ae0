"""What a command line can refer to, as it stood at one moment: taken on the loop, at a cost that does not grow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rtcli.protocol.history import History
from rtcli.protocol.items import Item
from rtcli.protocol.record import Frame
from rtcli.protocol.session_kind import SessionKind

if TYPE_CHECKING:
    from rtcli.commands.context import Context
    from rtcli.commands.registry import Command
    from rtcli.session.tool_calls import OpenCall

_ITEMS, _FRAMES = 200, 50  # more would be a menu that nobody scrolls


@dataclass(frozen=True, slots=True)
class Known:
    """`history` is there to parse a line, on the loop; all else may be read in any thread, to suggest how one goes on.

    `items` are the newest ones of the conversation with their numbers in /history, the newest first; `frames` and
    `turns` (number, and what was said) the newest ones, oldest first.
    """

    session: Mapping[str, Any] | None = None
    calls: tuple[OpenCall, ...] = ()
    kind: SessionKind = SessionKind.REALTIME
    history: History = field(default_factory=History)
    items: tuple[tuple[int, Item], ...] = ()
    frames: tuple[Frame, ...] = ()
    turns: tuple[tuple[int, str], ...] = ()
    commands: Iterable[Command] = ()

    @classmethod
    def to_parse(cls, context: Context) -> Known:
        """What an argument's meaning depends on: nothing is taken of the session that is not asked for."""
        state, live = context.state, context.live
        if live is None:  # a recording has no call to answer
            return cls(state.session, history=state.history)
        return cls(state.session, live.tools.open, live.kind, state.history)

    @classmethod
    def of(cls, context: Context) -> Known:
        """What its session knows now, to suggest it."""
        state, live = context.state, context.live
        return cls(
            state.session,
            live.tools.open if live is not None else (),
            live.kind if live is not None else SessionKind.REALTIME,
            items=tuple(state.history.newest(_ITEMS)),
            frames=tuple(state.log.records[-_FRAMES:]),
            turns=tuple((turn.number, turn.text or turn.kind.value) for turn in state.timeline.turns[-_FRAMES:]),
            commands=context.registry,
        )
