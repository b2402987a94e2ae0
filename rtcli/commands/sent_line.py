"""The short line for what a command has sent, where the event view does not show it anyway."""

from __future__ import annotations

from collections.abc import Sequence

from rtcli.commands.context import Context
from rtcli.protocol.filters import type_of
from rtcli.protocol.record import Frame
from rtcli.views import Notice, View

_APPEND = "input_audio_buffer.append"
_MAX_NAMED = 3


def sent_line(context: Context, since: int) -> list[View]:
    """The events that went out after frame `since`; nothing where they have rows of their own."""
    if context.live is None or context.display.events != "off":
        return []
    # Audio of the microphone goes out at the same time, and is nothing that the command has sent.
    frames = [frame for frame in context.live.state.log.sent_since(since) if not type_of(frame).endswith(_APPEND)]
    return [Notice(f"-> {_named(frames)}")] if frames else []


def _named(frames: Sequence[Frame]) -> str:
    if len(frames) > _MAX_NAMED:
        return f"#{frames[0].number} to #{frames[-1].number}, {len(frames)} events"
    return ", ".join(f"#{frame.number} {type_of(frame) or 'not an event'}" for frame in frames)
