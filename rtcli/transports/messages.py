"""From the frames of a WebSocket to its messages, handed on in the same turn of the loop in which they arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Take: TypeAlias = Callable[[str | bytes, bool], object]
"""Gets a message, and whether it was a binary one."""


def drop(_message: str | bytes, _binary: bool) -> None:
    """Nobody wants it any more."""


class Messages:
    """Text stays bytes: JSON is decoded from them directly, and invalid UTF-8 is one bad frame and not the end.

    What arrives before `read` is kept for it. An exception of who reads is kept as `failure`, and `end` is called.
    """

    def __init__(self, end: Callable[[], object]) -> None:
        self.failure: BaseException | None = None
        self._end = end
        self._early: list[tuple[str | bytes, bool]] = []
        self._take: Take = self._keep
        self._parts: bytearray | None = None  # of a message that is not complete
        self._binary = False  # that one

    def read(self, take: Take) -> None:
        """From now on `take` gets them, beginning with those that are there."""
        early, self._early = self._early, []
        if self._take is not drop:  # by `ignore`: closed before it was read
            self._take = take
        for message, binary in early:
            self.whole(message, binary)

    def ignore(self) -> None:
        """From now on nobody gets them."""
        self._take = drop

    def whole(self, message: str | bytes, binary: bool) -> None:
        """A message in one frame."""
        try:
            self._take(message, binary)
        except BaseException as error:  # noqa: BLE001  the reader raises it
            self._take, self.failure = drop, error
            self._end()

    def part(self, data: bytes | memoryview, *, binary: bool | None, final: bool) -> int:
        """A frame of a message in several; `binary` is None for one that goes on. The bytes of it so far.

        Raises ValueError for a frame that does not follow from the one before.
        """
        if (binary is None) != (self._parts is not None):
            raise ValueError("a message begins in the middle of another" if self._parts is not None else "no beginning")
        if self._parts is None:
            self._parts, self._binary = bytearray(), bool(binary)
        self._parts += data
        size = len(self._parts)
        if final:
            message, self._parts = bytes(self._parts), None
            self.whole(message, self._binary)
        return size

    @property
    def complete(self) -> bool:
        """Every message that has begun has also ended."""
        return self._parts is None

    def _keep(self, message: str | bytes, binary: bool) -> None:
        self._early.append((message, binary))
