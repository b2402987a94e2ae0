"""The writer's interface: what implements it is the only one that writes to the terminal."""

from __future__ import annotations

from typing import Protocol

from rtcli.views import View


class Writer(Protocol):
    """Shows views in the order in which they come."""

    def write(self, view: View) -> None:
        """Show a view, now or soon. Never raises because of what is in it."""

    def flush(self) -> None:
        """Bring out what is waiting."""

    def close(self) -> None:
        """Finish what is open and give the terminal back. May be called twice."""
