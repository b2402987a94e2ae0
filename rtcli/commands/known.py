"""What a command line can refer to, as it stood at one moment: taken on the loop, read in any thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtcli.protocol.filters import type_of
from rtcli.protocol.session_kind import SessionKind

if TYPE_CHECKING:
    from rtcli.commands.context import Context
    from rtcli.session.tool_calls import OpenCall

_FRAMES = 50


@dataclass(frozen=True, slots=True)
class Known:
    """`items` are pairs of item_id and role (or type), oldest first; `frames` number and type of the newest ones."""

    session: Mapping[str, Any] | None = None
    items: tuple[tuple[str, str], ...] = ()
    frames: tuple[tuple[int, str], ...] = ()
    calls: tuple[OpenCall, ...] = ()
    turns: tuple[tuple[int, str], ...] = ()  # the newest: number, and what was said
    kind: SessionKind = SessionKind.REALTIME

    @classmethod
    def of(cls, context: Context) -> Known:
        """What its session knows now."""
        state = context.state
        return cls(
            state.session,
            tuple((item.item_id, getattr(item, "role", item.type)) for item in state.history),
            # more would be a menu that nobody scrolls
            tuple((frame.number, type_of(frame)) for frame in state.log.records[-_FRAMES:]),
            context.live.tools.open if context.live is not None else (),
            tuple((turn.number, turn.text or turn.kind.value) for turn in state.timeline.turns[-_FRAMES:]),
            context.live.kind if context.live is not None else SessionKind.REALTIME,
        )
