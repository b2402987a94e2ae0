"""Settings: what was asked of the session, what the server confirmed, and what it refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.errors import ServerError
from rtcli.protocol.events import mapping_of
from rtcli.protocol.record import Frame
from rtcli.protocol.session_kind import SessionKind
from rtcli.session import setting_paths as paths
from rtcli.session.link import Link
from rtcli.session.setting_paths import MISSING, Difference

_SAY_THE_SESSION = ("session.created", "session.updated")


class SessionSettings:
    """The settings of a session, across its connections."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._refused: dict[str, Difference] = {}  # by path: what the next connection is not asked for

    @property
    def confirmed(self) -> Mapping[str, Any]:
        """The session as the server confirmed it last; empty without one."""
        return self._link.transport.session or {}

    @property
    def requested(self) -> Mapping[str, Any]:
        """What was asked for so far, in the wire's shape, without defaults."""
        return self._link.transport.requested_session

    @property
    def asked(self) -> Mapping[str, Any]:
        """What went out on this connection, also what rtcli asked for by itself."""
        return self._link.state.asked

    def differences(self) -> list[Difference]:
        """Where the server's session is not what was asked for."""
        return paths.diff(self.asked, self.confirmed)

    async def set(self, path: str, value: Any) -> list[Difference]:
        """Set one path of the session; what the server made of it differently. Raises UsageError or ServerError."""
        return await self.update(paths.update_for(path, value, session=self.confirmed))

    async def update(self, changes: Mapping[str, Any]) -> list[Difference]:
        """Send changes, and nothing else, and wait for the server's word; returns like `set`."""
        await self._ask(changes)
        return paths.diff(changes, self.confirmed)

    async def replace(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Like `update`; the session as the server said it last before it took these, empty where it had said none."""
        reply = await self._ask(changes)
        for frame in reversed(self._link.state.log.since(0)):
            if frame.number < reply.number and frame.event and frame.event.get("type") in _SAY_THE_SESSION:
                return mapping_of(frame.event.get("session"))
        return {}

    async def _ask(self, changes: Mapping[str, Any]) -> Frame:
        # The sessions of translations and of GPT-Live have no type.
        typed = self._link.kind in (SessionKind.REALTIME, SessionKind.TRANSCRIPTION)
        kind = {"type": self.confirmed.get("type", str(self._link.kind))} if typed else {}
        try:
            reply = await self._link.ask("session.update", session={**kind, **changes})
        except ServerError:
            refused = paths.diff(changes, self.confirmed)
            self._refused.update((difference.path, difference) for difference in refused)
            raise
        for path, _ in paths.flatten(changes):
            self._refused.pop(path, None)  # what is accepted now can be asked for again
        return reply

    def for_another_connection(self) -> dict[str, Any]:
        """What was asked for, without what the server refused, which would spoil a whole update again; may be empty."""
        requested = paths.restored(self.requested, self._refused)
        never_confirmed = [path for path, refused in self._refused.items() if refused.confirmed is MISSING]
        self._link.transport.forget_settings(never_confirmed)
        return requested
