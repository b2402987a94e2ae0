"""What the user does in a scenario: each kind of step that is not about looking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from itertools import pairwise
from typing import TypeAlias

from rtcli.commands.line import run_line
from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.events import encode
from rtcli.protocol.provenance import caused_by
from rtcli.protocol.units import duration
from rtcli.scenario.facts import SceneFacts
from rtcli.scenario.language import Scenario, ScenarioStep
from rtcli.scenario.settling import MAX_SILENCES, SILENCE_MS, Settling
from rtcli.scenario.stage import Stage
from rtcli.scenario.verdict import StepProblem
from rtcli.session.images import load_image
from rtcli.session.setting_paths import get

_Action: TypeAlias = Callable[[ScenarioStep], Awaitable[StepProblem | None]]

_LOOK_SECONDS = 0.02
_MIN_SILENCES = 10
"""Turn detection waits half a second, as a rule, before it says that the speech is over."""


class Actions:
    """Carries steps out on a stage. Raises the errors of `rtcli.errors`."""

    def __init__(self, scenario: Scenario, stage: Stage, facts: SceneFacts, settling: Settling) -> None:
        self._scenario = scenario
        self._stage = stage
        self._session = stage.session
        self._facts = facts
        self._settling = settling
        self._heard_before = 0.0  # milliseconds of audio before the user's last turn
        # where an answer is going to be interrupted, by the step before
        cuts = ((step, after) for step, after in pairwise(scenario.steps) if after.kind == "interrupt")
        self._cuts = {step.at.path: after.values["interrupt"] for step, after in cuts}
        self._by_kind: Mapping[str, _Action] = {
            "say": self._say,
            "play": self._play,
            "image": self._image,
            "send": self._send,
            "command": self._command,
            "interrupt": self._interrupt,
            "wait": self._wait,
        }

    async def carry_out(self, step: ScenarioStep) -> StepProblem | None:
        """Do what a step says; what is wrong, if something is."""
        return await self._by_kind[step.kind](step)

    def _begin(self, step: ScenarioStep, *, spoken: bool = False) -> None:
        """The user's turn: expectations look at what comes from now on."""
        self._facts.begin(self._session.now)
        self._settling.spoken = spoken
        self._heard_before = self._stage.speaker.played_ms
        if after := self._cuts.get(step.at.path):  # before the answer begins, which may come at once
            self._stage.speaker.limit_ms = self._heard_before + after * 1000

    async def _say(self, step: ScenarioStep) -> None:
        self._begin(step)
        self._session.did("typed text")
        with caused_by("typed text"):
            self._session.talk.say(step.values["say"])

    async def _image(self, step: ScenarioStep) -> None:
        image = await load_image(step.values["image"], base=self._scenario.folder)
        self._begin(step)
        self._session.did("typed text")
        with caused_by("typed text"):
            self._session.talk.say(step.values.get("text", ""), [image])

    async def _send(self, step: ScenarioStep) -> None:
        self._begin(step)
        self._session.did("raw event")
        with caused_by("raw event"):
            self._session.talk.send(encode(dict(step.values["send"])))

    async def _command(self, step: ScenarioStep) -> None:
        line = step.values["command"].strip()
        await run_line(line if line.startswith("/") else f"/{line}", self._stage.context)

    async def _wait(self, step: ScenarioStep) -> None:
        await self._stage.sleep(step.values["wait"])

    async def _play(self, step: ScenarioStep) -> None:
        path = self._scenario.folder / step.values["play"]
        commit = step.values.get("commit")
        # Known only now: a session.update of an earlier step may have switched turn detection off.
        if commit is None:
            detection = get(self._session.settings.confirmed, "audio.input.turn_detection")
            commit = detection is None  # else nobody would end the turn
        # Before the turn begins: an engine that loads for seconds would look like a slow first word.
        await self._stage.ready()
        self._begin(step, spoken=not commit)
        self._session.did("/play")
        with caused_by("/play"):
            await self._session.talk.play(path, commit=commit, pause=self._stage.sleep, silence_ms=0)
            if not commit and self._stage.waits is None:  # a recording is heard to its end while it is waited for
                await self._be_silent()
        # `within` counts from the end of the speech, as a user does who waits for an answer.
        self._facts.since = self._session.now

    async def _be_silent(self) -> None:
        """Go on as a microphone would, until turn detection has noticed that the speech is over."""
        for pieces in range(MAX_SILENCES):
            if not self._session.lifecycle.connected:
                return
            if pieces >= _MIN_SILENCES:
                await self._settling.pause(_LOOK_SECONDS)  # the server's word takes a moment to come
                if not self._session.state.speech_open:
                    return
            self._session.audio.send(bytes(PCM16.byte_length(SILENCE_MS)))
            await self._session.transport.flush()
            await self._stage.sleep(SILENCE_MS / 1000)

    async def _interrupt(self, step: ScenarioStep) -> StepProblem | None:
        after, speaker = step.values["interrupt"] * 1000, self._stage.speaker
        speaker.limit_ms = self._heard_before + after if after else None
        try:
            # Counted from what was played before this turn: the speaker is the same for the whole run.
            while after and (heard := speaker.played_ms - self._heard_before) < after:
                if not self._settling.busy:
                    what = f"the answer was over after {duration(heard)} of audio"
                    return StepProblem(what, (f"it should have been interrupted after {duration(after)}",))
                await self._settling.tick()
            self._session.did("/interrupt")
            with caused_by("/interrupt"):
                stopped = self._session.talk.interrupt()
        # Also where it was never reached: the speaker would stay silent for all later answers.
        finally:
            speaker.limit_ms = None
        return None if stopped else StepProblem("nothing to interrupt")
