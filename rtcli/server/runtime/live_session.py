"""A session that runs: its core, the clients that are connected to it, and the tasks that transcribe and respond."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from websockets.exceptions import ConnectionClosed

from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.events import Malformed, WireObject, decode
from rtcli.rtc.playout import Played, Playout
from rtcli.server.replies.base import ReplyEngine
from rtcli.server.runtime.client_connection import ClientConnection
from rtcli.server.runtime.engine_pool import EnginePool
from rtcli.server.runtime.response_writer import QUOTA, ResponseWriter
from rtcli.server.runtime.transcriber import Transcriber
from rtcli.server.runtime.translator import speak
from rtcli.server.session.core import ServerCore
from rtcli.server.session.effects import (
    Close,
    EvaluatePause,
    FeedAudio,
    ServerCommand,
    ServerEffect,
    SetIdleTimer,
    SpeakTranslation,
    StartResponse,
    Transcribe,
    TranscribePartial,
)
from rtcli.server.session.events import key_pressed
from rtcli.server.session.response import Response
from rtcli.server.session.translation import TranslationCore
from rtcli.server.validation import api_errors
from rtcli.server.validation.api_errors import ApiError

logger = logging.getLogger("rtcli.server")


_MAX_SENT = 10_000
"""Events of the client that are kept for a script to judge."""


class LiveSession:
    """One session, from its first client's connection to the end of it."""

    def __init__(
        self, core: ServerCore | TranslationCore, pool: EnginePool, engine: ReplyEngine, *, pace: float
    ) -> None:
        self.core = core
        self._pool = pool
        self._engine = engine
        self._pace = pace
        self._clients: list[ClientConnection] = []  # the first opened the session, the others joined it
        self._group: asyncio.TaskGroup | None = None  # once it runs
        self._tasks: set[asyncio.Task[None]] = set()  # those of the group, to cancel when the session ends
        self._transcriber = Transcriber(core, pool, spawn=self._spawn, perform=self._perform)
        self._responding: dict[str, tuple[Response, asyncio.Task[None]]] = {}  # by response id
        self._playback_end = 0.0  # when the client will have played all that was sent, if it plays at once
        self._idle: asyncio.TimerHandle | None = None
        self._sent: list[WireObject] = []  # what clients have sent since a script judged it, without audio
        self._speaking = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<LiveSession {self.id}: clients {len(self._clients)}, responses {len(self._responding)}>"

    @property
    def id(self) -> str:
        """`sess_...`"""
        return self.core.id

    @property
    def playout(self) -> Playout | None:
        """Where the audio of a call is played from; None: events carry it."""
        output = self.core.output if isinstance(self.core, ServerCore) else None
        return None if output is None else output.playout

    async def run(self, client: ClientConnection, expires_after: float) -> None:
        """Serve the client that opened the session, until it leaves or the session expires."""
        async with asyncio.TaskGroup() as self._group:
            self._clients.append(client)
            self._spawn(client.write(), "writer")
            self._spawn(self._expire(expires_after), "expiry")
            await self._perform(self.core.opened(), client)
            await self._read(client)
            self._cancel_idle_timer()
            for other in self._clients:
                other.end(1000, "")
            for task in self._tasks:
                task.cancel()

    async def close(self, code: int) -> None:
        """End the session from here: every client's connection is closed."""
        await self._close(Close(code, ""))

    # the audio of a call, and the keys of its telephone ---------------------------------------------------------------

    def next_frame(self) -> Played:
        """The next 20 ms that the caller hears: 24 kHz PCM16, mono. Clients get the events that tell of it."""
        assert isinstance(self.core, ServerCore), "a translation is not a call"
        assert self.core.output is not None, "this session is not a call"
        frame, events = self.core.output.played()
        for event in events:
            self._send(event)
        return frame

    async def hear(self, pcm: bytes) -> None:
        """The caller has been heard: 24 kHz PCM16, mono."""
        await self._feed_audio(FeedAudio(iter([pcm])))

    def press(self, key: str) -> None:
        """The caller has pressed a key."""
        self._send(key_pressed(key, int(time.time())))

    async def join(self, client: ClientConnection) -> None:
        """Serve a client that joins the running session; it sees what happens from now on."""
        self._clients.append(client)
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(client.write(), name="sideband writer")
            try:
                await self._read(client)
            finally:
                self._clients.remove(client)
                writer.cancel()

    # in ---------------------------------------------------------------------------------------------------------------

    async def _read(self, client: ClientConnection) -> None:
        try:
            async for frame in client.connection:
                event = decode(frame) if isinstance(frame, str) else None
                event_type = event["type"] if isinstance(event, dict) else ""
                for _ in range(await client.inject_faults_before(event_type)):
                    await self._perform(self._receive(event), client)
                await self._drain()
                if self._transcriber.is_full:
                    await self._transcriber.room(client.connection.wait_closed())
                await asyncio.sleep(0)  # a client that floods waits for its turn like everybody else
        except ConnectionClosed:
            pass  # without a close frame, or with an error: the session ends all the same

    def _receive(self, event: WireObject | Malformed | None) -> list[ServerEffect]:
        """What comes of a frame; None is a binary one."""
        if event is None:
            return [api_errors.binary_frame().event()]
        if isinstance(event, Malformed):
            return [_malformed(event.reason).event()]
        if event["type"] != "input_audio_buffer.append" and len(self._sent) < _MAX_SENT:
            self._sent.append(event)
        try:
            return self.core.receive(event)
        except Exception:  # a defect of ours must not end the client's session
            logger.exception("a client event could not be carried out")
            return [api_errors.server_fault(self.id).event(event)]

    # out --------------------------------------------------------------------------------------------------------------

    async def _perform(self, effects: list[ServerEffect], origin: ClientConnection | None = None) -> None:
        """Send events and carry out commands, in order. An error goes to the client that caused it."""
        for effect in effects:
            if isinstance(effect, dict):
                self._send(effect, origin)
            else:
                await _COMMANDS[type(effect)](self, effect)
        for response, task in list(self._responding.values()):
            if response.finished and task is not asyncio.current_task():
                task.cancel()

    def _send(self, event: WireObject, origin: ClientConnection | None = None) -> None:
        for client in self._clients:
            if event["type"] == "error" and origin not in (None, client):
                continue
            if event["type"] == "response.output_audio.delta" and client.sideband:
                continue  # a sideband controls; the audio goes to the client that opened the call
            client.send(event)

    async def _emit(self, events: list[WireObject]) -> None:
        for event in events:
            self._send(event)
        await self._drain()

    async def _drain(self) -> None:
        """Wait until no client has too much to read: each gets what the others cause, and none may be left behind."""
        for client in list(self._clients):
            await client.drain()

    async def _expire(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        expired = api_errors.session_expired(seconds / 60)
        self._send(expired.event())
        await self._close(Close(1001, expired.message))

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        assert self._group is not None
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # commands ---------------------------------------------------------------------------------------------------------

    async def _feed_audio(self, command: FeedAudio) -> None:
        await self._pool.engines()  # the core makes its detector from them
        for number, pcm in enumerate(command.pieces):
            if number:
                await asyncio.sleep(0)  # minutes in one event: the other sessions come in between
            await self._perform(self.core.audio_appended(pcm))

    async def _start_response(self, command: StartResponse) -> None:
        response = command.response
        assert isinstance(self.core, ServerCore), "a translation has no responses"
        task = self._spawn(self._respond(self.core, response), response.id)
        self._responding[response.id] = response, task
        task.add_done_callback(lambda _: self._responding.pop(response.id, None))

    async def _respond(self, core: ServerCore, response: Response) -> None:
        if any(client.quota_spent for client in self._clients):
            await self._perform(core.response_ended(response, "failed", {"error": QUOTA}))
            return
        await self._transcriber.transcribed(response.context)
        counted = 0  # bytes of its audio that are in `_playback_end`

        async def emit(events: list[WireObject]) -> None:
            nonlocal counted
            self._extend_playback(response.audio_bytes - counted)
            counted = response.audio_bytes
            await self._emit(events)

        writer = ResponseWriter(
            response,
            self._pool,
            pace=self._pace,
            emit=emit,
            inject_fault=self._clients[0].inject_fault,
            mcp_servers=core.state.mcp_servers,
            sent=self._sent,
        )
        status, details = await writer.run(self._engine)
        await self._perform(core.response_ended(response, status, details))

    def _playback_ends(self, now: float) -> float:
        """When the client will have played everything; of a call that is known."""
        playout = self.playout
        return self._playback_end if playout is None else now + PCM16.milliseconds(playout.waiting) / 1000

    def _extend_playback(self, length: int) -> None:
        if length > 0:
            now = asyncio.get_running_loop().time()
            self._playback_end = max(self._playback_end, now) + PCM16.milliseconds(length) / 1000

    async def _set_idle_timer(self, command: SetIdleTimer) -> None:
        self._cancel_idle_timer()
        if command.seconds is not None:
            loop = asyncio.get_running_loop()
            when = max(loop.time(), self._playback_ends(loop.time())) + command.seconds
            self._idle = loop.call_at(when, lambda: self._spawn(self._idle_elapsed(), "idle timeout"))

    async def _idle_elapsed(self) -> None:
        assert isinstance(self.core, ServerCore), "a translation has no such timer"
        await self._perform(self.core.idle_elapsed())

    async def _speak_translation(self, command: SpeakTranslation) -> None:
        assert isinstance(self.core, TranslationCore), "only a translation says it"
        self._spawn(self._say(self.core, command.text), "translation")

    async def _say(self, core: TranslationCore, text: str) -> None:
        async with self._speaking:  # one sentence after the other
            await speak(core, text, self._pool, pace=self._pace, emit=self._emit)
        await self._perform(core.spoken())

    def _cancel_idle_timer(self) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None

    async def _close(self, command: Close) -> None:
        for client in self._clients:
            client.end(command.code, command.reason)


def _malformed(reason: str) -> ApiError:
    """Why a frame is not an event, in the API's words."""
    if reason.startswith("not JSON"):
        return api_errors.invalid_json(reason.removeprefix("not JSON ").strip("()"))
    return api_errors.missing_type() if "'type'" in reason else api_errors.not_an_object(reason)


_COMMANDS: Mapping[type[ServerCommand], Callable[[LiveSession, Any], Awaitable[None]]] = {
    FeedAudio: LiveSession._feed_audio,
    StartResponse: LiveSession._start_response,
    Transcribe: lambda session, command: session._transcriber.start(command),
    TranscribePartial: lambda session, command: session._transcriber.start_partial(command),
    EvaluatePause: lambda session, command: session._transcriber.start_pause(command),
    SpeakTranslation: LiveSession._speak_translation,
    SetIdleTimer: LiveSession._set_idle_timer,
    Close: LiveSession._close,
}
