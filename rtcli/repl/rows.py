"""Rows that wait to be shown above the prompt: those of a long text are worked out when they are taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice


class RowQueue:
    """Rows in order. A text of a megabyte has ten thousand of them, and no turn of the loop makes them all."""

    def __init__(self) -> None:
        self._parts: deque[tuple[Iterator[str], int]] = deque()  # rows, and how many characters they may have
        self.size = 0  # characters that wait, about

    def __repr__(self) -> str:
        return f"<RowQueue of {len(self._parts)} views>"

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, rows: Iterable[str], size: int = 0) -> bool:
        """Add rows of about so many characters behind all others. False: there are none."""
        rest = iter(rows)
        first = next(rest, None)
        if first is None:
            return False
        self._parts.append((chain((first,), rest), size))
        self.size += size
        return True

    def take(self, most: int) -> list[str]:
        """The next rows, at most so many."""
        taken: list[str] = []
        while self._parts and len(taken) < most:
            rows, size = self._parts[0]
            taken += islice(rows, most - len(taken))
            if len(taken) < most:
                self._parts.popleft()
                self.size -= size
        return taken
