"""Push to talk: turns begin and end by hand, and turn detection is off meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rtcli.errors import ServerError, UsageError
from rtcli.session.audio import SessionAudio
from rtcli.session.link import Link
from rtcli.session.setting_paths import MISSING, get
from rtcli.session.settings import SessionSettings
from rtcli.session.talk import MIN_TURN_MS, Talk
from rtcli.views import Level, Notice


class PushToTalkState(Enum):
    """Where push to talk stands."""

    OFF = "voice detection makes the turns"
    READY = "waiting for the key"
    TALKING = "recording a turn"


@dataclass(frozen=True, slots=True)
class _Before:
    """What the mode has to give back: the turn detection (MISSING: none was known), and whether it was muted."""

    detection: Any
    muted: bool


class PushToTalk:
    """Owns the mode. The state changes before anything is awaited, so a key pressed meanwhile means what it says."""

    def __init__(self, link: Link, settings: SessionSettings, audio: SessionAudio, talk: Talk) -> None:
        self._link = link
        self._settings = settings
        self._audio = audio
        self._talk = talk
        self._before: _Before | None = None  # set from when detection is to be off until it is given back
        self._updating = asyncio.Lock()  # one session.update of ours at a time
        self._leaving = False
        self.state = PushToTalkState.OFF

    def __repr__(self) -> str:
        return f"<PushToTalk: {self.state.value}>"

    @property
    def on(self) -> bool:
        """Turns are made by hand."""
        return self.state is not PushToTalkState.OFF

    @property
    def talking(self) -> bool:
        """A turn is being recorded."""
        return self.state is PushToTalkState.TALKING

    async def switch(self, on: bool) -> None:
        """Enter the mode, or leave it: voice detection and microphone are then as they were before.

        Raises ServerError where the server refuses; then nothing has changed.
        """
        self._link.require_turns()
        if not on:
            await self._leave()
        elif self.state is PushToTalkState.OFF:
            self._enter(PushToTalkState.READY)
            self._audio.mute()
            await self._switch_detection_off()

    async def toggle(self) -> bool:
        """Begin to talk, or end the turn and ask for its answer. True: it is recording now.

        It records from the first press on, while the server is still switching its detection off; a second press ends
        the turn at any moment. Raises UsageError for a turn that is too short.
        """
        self._link.require_turns()
        while self._leaving:  # a turn that begins now would end up with detection on
            async with self._updating:
                pass
        if self.talking:
            self._end_turn()
            return False
        self._audio.open_microphone()  # without one the mode would only make the session deaf
        detection_on = self.state is PushToTalkState.OFF
        # From here to the first await nothing can come between: the next press finds a turn that it can end.
        self._enter(PushToTalkState.TALKING)
        if self._talk.speaking:
            self._talk.interrupt()
        self._talk.discard()
        self._audio.unmute()
        self._link.show(Notice("talk now", hint="F4 or /ptt ends the turn", level=Level.OK))
        if detection_on:
            await self._switch_detection_off()  # sent before anything is recorded, as the microphone runs on this loop
        return self.talking

    def _enter(self, state: PushToTalkState) -> None:
        if self._before is None:
            detection = get(self._settings.confirmed, "audio.input.turn_detection")
            self._before = _Before(detection, self._audio.muted)
        self.state = state

    def _end_turn(self) -> None:
        self.state = PushToTalkState.READY
        self._audio.mute()
        if self._audio.unsent_turn_ms < MIN_TURN_MS:
            self._talk.discard()
            raise UsageError("the turn is too short", why=f"{MIN_TURN_MS} ms are needed", hint="F4 again to talk")
        self._talk.commit(respond=True)
        self._link.show(Notice("turn sent"))

    async def _switch_detection_off(self) -> None:
        """The mode ends where the server refuses. Where it says nothing its word may still come, and the mode stays."""
        async with self._updating:
            try:
                await self._settings.update({"audio": {"input": {"turn_detection": None}}})
            except ServerError:
                self._restore_microphone()
                raise

    async def _leave(self) -> None:
        if self.talking:
            self.state = PushToTalkState.READY
            self._audio.mute()
            self._talk.discard()
        self._leaving = True
        try:
            async with self._updating:
                if self._before is not None:
                    if self._before.detection is not MISSING:
                        detection = self._before.detection
                        await self._settings.update({"audio": {"input": {"turn_detection": detection}}})
                    self._restore_microphone()
        finally:
            self._leaving = False

    def _restore_microphone(self) -> None:
        before, self._before, self.state = self._before, None, PushToTalkState.OFF
        if before is None or before.muted:
            self._audio.mute()
        else:
            self._audio.unmute()

    def connection_ended(self) -> None:
        """The turn is gone; the mode stays, as its setting goes along to the next connection."""
        if self.talking:
            self.state = PushToTalkState.READY
            self._audio.mute()
