"""Push to talk: turns begin and end by hand, and turn detection is off meanwhile."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from rtcli.errors import AudioUnavailableError, ServerError, UsageError
from rtcli.session.audio import SessionAudio
from rtcli.session.link import Link
from rtcli.session.setting_paths import MISSING, get
from rtcli.session.settings import SessionSettings
from rtcli.session.talk import MIN_TURN_MS, Talk
from rtcli.views import Level, Notice

_DETECTION = "audio.input.turn_detection"


class PushToTalkState(Enum):
    """Where push to talk stands."""

    OFF = "voice detection makes the turns"
    READY = "waiting for the key"
    TALKING = "recording a turn"


@dataclass(frozen=True, slots=True)
class _Before:
    """What the mode has to give back: the turn detection (MISSING: none was known), and the microphone."""

    detection: Any
    muted: bool
    recording: bool  # it was open, muted or not


class PushToTalk:
    """Owns the mode.

    What a key means is decided, and what it asks of the server is sent, before anything is awaited. The server takes
    requests in their order, so the last key counts however long the answers take: an await only learns what became of a
    request, and one that others have followed decides nothing any more.
    """

    def __init__(self, link: Link, settings: SessionSettings, audio: SessionAudio, talk: Talk) -> None:
        self._link = link
        self._settings = settings
        self._audio = audio
        self._talk = talk
        self._before: _Before | None = None  # set from when detection is to be off until it is given back
        self._asked_off = False  # what the last request of ours asked for
        self._requests = 0
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

    async def switch(self, on: bool) -> bool:
        """Enter the mode, or leave it: voice detection and microphone are then as they were before. Whether it is on.

        Raises ServerError where the server refuses; then nothing has changed.
        """
        self._link.require_turns()
        if not on:
            await self._leave()
        elif self.talking:
            await self._switch_detection_off(entered=False)
        else:
            entered = self._enter(PushToTalkState.READY)
            self._audio.mute()
            await self._switch_detection_off(entered=entered)
        return self.on

    async def toggle(self) -> bool:
        """Begin to talk, or end the turn and ask for its answer. True: it is recording now.

        It records from the first press on, while the server is still switching its detection off; a second press ends
        the turn at any moment. Raises UsageError for a turn that is too short.
        """
        self._link.require_turns()
        if self.talking:
            self._end_turn()
            return False
        before, state = self._before, self.state
        # From here to the first await nothing can come between: the next press finds a turn that it can end.
        entered = self._enter(PushToTalkState.TALKING)
        try:
            self._audio.input.open()  # without one the mode would only make the session deaf
            if self._talk.speaking:
                self._talk.interrupt()
            self._talk.discard()
            self._audio.unmute()
        except BaseException:  # nothing is being recorded
            self._before, self.state = before, state
            raise
        self._link.show(Notice("talk now", hint="F4 or /ptt ends the turn", level=Level.OK))
        # sent before anything is recorded, as the microphone runs on this loop
        await self._switch_detection_off(entered=entered)
        return self.talking

    def _enter(self, state: PushToTalkState) -> bool:
        """Go to a state of the mode. True: it begins with that."""
        self.state = state
        if self._before is not None:
            return False
        self._before = _Before(self._known_detection, self._audio.muted, self._audio.input.recording)
        return True

    @property
    def _known_detection(self) -> Any:
        """The one that counts now, as far as the server has said; what it was asked for last, until it says that."""
        waiting = any(request.type == "session.update" for request in self._link.transport.frames.pending.waiting)
        asked = get(self._settings.requested, _DETECTION) if waiting else MISSING
        return get(self._settings.confirmed, _DETECTION) if asked is MISSING else asked

    def _end_turn(self) -> None:
        self.state = PushToTalkState.READY
        self._audio.mute()
        self._audio.finish_turn()
        if self._audio.unsent_turn_ms < MIN_TURN_MS:
            self._talk.discard()
            raise UsageError("the turn is too short", why=f"{MIN_TURN_MS} ms are needed", hint="F4 again to talk")
        self._talk.commit(respond=True)
        self._link.show(Notice("turn sent"))

    # -- turn detection ----------------------------------------------------------------------------

    @property
    def _detection_is_off(self) -> bool:
        """The last request of ours says so, and nobody has set another one since."""
        return self._asked_off and self._known_detection in (None, MISSING)

    async def _switch_detection_off(self, *, entered: bool) -> None:
        """The mode ends where the server refuses. Where it says nothing its word may still come, and the mode stays.

        `entered`: the mode begins with this, and what there is now is what it has to give back.
        """
        if self._detection_is_off:
            return
        this = self._requests = self._requests + 1
        self._asked_off = True
        try:
            there = get(await self._settings.replace({"audio": {"input": {"turn_detection": None}}}), _DETECTION)
        except ServerError:
            self._on_refused(this)
            raise
        except BaseException:  # whether the server took it is not known: the next press asks again
            if this == self._requests:
                self._asked_off = False
            raise
        # The server's word is better than what was known before it. In the mode None is what we have asked for.
        if self._before is not None and there is not MISSING and (entered or there is not None):
            self._before = replace(self._before, detection=there)

    def _on_refused(self, request: int) -> None:
        """What counts is what the server has: the mode goes on without detection, and is over where there is some."""
        if request != self._requests or self._before is None:
            return
        there = get(self._settings.confirmed, _DETECTION)
        if there is None and self._before.detection is not None:
            self._asked_off = True
            return
        if self.talking:  # what was recorded for a turn by hand is none
            with suppress(UsageError):
                self._talk.discard()
        self._end()

    async def _leave(self) -> None:
        if self._before is None:
            return
        if self.talking:
            self.state = PushToTalkState.READY
            self._audio.mute()
            self._talk.discard()
        if self._before.detection is not MISSING and (self._detection_is_off or not self._asked_off):
            this = self._requests = self._requests + 1
            self._asked_off = False
            try:
                await self._settings.update({"audio": {"input": {"turn_detection": self._before.detection}}})
            except ServerError:
                self._on_refused(this)
                raise
            if this != self._requests:
                return  # a key was pressed meanwhile
        self._end()

    def _end(self) -> None:
        """The mode is over: the microphone is as it was before."""
        before, self._before, self._asked_off = self._before, None, False
        self.state = PushToTalkState.OFF
        self._audio.mute()
        if before is None:
            return
        if not before.recording:
            self._audio.close_microphone()
        elif not before.muted:
            try:
                self._audio.unmute()
            except AudioUnavailableError as error:
                self._link.show(Notice(f"{error.what}; microphone muted", error.why, error.hint, Level.WARNING))

    def connection_ended(self) -> None:
        """The turn is gone; the mode stays, as its setting goes along to the next connection."""
        if self.talking:
            self.state = PushToTalkState.READY
            self._audio.mute()
