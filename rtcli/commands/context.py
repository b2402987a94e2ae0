"""What a command works with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rtcli.errors import UsageError
from rtcli.views import DisplaySettings, SessionStatus

if TYPE_CHECKING:
    from datetime import datetime

    from rtcli.commands.proxied import Proxied
    from rtcli.commands.registry import Registry
    from rtcli.session.replay import Replay
    from rtcli.session.session import RealtimeSession
    from rtcli.session.state import SessionState


_PROMPT_ROWS = 5
"""What the prompt, a line above it and a notice below a page take of a screen."""


@dataclass(slots=True)
class Context:
    """A session or the replay of one, what the user wants to see of it, and the commands there are.

    `edit` opens text in the user's editor and returns what it became (None: unchanged); without one there is no
    terminal to edit in. `prices` are the settings' own.
    """

    live: RealtimeSession | None  # None in a replay
    display: DisplaySettings  # changed by /events and /filter, read by whatever shows frames
    registry: Registry
    edit: Callable[[str], Awaitable[str | None]] | None = None  # see above
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    bounds: Mapping[str, float] = field(default_factory=dict)  # figures and their milliseconds, as settings say them
    recorded: Replay | None = None  # in place of a live session
    screen_size: Callable[[], tuple[int, int]] | None = None  # columns and rows at a prompt
    proxied: Proxied | None = None  # one connection of a proxy in place of a session
    kept_edit: str = ""  # settings that were edited and could not be applied yet

    @property
    def session(self) -> RealtimeSession:
        """The session, to do something in it. Raises UsageError where there is only a recording of one."""
        if self.proxied is not None:
            raise UsageError(
                "this is a proxy: the session is the app's",
                hint="/inject > {...} sends an event to the server, /inject < {...} one to the app",
            )
        if self.live is None:
            raise UsageError(
                "this is a recording: nothing can be sent or changed",
                hint="/show, /grep, /why, /history, /stats and /turn inspect it; /seek, /pause and /step move in it",
            )
        return self.live

    @property
    def replay(self) -> Replay:
        """The replay. Raises UsageError in a live session."""
        if self.recorded is None:
            raise UsageError(
                "this is a live session", why="it cannot be paused, stepped or sought in", hint="rtcli replay FILE can"
            )
        return self.recorded

    @property
    def proxy(self) -> Proxied:
        """The proxy. Raises UsageError in any other program."""
        if self.proxied is None:
            raise UsageError("this is not a proxy", hint="rtcli proxy")
        return self.proxied

    @property
    def _looked_at(self) -> Replay | Proxied | RealtimeSession:
        # A recording first: a replay has no session, and session raises.
        return self.recorded or self.proxied or self.session

    @property
    def status(self) -> SessionStatus:
        """The session at this moment, of the replay where that stands."""
        return self._looked_at.status

    @property
    def now(self) -> float | None:
        """The moment in the session: of its clock, or where the replay stands; None: that is over."""
        if self.recorded is not None:
            return None if self.recorded.ended else self.recorded.at
        return self.proxied.now if self.proxied is not None else self.session.now

    @property
    def screen(self) -> tuple[int, int] | None:
        """Columns and rows that a command may fill at the prompt; None: nobody looks at a screen."""
        if self.screen_size is None:
            return None
        columns, rows = self.screen_size()
        return columns - 1, rows - _PROMPT_ROWS  # terminals differ in what a full last column does

    @property
    def started(self) -> datetime | None:
        """The time of day at which the session's clock stood at 0, where that is known."""
        return self._looked_at.started

    @property
    def state(self) -> SessionState:
        """What commands look at."""
        return self._looked_at.state
