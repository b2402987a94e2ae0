"""What commands ask of a proxy: its connections, one of which is looked at, and what can be done to what passes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from rtcli.protocol.record import Direction
from rtcli.session.state import SessionState
from rtcli.views import ProxiedConnection, SessionStatus


class Proxied(Protocol):
    """A running proxy. What is done happens on the relay's own thread, and is awaited."""

    @property
    def connections(self) -> Sequence[ProxiedConnection]:
        """All that are open, and the last of those that are over."""

    @property
    def number(self) -> int:
        """Of the connection that is used: the one that was chosen, else the newest; 0: there was none yet."""

    @property
    def state(self) -> SessionState:
        """What is known of the session of that connection."""

    @property
    def status(self) -> SessionStatus:
        """The same for a toolbar."""

    @property
    def now(self) -> float | None:
        """Seconds since it was opened; None: it is over."""

    @property
    def started(self) -> datetime | None:
        """When it was opened."""

    @property
    def recording(self) -> Path | None:
        """Where it is recorded."""

    @property
    def terms(self) -> tuple[str, str]:
        """What is held and what is dropped, "" for nothing."""

    def looking(self) -> AbstractContextManager[None]:
        """Meanwhile the state holds still and knows what has passed."""

    def glancing(self) -> AbstractContextManager[bool]:
        """The same without waiting; False: it cannot be looked at in this moment."""

    def use(self, number: int) -> ProxiedConnection:
        """Choose a connection; 0: always the newest. Raises UsageError."""

    async def inject(self, direction: Direction, text: str) -> None:
        """Send a message to the endpoint (SENT) or to the app (RECEIVED). Raises UsageError."""

    async def hold(self, terms: str) -> None:
        """Hold the frames of all connections that these terms match, "" none. Raises UsageError."""

    async def drop(self, terms: str) -> None:
        """Drop them. Raises UsageError."""

    async def held(self) -> tuple[Direction, str]:
        """The frame that is held, which waits from now on until it is changed. Raises UsageError."""

    async def change(self, direction: Direction, text: str | None) -> None:
        """Give the held frame another text (None: its own). Raises UsageError where it is not held any more."""

    async def release(self) -> int:
        """Let go what is held on the connection that is used; how many frames that were."""

    async def close(self, code: int) -> None:
        """Close both sides with this code. Raises UsageError."""
