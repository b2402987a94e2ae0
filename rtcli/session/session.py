"""RealtimeSession: a conversation that one can take part in, made of parts that each own their state and verbs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rtcli.config.endpoints import Endpoint
from rtcli.errors import ExitCode, worst
from rtcli.protocol.events import mapping_of, texts_of, value_at
from rtcli.protocol.items import text_of
from rtcli.protocol.record import Did, Http, Mark
from rtcli.protocol.session_kind import SessionKind
from rtcli.recording.header import Header
from rtcli.session.audio import SessionAudio
from rtcli.session.audio_input import MicrophoneLike
from rtcli.session.audio_output import SpeakerLike
from rtcli.session.conversation import Conversation
from rtcli.session.first_update import FirstUpdate, SessionUpdate
from rtcli.session.lifecycle import Lifecycle
from rtcli.session.link import Link
from rtcli.session.patience import Patience
from rtcli.session.push_to_talk import PushToTalk
from rtcli.session.recorder import Recorder, RecordingSetup
from rtcli.session.settings import SessionSettings
from rtcli.session.state import SessionState
from rtcli.session.talk import Talk
from rtcli.session.tool_calls import ToolCalls
from rtcli.session.tools.tool import Tool
from rtcli.session.undo import Undo
from rtcli.transports.connected import ConnectedTransport
from rtcli.views import ANSWERING, CANCELLING, SessionStatus, View, Wait

_AUDIO_LOOK_SECONDS = 0.02
"""A device tells nobody when it has played a block, so `idle` looks at it every block."""


class RealtimeSession:
    """The acting half of a session; `state` is the looking half.

    `lifecycle` connects, `settings` sets, `conversation` changes items, `talk` says and interrupts, `push_to_talk`
    makes turns by hand, `audio` has the devices, `tools` runs and answers calls, `undo` puts conversations back.
    `config` is any shape that the transport takes; `clock` is monotonic seconds (the transport's), `wall` the time of
    day. `recorder` writes what happens to a file, as `recording` has it. `defaults` are what the program asks of the
    session beside `config`, and `session_update` says how much of it all the first session.update says.
    """

    def __init__(
        self,
        transport: ConnectedTransport,
        *,
        endpoint: Endpoint,
        config: Mapping[str, Any] | None = None,
        speaker: SpeakerLike | None = None,
        microphone: MicrophoneLike | None = None,
        tools: Iterable[Tool] = (),
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        recording: RecordingSetup | None = None,
        defaults: Mapping[str, Any] | None = None,
        session_update: SessionUpdate = SessionUpdate.FULL,
    ) -> None:
        self.transport = transport
        self.state = SessionState()
        self._link = link = Link(transport, self.state, clock, endpoint.kind)
        self.settings = SessionSettings(link)
        self.audio = SessionAudio(link, speaker=speaker, microphone=microphone)
        self.tools = ToolCalls(link, tools, joined=endpoint.call_id is not None)
        self.conversation = Conversation(link, self.audio)
        self.talk = Talk(link, self.audio)
        first = FirstUpdate(link, defaults or {}, session_update)
        self.patience = Patience(
            link, self.talk.give_up, lambda: bool(self.tools.running or self.tools.waiting or self.audio.audible)
        )
        self.push_to_talk = PushToTalk(link, self.settings, self.audio, self.talk)
        self.lifecycle = Lifecycle(
            link,
            endpoint,
            config or {},
            first=first,
            settings=self.settings,
            audio=self.audio,
            tools=self.tools,
            wall=wall,
        )
        self.undo = Undo(link, self.lifecycle, self.conversation)
        self.started = datetime.fromtimestamp(int(wall() * 1000) / 1000, UTC)  # as exactly as a recording says it
        self.recorder = Recorder(self.state.log, self._header, link.show, recording or RecordingSetup())
        link.record = self.recorder.observe
        self.lifecycle.at_connection_end(self.push_to_talk.connection_ended)

    def __repr__(self) -> str:
        return f"<RealtimeSession {self.lifecycle.endpoint.label}: {self.transport.status}, {self.state!r}>"

    async def start(self, timeout: float = 10) -> None:  # noqa: ASYNC109 - handed on to the transport
        """Connect and wait until the server has confirmed the session; raises like `lifecycle.start`."""
        await self.lifecycle.start(timeout)

    async def close(self, code: ExitCode | None = None) -> None:
        """End the connection, the devices, the tools and the recording, by `code` if that is known better."""
        await self.patience.stop()
        await self.lifecycle.close()
        self.recorder.stop(self._link.now, self.exit_code if code is None else code)

    def _header(self, command: str, program: str) -> Header:
        endpoint = self.lifecycle.endpoint
        model = endpoint.model or self.transport.current_model or ""
        return Header(self.started, command, endpoint.label, model, program)

    @property
    def now(self) -> float:
        """Seconds since the session began, as in its records."""
        return self._link.now

    # -- watching ----------------------------------------------------------------------------------

    def subscribe(self, show: Callable[[View], None]) -> Callable[[], None]:
        """Call `show` for every view, in order; the function that is returned ends that."""
        return self._link.feed.subscribe(show)

    def show(self, view: View) -> None:
        """Hand a view to everyone who watches."""
        self._link.show(view)

    @property
    def kind(self) -> SessionKind:
        """Which protocol is spoken."""
        return self._link.kind

    def require_connection(self) -> None:
        """Raise UsageError with what to do where there is no connection."""
        self._link.require_connection()

    def did(self, command: str) -> None:
        """The user gives a command."""
        self._link.observe(Did(self._link.now, command))

    def observe_request(self, method: str, path: str, status: int | None) -> None:
        """A request was made beside the session, for it."""
        self._link.observe(Http(self._link.now, method, path, status))

    def mark(self, note: str) -> None:
        """The user marks this place between the frames."""
        self._link.observe(Mark(self._link.now, note))

    @property
    def exit_code(self) -> ExitCode:
        """The worst that happened so far."""
        return worst(self.state.exit_code, *self._link.codes)

    @property
    def status(self) -> SessionStatus:
        """The session at this moment."""
        session, audio, position = self.settings.confirmed, self.audio, self.audio.position
        round_trip = self.lifecycle.round_trip
        ping = {} if round_trip is None else {"ping": f"{round_trip * 1000:.0f} ms"}
        echo = {"echo": audio.input.echo.method} if audio.input.recording and audio.speaker is not None else {}
        return SessionStatus(
            connection=self.transport.status,
            endpoint=self.lifecycle.endpoint.label,
            model=self._model(session),
            session_id=text_of(session.get("id")) or None,
            muted=audio.muted,
            microphone=audio.input.recording,
            speaker=audio.speaker is not None,
            push_to_talk=self.push_to_talk.on,
            input_level_db=audio.input.level_db,
            held_back=audio.held_back,
            responding=self.transport.responding,
            speaking_item=position[0] if position else None,
            heard_ms=position[2] if position else None,
            received_ms=self.state.audio.received_ms(*position[:2]) if position else None,
            expires_in=self.lifecycle.expires_in,
            calls=self.tools.status,
            dropped_audio_ms=audio.input.dropped_ms,
            modalities=texts_of(session.get("output_modalities")),
            metrics={**self.state.metrics.short(), **ping, **echo},
            recording=self.recorder.on,
            waits=self._waits(),
            queued=self.state.activity.queued if self.transport.responding else 0,
        )

    def _model(self, session: Mapping[str, Any]) -> str:
        """What the session runs on; a dictation runs on its transcriber."""
        if self.kind is SessionKind.TRANSCRIPTION:
            transcription = mapping_of(value_at(session, "audio.input.transcription"))
            return str(transcription.get("model") or "no transcriber")
        named = session.get("model") or self.lifecycle.endpoint.model
        if not named and self.lifecycle.endpoint.call_id is not None:
            return "joined call"  # whose model nobody has said
        return str(named or self.transport.current_model)

    def _waits(self) -> tuple[Wait, ...]:
        activity, now = self.state.activity, self._link.now
        waits = self._link.waits.current
        if waits or not self.transport.responding:
            return waits
        if activity.cancelled_at is not None:
            return (Wait(CANCELLING, now - activity.cancelled_at),)
        if activity.answer_since is None:
            return ()
        since = now - activity.answer_since
        return (Wait(ANSWERING, since, activity.moved_by, now - activity.event_at if activity.moved_by else since),)

    # -- waiting -----------------------------------------------------------------------------------

    @property
    def quiet(self) -> bool:
        """Nothing is being answered, run or played."""
        busy = (
            self.transport.responding
            or self.tools.running
            or self.audio.audible
            or self.transport.frames.pending.holds_up
        )
        return self.transport.status != "connected" or not busy

    async def idle(self, timeout: float | None = None, *, patience: float | None = None) -> None:  # noqa: ASYNC109 - the contract's name
        """Wait until no response runs or is queued, every event was answered, and what was said has been played.

        Raises TimeoutError after `timeout` seconds, or `patience` seconds in which nothing moved on. A lost connection
        counts as idle.
        """
        began = self._link.now
        async with asyncio.timeout(timeout):
            while not self.quiet:
                self._link.changed.clear()
                watch = _AUDIO_LOOK_SECONDS if self.audio.audible or self.tools.running else None
                if patience is not None:
                    left = patience - (self._link.now - max(began, self.state.activity.moved_at or 0))
                    if left <= 0:
                        raise TimeoutError
                    watch = min(watch or left, left)
                # not wait_for(): up to Python 3.11 it swallows a cancellation that meets the event
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(watch):
                        await self._link.changed.wait()
