"""Waits until what the user has done is answered: the response and its tool rounds, and what a test still hopes for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from rtcli.protocol.times import duration
from rtcli.scenario.facts import SceneFacts
from rtcli.scenario.judging import open_items
from rtcli.scenario.language import Expectation
from rtcli.scenario.stage import LINGER_SECONDS, Stage
from rtcli.scenario.verdict import StepProblem

_LOOK_SECONDS = 0.02
"""Nobody tells when audio has been played or a tool has ended."""

_PLAYED_SECONDS = 0.1


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
        self._stage = stage
        self._facts = facts

    async def settle(self, seconds: float, expected: Sequence[Expectation] = (), *, ordered: bool = False) -> None:
        """Wait until nothing runs any more, and what is expected has come or will not. Raises NotSettledError."""
        session, began = self._stage.session, time.monotonic()
        came_at, quiet_since, count = began, began, -1
        while session.lifecycle.connected:
            now = time.monotonic()
            if len(self._facts.all) != count:
                came_at, count = now, len(self._facts.all)
            quiet_since = now if self.busy else max(quiet_since, came_at)
            if not self.busy:
                to_come = self.spoken or not expected or any(one.excluded for one in expected)
                waits = open_items(expected, self._facts, ordered=ordered) or (to_come and not self._answered)
                if not waits or now - quiet_since >= self._stage.linger(spoken=self.spoken):
                    return
            elif self._stage.is_stuck and not self._stage.speaker.audible and now - came_at >= LINGER_SECONDS:
                raise NotSettledError(StepProblem("the recording goes on with something that was not sent"))
            if now - began >= seconds:
                raise NotSettledError(self._late(seconds))
            await self.tick()

    async def tick(self) -> None:
        """A moment passes, in which audio is played: a recording's time passes only when somebody waits in it."""
        if self._stage.is_stuck and self._stage.speaker.audible:
            await self._stage.sleep(_PLAYED_SECONDS)
        else:
            await self.pause(_LOOK_SECONDS)

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
        why = (f"the last event of it was {last}",) if last else ()
        return StepProblem(f"the answer was not complete within {duration(seconds * 1000)}", (*why, *running))
