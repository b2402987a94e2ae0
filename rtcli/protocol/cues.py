"""What an event of ours had waited for when it was recorded: it is sent again when that is there again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rtcli.protocol.dialects import Dialect
from rtcli.protocol.play_ids import ids_in


@dataclass(frozen=True, slots=True)
class Cue:
    """So many responses had begun and ended, so many deltas of the newest had come; and the ids that the server made.

    `ids` has for each recorded one its kind ("response", "item", "call") and its place among those of that kind.
    """

    begun: int = 0
    ended: int = 0
    deltas: int = 0
    ids: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As a line has it, what is nothing left out."""
        counts = {"begun": self.begun, "ended": self.ended, "deltas": self.deltas}
        found: dict[str, Any] = {name: count for name, count in counts.items() if count}
        return {**found, "ids": {name: list(place) for name, place in self.ids.items()}} if self.ids else found

    @classmethod
    def of(cls, value: object) -> Cue | None:
        """The cue of a line; None where it is none."""
        if not isinstance(value, Mapping):
            return None
        begun, ended, deltas = (value.get(name, 0) for name in ("begun", "ended", "deltas"))
        ids = value.get("ids", {})
        if not all(type(count) is int and count >= 0 for count in (begun, ended, deltas)) or not isinstance(ids, dict):
            return None
        places = {name: tuple(place) for name, place in ids.items() if isinstance(place, list) and len(place) == 2}
        return cls(begun, ended, deltas, places)


class Cues:
    """Fed with both directions of one connection: when it is recorded, and when it is played again."""

    def __init__(self) -> None:
        self._dialect = Dialect()
        self._begun = self._ended = 0
        self._deltas: list[int] = []  # of each response, in the order in which they began
        self._made: dict[str, list[str]] = {"response": [], "item": [], "call": []}  # by the server
        self._places: dict[str, tuple[str, int]] = {}
        self._ours: set[str] = set()  # ids that the client made

    def __repr__(self) -> str:
        return f"<Cues: {self._begun} responses begun, {self._ended} ended>"

    def sent(self, event: Mapping[str, Any]) -> Cue:
        """We send an event now: what came before it."""
        named = ids_in(event)
        ids = {name: place for name in named if (place := self._places.get(name))}
        # An id that we chose is sent as it is; one of the server's has another name in the next session.
        self._ours |= named - ids.keys()
        return Cue(self._begun, self._ended, self._deltas[-1] if self._deltas else 0, ids)

    def received(self, event: Mapping[str, Any]) -> None:
        """The server sent an event."""
        if not isinstance(event.get("type"), str):
            return
        # By GA's names, so that a recording of one server can be sent to another.
        for one in self._dialect.read(dict(event)) or (event,):
            kind = one["type"]
            if kind == "response.created":
                self._begun += 1
                self._deltas.append(0)
            elif kind == "response.done":
                self._ended += 1
            elif kind.endswith(".delta") and self._deltas:
                self._deltas[-1] += 1
            self._note(one)

    def _note(self, event: Mapping[str, Any]) -> None:
        response, item = event.get("response"), event.get("item")
        if isinstance(response, Mapping):
            self._make("response", response.get("id"))
        if isinstance(item, Mapping):
            self._make("item", item.get("id"))
            self._make("call", item.get("call_id"))
        self._make("item", event.get("item_id"))

    def _make(self, kind: str, name: object) -> None:
        if isinstance(name, str) and name and name not in self._ours and name not in self._places:
            self._places[name] = (kind, len(self._made[kind]))
            self._made[kind].append(name)

    def met(self, cue: Cue) -> bool:
        """All that an event waited for is there; a response that has ended brings no more of itself."""
        if self._begun < cue.begun or self._ended < cue.ended:
            return False
        if any(self._id(place) is None for place in cue.ids.values()):
            return False
        behind = self._begun > cue.begun or self._ended >= self._begun
        return behind or not self._deltas or self._deltas[-1] >= cue.deltas

    def named(self, text: str, cue: Cue) -> str:
        """The text of an event with the ids that the server has made this time."""
        for name, place in cue.ids.items():
            # In the text, not in the parsed event: what is sent again should be the same to the letter.
            text = text.replace(f'"{name}"', f'"{self._id(place) or name}"')
        return text

    def _id(self, place: tuple[str, int]) -> str | None:
        kind, index = place
        made = self._made.get(kind, [])
        return made[index] if isinstance(index, int) and 0 <= index < len(made) else None
