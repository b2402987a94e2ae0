"""What the relay tells, from its own thread to another one: a queue that never waits and never grows without bound."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from rtcli.protocol.record import DECIMALS, Connected, Connection, Direction, Http, Mark, Record
from rtcli.proxy.link import ProxyLink, clock
from rtcli.proxy.message import Message

MAX_WAITING = 16 * 2**20
"""Bytes that may wait to be recorded and shown; the oldest messages are left out beyond it."""

_OVERHEAD = 200  # what a message counts beside its bytes

Note: TypeAlias = tuple[ProxyLink | None, Direction | None, Message | Record, float]
"""The connection, and a message with its direction and the moment it went; or a record of another kind."""

Tell: TypeAlias = Callable[[ProxyLink | None, str, str], None]
"""Called on the relay's thread with something for the user to see at once: what, and a hint."""


class Tap:
    """The log of a proxy. One thread adds, one takes."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.began = clock()
        self._notes: deque[Note] = deque()
        self._kept: deque[Note] = deque()  # older than those, and no messages: nothing of them is left out
        # each counter has one thread that changes it
        self._posted = self._left_out = self._taken = 0  # bytes
        self.left_out = 0  # messages

    @property
    def waiting(self) -> int:
        """Bytes that were not taken yet."""
        return self._posted - self._left_out - self._taken

    # the relay's thread -----------------------------------------------------------------------------------------------

    def passed(self, link: ProxyLink, direction: Direction, message: Message, out: float) -> None:
        """A message went."""
        self._notes.append((link, direction, message, out))
        self._posted += len(message.data) + _OVERHEAD
        while self._posted - self._left_out - self._taken > MAX_WAITING and self._leave_out():
            pass

    def _leave_out(self) -> bool:
        """Drop the oldest; False where another thread has just taken it."""
        try:
            note = self._notes.popleft()
        except IndexError:
            return False
        if isinstance(message := note[2], Message):
            self._left_out += len(message.data) + _OVERHEAD
            self.left_out += 1
        else:
            self._kept.append(note)
        return True

    def opened(self, link: ProxyLink) -> None:
        """A connection stands."""
        self._add(link, Connection(0.0, Connected.OPEN, link.url))
        self._tell(link, f"{link.app or 'an app'} connected from {link.address}, {link.model or 'no model named'}", "")

    def closed(self, link: ProxyLink) -> None:
        """Both of its sides are gone."""
        close, at = link.close, _since(link)
        lost = close is None or close.lost
        code = None if close is None or lost else close.code or 1005
        reason = close.reason if close is not None else ""
        self._add(link, Connection(at, Connected.LOST if lost else Connected.CLOSED, code=code, reason=reason))

    def tell(self, link: ProxyLink | None, what: str, hint: str = "") -> None:
        """Something for the user."""
        self._tell(link, what, hint)

    def note(self, link: ProxyLink, text: str) -> None:
        """Something between the messages."""
        self._add(link, Mark(_since(link), text))

    def requested(self, method: str, path: str, status: int | None, app: str, problem: str) -> None:
        """An HTTP request."""
        self._add(None, Http(round(clock() - self.began, DECIMALS), method, path, status))
        said = problem or (f"HTTP {status}" if status is not None else "no answer")
        self._tell(None, f"{app or 'an app'}: {method} {path}: {said}", "")

    def _add(self, link: ProxyLink | None, record: Record) -> None:
        self._notes.append((link, None, record, 0.0))

    # the other thread -------------------------------------------------------------------------------------------------

    def take(self, limit: int) -> list[Note]:
        """So many of the oldest notes, at most; they do not wait any more."""
        taken: list[Note] = []
        for queue in (self._kept, self._notes):
            while queue and len(taken) < limit:
                try:
                    taken.append(queue.popleft())
                except IndexError:  # it was left out meanwhile
                    break
        self._taken += sum(len(note[2].data) + _OVERHEAD for note in taken if isinstance(note[2], Message))
        return taken


def _since(link: ProxyLink) -> float:
    return round(clock() - link.began, DECIMALS)
