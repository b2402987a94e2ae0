"""The tracks of a trace, each with as many lanes as it takes for slices to nest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_LANES = 1000  # of a track, at most


class Lanes:
    """Gives each slice a thread. On one lane a slice lies within another or behind it: one that does neither gets a
    lane of its own."""

    def __init__(self, tracks: Sequence[str]) -> None:
        self._tracks = tracks
        self._open: dict[str, list[list[int]]] = {}  # for each lane of a track the ends of its slices that are open

    def __repr__(self) -> str:
        return f"<Lanes: {sum(map(len, self._open.values()))} of {len(self._tracks)} tracks>"

    def thread(self, track: str, start: int, end: int) -> int:
        """The thread on which a slice fits; slices come in the order of their beginnings, longer ones first."""
        lanes = self._open.setdefault(track, [])
        lane = next((lane for lane, ends in enumerate(lanes) if _fits(ends, start, end)), len(lanes))
        if lane == len(lanes):
            lanes.append([])
        lanes[lane].append(end)
        return self.number(track, lane)

    def number(self, track: str, lane: int = 0) -> int:
        """The thread of a lane: the tracks in their order, the lanes of each behind each other."""
        # Perfetto sorts threads by number: this keeps the lanes of a track below each other. 0 is not a thread.
        return (self._tracks.index(track) + 1) * _LANES + lane

    def names(self) -> Iterator[tuple[int, str]]:
        """Every thread with its name."""
        for track in self._tracks:
            for lane in range(len(self._open.get(track, [[]]))):
                yield self.number(track, lane), f"{track} {lane + 1}" if lane else track


def _fits(ends: list[int], start: int, end: int) -> bool:
    """Whether a slice lies behind or within those that are open; those that are over by its start are let go."""
    # The list is a stack of slices within each other, so only its end has to be looked at.
    while ends and ends[-1] <= start:
        ends.pop()
    return not ends or end <= ends[-1]
