"""What a session waits for at this moment, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rtcli.views import Wait


class Waits:
    """The waits that are open; `now` gives seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: dict[object, tuple[str, float]] = {}

    def __repr__(self) -> str:
        return f"<Waits: {', '.join(wait.what for wait in self.current) or 'none'}>"

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Inside, this is waited for."""
        key = object()
        self._open[key] = (what, self._now())
        try:
            yield
        finally:
            del self._open[key]

    @property
    def current(self) -> tuple[Wait, ...]:
        """Those that are open, the newest last."""
        now = self._now()
        return tuple(Wait(what, max(now - since, 0)) for what, since in self._open.values())
