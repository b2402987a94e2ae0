"""Notices an answer whose audio stops half way, while it does; a timer that looks, as nothing arrives to tell of it."""

from __future__ import annotations

import asyncio
from typing import Any

from rtcli.protocol.events import Event
from rtcli.protocol.ids import short_id
from rtcli.protocol.payloads import ResponseDone, TransportAudio
from rtcli.protocol.session_kind import SessionKind
from rtcli.session.link import Link
from rtcli.views import Level, Notice

_STALL_SECONDS = 2.0


class AudioStall:
    """Watches the part that is arriving."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._arriving = ""  # its item
        self._response = ""
        self._stalled = False
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        transport = link.transport
        transport.on("audio", self._on_audio)
        transport.on("audio_interrupted", self.forget)
        transport.on("response.output_audio.done", self._on_response_output_audio_done)
        transport.on("turn_done", self._on_turn_done)

    def forget(self, *_: Any) -> None:
        """Nothing more of this answer is expected: it is whole or interrupted, or the connection is gone."""
        self._arriving = self._response = ""
        self._stalled = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_audio(self, audio: TransportAudio) -> None:
        if audio.interrupted or self._link.kind is not SessionKind.REALTIME:  # elsewhere a pause is no stall
            return
        loop = asyncio.get_running_loop()
        if self._stalled and audio.item_id == self._arriving:
            self._link.show(Notice(f"the audio continued after {loop.time() - self._last:.1f} s"))
        self._arriving, self._response = audio.item_id, audio.response_id
        self._last, self._stalled = loop.time(), False
        if self._timer is None:
            self._timer = loop.call_later(_STALL_SECONDS, self._look)

    def _look(self) -> None:
        """One timer for a whole answer: it looks again when the last piece has had its time."""
        loop = asyncio.get_running_loop()
        silent = loop.time() - self._last
        self._timer = None
        if silent < _STALL_SECONDS:
            self._timer = loop.call_later(_STALL_SECONDS - silent, self._look)
        elif self._arriving:
            self._stalled = True
            what = f"the answer stalls: no audio of {short_id(self._arriving)} for {_STALL_SECONDS:.0f} s"
            why = "the server or the network is slow"
            self._link.show(Notice(what, why, "/interrupt stops waiting", Level.WARNING))

    def _on_response_output_audio_done(self, _event: Event) -> None:
        self.forget()

    def _on_turn_done(self, done: ResponseDone) -> None:
        if done.response.id == self._response:
            self.forget()
