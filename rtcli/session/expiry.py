"""Says in time that a session will end: the server gives the moment, and cuts the conversation off then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from rtcli.views import Level, Notice

WARN_AT = (300, 60)
"""Seconds before the end at which the user is warned."""


class Expiry:
    """One timer for the next warning.

    `wall` is the time of day in seconds, as the server's `expires_at`, and asked when that comes. From then on `clock`
    counts, monotonic seconds: a day's time that is set anew does not make a session end earlier or later.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        show: Callable[[Notice], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._clock = clock
        self._ends = 0.0  # on that clock, where `_at` is known
        self._show = show
        self._at: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def remaining(self) -> float | None:
        """Seconds until the session ends; None where the server has not said."""
        return None if self._at is None else self._ends - self._clock()

    def learn(self, expires_at: object) -> None:
        """What a session.created or session.updated says; a session that ends soon is warned of at once."""
        at = float(expires_at) if isinstance(expires_at, int | float) and expires_at else None
        if at == self._at:
            return
        self.forget()
        self._at = at
        if at is not None:
            self._ends = self._clock() + at - self._wall()
        remaining = self.remaining
        if remaining is not None and 0 < remaining <= WARN_AT[0]:
            self._warn()
        else:
            self._arm()

    def forget(self) -> None:
        """The session is gone."""
        self._at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        remaining = self.remaining
        due = next((moment for moment in WARN_AT if remaining is not None and moment < remaining), None)
        if remaining is not None and due is not None:
            self._timer = asyncio.get_running_loop().call_later(remaining - due, self._warn)

    def _warn(self) -> None:
        remaining = self.remaining or 0
        left = f"{remaining / 60:.0f} min" if remaining >= 100 else f"{remaining:.0f} s"
        hint = "/reconnect starts another and keeps settings and text"
        self._show(Notice(f"the session ends in {left}", hint=hint, level=Level.WARNING))
        self._arm()
