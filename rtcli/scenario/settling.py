"""Waits until what the user has done is answered: the response and its tool rounds, and what a test still hopes for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.units import duration
from rtcli.scenario.facts import SceneFacts
from rtcli.scenario.judging import open_items
from rtcli.scenario.language import Expectation
from rtcli.scenario.stage import LINGER_SECONDS, Stage
from rtcli.scenario.verdict import StepProblem

_LOOK_SECONDS = 0.02
"""Nobody tells when audio has been played or a tool has ended."""

SILENCE_MS = 100
MAX_SILENCES = 100
"""Pieces of silence behind speech: semantic turn detection waits up to 8 s."""


class NotSettledError(Exception):
    """The answer was not complete in time."""

    def __init__(self, problem: StepProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Settling:
    """Waits on a stage. `moved` is set whenever something was shown; `spoken`: the user's turn was audio."""

    def __init__(self, stage: Stage, facts: SceneFacts) -> None:
        self.moved = asyncio.Event()
        self.spoken = False
        self._silent_until = 0.0  # real time up to which silence was sent
        self._silences = 0  # pieces of it since something came
        self._stage = stage
        self._facts = facts

    async def settle(self, seconds: float, expected: Sequence[Expectation] = (), *, ordered: bool = False) -> None:
        """Wait until nothing runs any more, and what is expected has come or will not. Raises NotSettledError."""
        session, began = self._stage.session, time.monotonic()
        came_at, quiet_since, count = began, began, -1  # -1: the first look always counts as news
        while session.lifecycle.connected:
            now = time.monotonic()
            if self._facts.received != count:
                came_at, count, self._silences = now, self._facts.received, 0
            # Quiet counts from the last event, not from the last look: a loop that was held up must not cut the wait
            # short.
            quiet_since = now if self.busy else max(quiet_since, came_at)
            if not self.busy:
                to_come = self.spoken or not expected or any(one.excluded for one in expected)
                waits = open_items(expected, self._facts, ordered=ordered) or (to_come and not self._answered)
                if not waits or now - quiet_since >= self._stage.linger(spoken=self.spoken):
                    return
            # Waiting does not help: the recording waits for a frame that this run will not send.
            elif self._stage.is_stuck and not self._time_passes and now - came_at >= LINGER_SECONDS:
                raise NotSettledError(StepProblem("the recording expects an event that was not sent"))
            if now - began >= seconds:
                raise NotSettledError(self._late(seconds))
            await self.tick()

    @property
    def _listens(self) -> bool:
        """In a recording an answer may wait for audio that was sent meanwhile, silence for the most part."""
        session = self._stage.session
        owed = session.transport.responding or session.state.speech_open or not self._answered
        return self.spoken and owed and self._silences < MAX_SILENCES

    @property
    def _time_passes(self) -> bool:
        """Time alone may bring something in a recording."""
        return self._stage.speaker.audible or self._listens

    async def tick(self) -> None:
        """A moment passes, in which audio is played, and a microphone that is open hears a quiet room.

        A recording's time passes only when somebody waits in it.
        """
        if self._stage.waits is None:
            await self.pause(_LOOK_SECONDS)
            if self.spoken and time.monotonic() >= self._silent_until:
                self._silent_until = time.monotonic() + SILENCE_MS / 1000
                self._be_silent()
        elif self._stage.is_stuck and self._time_passes:
            if self._listens:  # else the next turn would begin
                self._be_silent()
            await self._stage.sleep(SILENCE_MS / 1000)
        else:
            await self.pause(_LOOK_SECONDS)

    def _be_silent(self) -> None:
        """Turn detection hears that nothing more is said."""
        if self.spoken and self._stage.session.lifecycle.connected:
            self._silences += 1
            self._stage.session.audio.send(bytes(PCM16.byte_length(SILENCE_MS)))

    async def pause(self, seconds: float) -> None:
        """Wait until something is shown, at most so long."""
        self.moved.clear()
        # not wait_for(): up to Python 3.11 it swallows a cancellation that meets the event
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.moved.wait()

    @property
    def busy(self) -> bool:
        """Something is answered, run or played, or the server hears the user speak."""
        session = self._stage.session
        return not session.quiet or session.state.speech_open

    @property
    def _answered(self) -> bool:
        """A response to the user's turn is over."""
        return any(fact.value.get("type") == "response.done" for fact in self._facts.of("event"))

    def _late(self, seconds: float) -> StepProblem:
        session = self._stage.session
        last = session.state.activity.moved_by
        running = [f"{call.name} is still running" for call in session.status.calls if call.is_running]
        why = (f"its last event was {last}",) if last else ()
        return StepProblem(f"the answer was not complete within {duration(seconds * 1000)}", (*why, *running))
