"""The sessions of one server: how each is made, and which of them run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from rtcli.protocol.events import WireObject
from rtcli.rtc.playout import Playout
from rtcli.server.ids import new_id
from rtcli.server.replies.base import ReplyEngine
from rtcli.server.runtime.client_connection import ClientConnection
from rtcli.server.runtime.engine_pool import EnginePool
from rtcli.server.runtime.live_session import LiveSession
from rtcli.server.session.core import ServerCore
from rtcli.server.session.state import realtime_session, transcription_session
from rtcli.server.session.translation import TranslationCore, translation_session
from rtcli.server.session.turn_detection import TurnDetection


class Sessions:
    """Makes sessions; those that run are found by their id, or by that of their call."""

    def __init__(self, pool: EnginePool, engine: ReplyEngine, *, pace: float, expires_after: float) -> None:
        self._pool = pool
        self._engine = engine
        self._pace = pace
        self._expires_after = expires_after
        self._running: dict[str, LiveSession] = {}  # by id

    def __iter__(self) -> Iterator[LiveSession]:
        """Those that run, in the order in which they were opened."""
        return iter(tuple(self._running.values()))

    @property
    def names(self) -> set[str]:
        """Every id by which one can be joined: `sess_abc` is the call `rtc_abc`."""
        return {*self._running, *map(call_id_of, self._running)}

    def find(self, call_id: str) -> LiveSession | None:
        """The session that runs as this call; its own id does as well."""
        return self._running.get(f"sess_{call_id.partition('_')[2]}")

    def detection(self, session_id: str) -> TurnDetection | None:
        """What follows the audio of the session with this id; None: nothing, or it does not run."""
        session = self._running.get(session_id)
        return session.core.input.turns if session is not None and isinstance(session.core, ServerCore) else None

    def make(
        self,
        kind: str,
        model: str = "",
        session: WireObject | None = None,
        *,
        session_id: str | None = None,
        playout: Playout | None = None,
    ) -> LiveSession:
        """A session that does not run yet: as `session` has configured it, else as its kind begins.

        With a `playout` it is a call: what it says goes there.
        """
        session_id = session_id or new_id("sess")
        config = session or _SESSIONS[kind](model)
        config = {**config, "id": session_id, "expires_at": int(time.time() + self._expires_after)}
        if kind == "translation":
            core: ServerCore | TranslationCore = TranslationCore(config, lambda: self._pool.loaded.detector)
        else:
            # at the first audio the engines are loaded: the session waits for them before it feeds the core
            core = ServerCore(config, lambda: self._pool.loaded.detector, playout=playout)
        return LiveSession(core, self._pool, self._engine, pace=self._pace)

    async def run(self, session: LiveSession, client: ClientConnection) -> None:
        """Serve the client that opened it to the end; meanwhile others may join."""
        self._running[session.id] = session
        try:
            await session.run(client, self._expires_after)
        finally:
            del self._running[session.id]


_SESSIONS: Mapping[str, Callable[[str], WireObject]] = {
    "realtime": lambda model: realtime_session("", model),
    "transcription": lambda model: transcription_session(""),
    "translation": lambda model: translation_session("", model),
}
"""What each kind of session begins as, by its model."""


def call_id_of(session_id: str) -> str:
    """The call id of a session of this server: `sess_abc` is the call `rtc_abc`."""
    return f"rtc_{session_id.partition('_')[2]}"
