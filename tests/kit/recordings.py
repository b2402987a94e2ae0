"""Recordings that tests make, and what of them has to be the same when a session is played again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rtcli.protocol.client import RETRIEVE_ONLY
from rtcli.protocol.play_input import InputMeter
from rtcli.protocol.record import Direction, Frame, Record
from rtcli.recording.reader import open_recording

_TIMES = frozenset({"event_id", "audio_end_ms", "expires_at", "created_at"})
_IDS = frozenset({"id", "item_id", "previous_item_id", "response_id", "call_id", "conversation_id"})


def records_of(path: Path | str) -> list[Record]:
    """Every record of a file that was read without a note."""
    with open_recording(str(path)) as reader:
        records = list(reader)
        assert reader.notes == ()
    return records


def only_recording(folder: Path) -> Path:
    """The one recording in a folder."""
    (path,) = folder.glob("*.ndjson")
    return path


class _Names:
    """Gives ids names in the order in which they are seen, so that those of two sessions compare."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def without(self, value: Any, key: str = "") -> Any:
        if isinstance(value, str) and key in _IDS:
            return self._names.setdefault(value, f"{key} {len(self._names)}")
        if isinstance(value, dict):
            return {name: self.without(inner, name) for name, inner in value.items() if name not in _TIMES}
        return [self.without(inner, key) for inner in value] if isinstance(value, list) else value


def story(records: Iterable[Record], direction: str, *, retrieves: bool = True) -> list[Any]:
    """What crossed in one direction, without ids and times; the client's audio is counted, in milliseconds.

    Ids are named after both directions, so a client that answers with another id tells another story.
    """
    names, audio, told = _Names(), InputMeter(), []
    for frame in (record for record in records if isinstance(record, Frame)):
        assert frame.event is not None
        event, kind = names.without(dict(frame.event)), frame.event["type"]
        if frame.direction is Direction.SENT and audio.sent(dict(frame.event)) is not None:
            continue
        if not retrieves and kind in ("conversation.item.retrieve", "conversation.item.retrieved"):
            continue
        if frame.direction == direction:
            told.append(event)
    return [*told, round(audio.total_ms)]


def causes(records: Iterable[Record]) -> int:
    """How many frames of the server make a client retrieve an item."""
    return sum(isinstance(r, Frame) and r.event is not None and r.event["type"] in RETRIEVE_ONLY for r in records)
