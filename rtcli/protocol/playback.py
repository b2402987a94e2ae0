"""How much audio arrived for each item, and where an interruption has to cut it.

Positions are whole milliseconds. What was heard comes from outside: a player that counts samples, or the time since the
first audio of the item. The cut is never beyond what arrived, because the server refuses that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rtcli.protocol.audio_formats import PCM16, AudioFormat

PartKey: TypeAlias = tuple[str, int]
"""An item and the index of its content part."""


def part_of(event: Mapping[str, Any]) -> PartKey:
    """The content part that an event is about; without an index its first."""
    item_id, index = event.get("item_id"), event.get("content_index")
    return item_id if isinstance(item_id, str) else "", index if isinstance(index, int) else 0


_REMEMBERED = 256  # parts; older ones are long played


@dataclass(slots=True)
class PartAudio:
    """The audio of one content part so far. `first_at` is the moment of its first audio, in seconds.

    An item of an out-of-band response is not in the conversation: it can be stopped, and the server has none to cut.
    """

    response_id: str
    first_at: float
    in_conversation: bool = True
    format: AudioFormat = PCM16
    received_bytes: int = 0  # in this format
    earlier_ms: float = 0  # in others, before the session changed it
    finished: bool = False
    cut: bool = False

    @property
    def received_ms(self) -> int:
        if not self.earlier_ms:
            return self.format.milliseconds(self.received_bytes)
        return int(self.earlier_ms + self.received_bytes * 1000 / self.format.bytes_per_second)

    def add(self, length: int, audio_format: AudioFormat) -> None:
        if audio_format is not self.format and audio_format != self.format:  # nearly always the same object
            self.earlier_ms += self.received_bytes * 1000 / self.format.bytes_per_second
            self.format, self.received_bytes = audio_format, 0
        self.received_bytes += length

    def is_all_within(self, heard_ms: float) -> bool:
        return (heard_ms - self.earlier_ms) * self.format.bytes_per_second >= self.received_bytes * 1000


@dataclass(frozen=True, slots=True)
class Truncation:
    """Where one part is cut. `audio_end_ms` is None where there is nothing to cut on the server: all of it was heard,
    it was cut before, or it is not in the conversation."""

    item_id: str
    content_index: int
    response_id: str
    received_ms: int
    heard_ms: int
    audio_end_ms: int | None


class Playback:
    """The only owner of what was received and cut."""

    def __init__(self) -> None:
        self._parts: OrderedDict[PartKey, PartAudio] = OrderedDict()
        self._arriving: PartKey | None = None

    def __repr__(self) -> str:
        arriving = f"{self._arriving[0]}[{self._arriving[1]}] arriving" if self._arriving else "nothing arriving"
        parts = ", ".join(f"{key[0]}[{key[1]}] {part.received_ms} ms" for key, part in list(self._parts.items())[-3:])
        return f"<Playback {arriving}; last: {parts or 'none'}>"

    @property
    def item_id(self) -> str | None:
        """The item whose audio is arriving, or None after an interruption and before the first audio."""
        return self._arriving[0] if self._arriving else None

    @property
    def current(self) -> tuple[str, int, int] | None:
        """item_id, content_index and the milliseconds received of the audio that is arriving."""
        return (*self._arriving, self._parts[self._arriving].received_ms) if self._arriving else None

    def received_ms(self, item_id: str, content_index: int) -> int:
        """What arrived of a part, 0 for an unknown one."""
        part = self._parts.get((item_id, content_index))
        return part.received_ms if part else 0

    def receive(
        self,
        key: PartKey,
        response_id: str,
        length: int,
        audio_format: AudioFormat,
        now: float,
        *,
        in_conversation: bool = True,
    ) -> bool:
        """`length` bytes arrived at `now`. False: the part was cut before, so they are late and count for nothing."""
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = PartAudio(response_id, now, in_conversation)
            if len(self._parts) > _REMEMBERED:
                self._parts.popitem(last=False)
        elif key != self._arriving and not part.cut:
            # Its playing goes on after what came between, from where the time so far has let it come.
            part.first_at = max(part.first_at, now - part.received_ms / 1000)
        self._arriving = key
        if part.cut:
            return False
        part.add(length, audio_format)
        return True

    def finish(self, key: PartKey) -> None:
        """response.output_audio.done: no more audio of this part."""
        part = self._parts.get(key)
        if part is not None:
            part.finished = True

    def interrupt(self, now: float, heard: Callable[[str, int], int | None] | None) -> list[Truncation]:
        """Cut everything that may still be heard, and let nothing be arriving any more.

        `heard` gives the milliseconds really played of a part, or None where it does not know. Without it, and where it
        does not know the part that is arriving, the time since the part's first audio counts. An empty list: there was
        nothing to interrupt.
        """
        if self.item_id == "":
            return []  # an item without a name cannot be named on the wire
        arriving, self._arriving = self._arriving, None
        if heard is None:
            return [self._cut(arriving, self._elapsed_ms(arriving, now))] if arriving else []
        cuts: list[Truncation] = []
        for key, part in self._parts.items():
            position = None if part.cut and key != arriving else heard(*key)
            if position is None and key != arriving:
                continue  # cut before, or played so long ago that nobody knows of it
            cut = self._cut(key, self._elapsed_ms(key, now) if position is None else position)
            if key != arriving and not cut.received_ms:
                continue  # nothing of it was there to be heard
            if cut.audio_end_ms is not None or key == arriving:
                cuts.append(cut)
        return cuts

    def _elapsed_ms(self, key: PartKey, now: float) -> float:
        return (now - self._parts[key].first_at) * 1000

    def _cut(self, key: PartKey, heard_ms: float) -> Truncation:
        part = self._parts[key]
        received, heard = part.received_ms, max(0, int(heard_ms))
        all_heard = part.finished and part.is_all_within(heard_ms)
        nowhere = part.cut or all_heard or not part.in_conversation
        part.cut = True
        return Truncation(*key, part.response_id, received, heard, None if nowhere else min(heard, received))

    def reset(self) -> None:
        """A new connection knows nothing of the old one's audio."""
        self._parts.clear()
        self._arriving = None
