"""Patience: at a prompt, where nobody counts seconds, an answer that does not come is given up after a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rtcli.session.link import ANSWER_SECONDS, Link
from rtcli.views import Level, Notice

_LOOK_SECONDS = 0.5


class Patience:
    """Looks, from `start` to `stop`, whether what was asked for still moves on.

    `limit` are the seconds in which it may not; None: any. A cancel has `ANSWER_SECONDS` to be answered. `busy` tells
    that something else goes on, a tool or audio, for which the answer waits.
    """

    def __init__(self, link: Link, give_up: Callable[[], None], busy: Callable[[], bool]) -> None:
        self.limit: float | None = None
        self._link = link
        self._give_up = give_up
        self._busy = busy
        self._looking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Patience: {self.limit} s, {'looking' if self._looking else 'not looking'}>"

    def start(self) -> None:
        """Begin to look."""
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look_on())

    async def stop(self) -> None:
        """Look no longer."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Give up what has not moved on for too long, and say so."""
        link, activity = self._link, self._link.state.activity
        if not link.connected or not link.transport.responding:
            return
        cancelled = activity.cancelled_at
        if cancelled is not None and link.now - cancelled >= ANSWER_SECONDS:
            self._end(f"the server has not answered response.cancel for {ANSWER_SECONDS:g} s")
        elif self.limit and not self._busy() and link.now - (activity.moved_at or 0) >= self.limit:
            after = f", after {activity.moved_by}" if activity.moved_by else ""
            self._end(f"no progress for {self.limit:g} s{after}", "--timeout SECONDS waits longer")

    def _end(self, why: str, hint: str = "") -> None:
        self._give_up()
        self._link.show(Notice("the response is abandoned", why, hint, Level.WARNING))
