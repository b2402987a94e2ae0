"""What a scenario is played on: a session, and the time that passes in it (made by rtcli.testing.build)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rtcli.commands.context import Context
from rtcli.protocol.differences import Mismatch
from rtcli.session.clocked_speaker import ClockedSpeaker
from rtcli.session.session import RealtimeSession
from rtcli.timeline.diff import Cost
from rtcli.timeline.turns import Turn

SceneTurns: TypeAlias = Sequence[Turn]

LINGER_SECONDS = 0.3
"""How long nothing may come before what is still missing will not come any more."""

LINGER_AFTER_SPEECH_SECONDS = 1.0
"""The same after audio: turn detection takes its time."""

_LINGER_RECORDED_SECONDS = 0.05  # a recording waits for nobody: only our own tasks can still be under way


async def _ready() -> None:
    """Nothing has to be loaded."""


@dataclass(slots=True)
class Stage:
    """A session that was not started yet, for one run.

    `sleep` waits in the session's time, which runs as fast as the run is paced. `ready` is awaited before audio is
    played: the server of a run may have to load engines. A `recording` that is played in the server's place says with
    `waits` that nothing more will come until the client does something, and with `mismatch` how the client deviates.
    """

    session: RealtimeSession
    context: Context
    speaker: ClockedSpeaker
    cost: Cost
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ready: Callable[[], Awaitable[object]] = _ready
    waits: Callable[[], bool] | None = None
    mismatch: Callable[[], Mismatch | None] = lambda: None

    @property
    def turns(self) -> SceneTurns:
        """The turns in which something was asked for."""
        return [turn for turn in self.session.state.timeline.turns if turn.responses or turn.failed]

    @property
    def is_stuck(self) -> bool:
        """What plays waits for the client, which does nothing."""
        waits = self.waits is not None and self.waits()
        # A tool that still runs, or bytes that are still to be sent, will move the recording on.
        return waits and not self.session.tools.running and not self.session.transport.outbox_bytes

    def linger(self, *, spoken: bool) -> float:
        """Seconds of real time without an event until nothing more is waited for."""
        if self.is_stuck:
            return _LINGER_RECORDED_SECONDS
        return LINGER_AFTER_SPEECH_SECONDS if spoken else LINGER_SECONDS
