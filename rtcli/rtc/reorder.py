"""Packets of a stream in the order of their numbers; a gap is given up soon: audio that is late is of no use."""

from __future__ import annotations

from typing import Generic, TypeVar

P = TypeVar("P")

_MAX_HELD = 3  # packets of 20 ms: a later one that is still missing would be heard as a gap in any case
_RESTART = 100  # packets behind: another stream than a late packet of this one
_NUMBERS = 1 << 16


class Reorder(Generic[P]):
    """RTP's 16-bit sequence numbers in, packets in order out, at once where nothing is missing.

    `missing` counts the numbers that were given up, `late` the packets that came after that, or twice.
    """

    def __init__(self) -> None:
        self.missing = self.late = 0
        self._next: int | None = None  # the number that is waited for
        self._held: dict[int, P] = {}  # later ones

    def push(self, number: int, packet: P) -> list[P]:
        """The packets that are due after this one."""
        if self._next is None:
            self._next = number
        behind = (self._next - number) % _NUMBERS
        if 0 < behind < _RESTART or number in self._held:
            self.late += 1
            return []
        if _RESTART <= behind < _NUMBERS // 2:
            self._held, self._next = {}, number
        self._held[number] = packet
        due = self._in_a_row()
        while len(self._held) > _MAX_HELD:
            self.missing += 1 + self._give_up_gap()
            due += self._in_a_row()
        return due

    def _in_a_row(self) -> list[P]:
        due = []
        while self._next is not None and self._next in self._held:
            due.append(self._held.pop(self._next))
            self._next = (self._next + 1) % _NUMBERS
        return due

    def _give_up_gap(self) -> int:
        """Wait for the first one that is held; how many numbers lie between."""
        expected = self._next or 0
        distance = min((number - expected) % _NUMBERS for number in self._held)
        self._next = (expected + distance) % _NUMBERS
        return distance - 1
