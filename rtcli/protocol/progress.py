"""Which events of a server move what is waited for on, and which only show that the server lives."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from rtcli.protocol.catalog import event_types
from rtcli.protocol.record import Direction
from rtcli.protocol.remember import remember

_FAMILIES = ("response.", "conversation.item.", "input_audio_buffer.", "output_audio_buffer.", "mcp_list_tools.")
_STREAMS = ("session.input_transcript.delta", "session.output_transcript.delta", "session.output_audio.delta")

MOVING: frozenset[str] = frozenset(
    row.name for row in event_types(Direction.RECEIVED) if row.name.startswith(_FAMILIES) or row.name in _STREAMS
)
"""The types that can be progress. Heartbeats, rate limits, errors and what nobody knows are none."""

_OF_NOBODY = ("conversation.item.deleted", "conversation.item.truncated", "conversation.item.retrieved")
"""Answers: where they answer nothing of ours, another client of the call has asked."""

_PLACE = ("response_id", "item_id", "output_index", "content_index", "response", "item")
"""The fields that tell one step of a kind from another."""

_MAX_REMEMBERED = 256


class ProgressReader:
    """Tells progress from noise. It holds what has been told, because a step that comes twice is no second step."""

    def __init__(self) -> None:
        self._told: dict[Hashable, None] = {}

    def moves(self, event: Mapping[str, Any], *, answers: bool) -> bool:
        """Whether an event, under GA's names, is progress; `answers`: it is linked to a frame before it."""
        kind = event.get("type")
        if kind not in MOVING or (kind in _OF_NOBODY and not answers):
            return False
        if "delta" in event:
            return bool(event["delta"])
        step = (kind, *(_id(event.get(name)) for name in _PLACE))
        new = step not in self._told
        remember(self._told, step, None, _MAX_REMEMBERED)
        return new


def _id(value: object) -> Hashable:
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str | int) else None
