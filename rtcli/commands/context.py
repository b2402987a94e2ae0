"""What a command works with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rtcli.views import DisplaySettings

if TYPE_CHECKING:
    from rtcli.commands.registry import Registry
    from rtcli.session.session import RealtimeSession
    from rtcli.session.state import SessionState


@dataclass(slots=True)
class Context:
    """A session, what the user wants to see of it, and the commands there are.

    `edit` opens text in the user's editor and returns what it became (None: unchanged); without one there is no
    terminal to edit in. `prices` are the settings' own.
    """

    session: RealtimeSession
    display: DisplaySettings
    registry: Registry
    edit: Callable[[str], Awaitable[str | None]] | None = None
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def state(self) -> SessionState:
        """What commands look at."""
        return self.session.state
