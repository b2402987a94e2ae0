"""A session that runs: its core, the clients that are connected to it, and the tasks that hear and answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeAlias

from websockets.exceptions import ConnectionClosed

from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.events import Malformed, decode
from rtcli.server.replies.base import ReplyEngine
from rtcli.server.runtime.client_connection import ClientConnection
from rtcli.server.runtime.engine_pool import EnginePool
from rtcli.server.runtime.response_writer import QUOTA, ResponseWriter
from rtcli.server.session.core import SessionCore
from rtcli.server.session.effects import (
    Close,
    Command,
    Effect,
    EvaluatePause,
    FeedAudio,
    SetIdleTimer,
    StartResponse,
    Transcribe,
    TranscribePartial,
)
from rtcli.server.session.items import Item
from rtcli.server.session.response import Response
from rtcli.server.validation import api_errors
from rtcli.server.validation.api_errors import ApiError

Json: TypeAlias = dict[str, Any]

logger = logging.getLogger("rtcli.server")


class LiveSession:
    """One session, from its first client's connection to the end of it."""

    def __init__(self, core: SessionCore, room: EnginePool, engine: ReplyEngine, *, pace: float) -> None:
        self.core = core
        self._room = room
        self._engine = engine
        self._pace = pace
        self._links: list[ClientConnection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None
        self._hearing: dict[str, asyncio.Task[None]] = {}
        self._answering: dict[str, tuple[Response, asyncio.Task[None]]] = {}
        self._attempting: asyncio.Task[None] | None = None
        self._playback_end = 0.0  # when the client will have played all that was sent, if it plays at once
        self._idle: asyncio.TimerHandle | None = None

    @property
    def id(self) -> str:
        """`sess_...`"""
        return str(self.core.state.config["id"])

    async def run(self, link: ClientConnection, expires_after: float) -> None:
        """Serve the client that opened the session, until it leaves or the session expires."""
        async with asyncio.TaskGroup() as self._group:
            self._links.append(link)
            self._spawn(link.write(), "writer")
            self._spawn(self._expire(expires_after), "expiry")
            await self._perform(self.core.opened(), link)
            await self._read(link)
            self._disarm()
            for other in self._links:
                other.end(1000, "")
            self._cancel_tasks()

    def cut_off(self) -> None:
        """End every connection without a word."""
        for link in self._links:
            link.connection.transport.abort()

    async def join(self, link: ClientConnection) -> None:
        """Serve a client that joins the running session; it sees what happens from now on."""
        self._links.append(link)
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(link.write(), name="sideband writer")
            try:
                await self._read(link)
            finally:
                self._links.remove(link)
                writer.cancel()

    # in ---------------------------------------------------------------------------------------------------------------

    async def _read(self, link: ClientConnection) -> None:
        try:
            async for frame in link.connection:
                await self._perform(self._receive(frame), link)
                await link.has_room()
                await asyncio.sleep(0)  # a client that floods waits for its turn like everybody else
        except ConnectionClosed:
            pass  # without a close frame, or with an error: the session ends all the same

    def _receive(self, frame: str | bytes) -> list[Effect]:
        if isinstance(frame, bytes):
            return [api_errors.binary_frame().event()]
        sent = decode(frame)
        if isinstance(sent, Malformed):
            return [_refuse(sent.reason).event()]
        try:
            return self.core.receive(sent)
        except Exception:  # a fault of ours must not end the client's session
            logger.exception("a client event could not be carried out")
            event_id = sent.get("event_id")
            return [api_errors.server_fault(self.id).event(event_id if isinstance(event_id, str) else None)]

    # out --------------------------------------------------------------------------------------------------------------

    async def _perform(self, effects: list[Effect], origin: ClientConnection | None = None) -> None:
        """Send events and carry out commands, in order. An error goes to the client that caused it."""
        for effect in effects:
            if isinstance(effect, dict):
                self._send(effect, origin)
            else:
                await _COMMANDS[type(effect)](self, effect)
        for response, task in list(self._answering.values()):
            if response.finished and task is not asyncio.current_task():
                task.cancel()

    def _send(self, event: Json, origin: ClientConnection | None = None) -> None:
        for link in self._links:
            if event["type"] == "error" and origin not in (None, link):
                continue
            if event["type"] == "response.output_audio.delta" and link.sideband:
                continue  # a sideband controls; the sound goes to who opened the call
            link.send(event)

    async def _emit(self, events: list[Json]) -> None:
        for event in events:
            self._send(event)
        if self._links:
            await self._links[0].has_room()

    async def _expire(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        expired = api_errors.session_expired(seconds / 60)
        self._send(expired.event())
        for link in self._links:
            link.end(1001, expired.message)

    # tasks ------------------------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        assert self._group is not None
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()

    # commands ---------------------------------------------------------------------------------------------------------

    async def _hear(self, command: FeedAudio) -> None:
        await self._room.engines()
        for pcm in command.pieces:
            await self._perform(self.core.heard(pcm))
            await asyncio.sleep(0)

    async def _start(self, command: StartResponse) -> None:
        response = command.response
        task = self._spawn(self._answer(response), response.id)
        self._answering[response.id] = response, task
        task.add_done_callback(lambda _: self._answering.pop(response.id, None))

    async def _answer(self, response: Response) -> None:
        if any(link.quota_spent for link in self._links):
            await self._perform(self.core.finished(response, "failed", {"error": QUOTA}))
            return
        for item in response.context:
            if hearing := self._hearing.get(item.id):
                await asyncio.wait([hearing])

        played = 0

        async def emit(events: list[Json]) -> None:
            nonlocal played
            self._count_playback(response.sound_bytes - played)
            played = response.sound_bytes
            await self._emit(events)

        speaking = ResponseWriter(
            response,
            self._room,
            pace=self._pace,
            emit=emit,
            inject_fault=self._links[0].inject_fault,
            mcp_servers=self.core.state.mcp_servers,
        )
        status, details = await speaking.run(self._engine)
        await self._perform(self.core.finished(response, status, details))

    def _count_playback(self, length: int) -> None:
        if length > 0:
            now = asyncio.get_running_loop().time()
            self._playback_end = max(self._playback_end, now) + PCM16.milliseconds(length) / 1000

    async def _recognise(self, command: Transcribe) -> None:
        item = command.item
        task = self._spawn(self._transcribe(item), f"hears {item.id}")
        self._hearing[item.id] = task
        task.add_done_callback(lambda _: self._hearing.pop(item.id, None))

    async def _transcribe(self, item: Item) -> None:
        await self._perform(self.core.recognised(item, await self._text_of(b"".join(item.audio.values()))))

    async def _text_of(self, pcm: bytes) -> str | None:
        """What was said; None without a recogniser, or when it fails."""
        recognizer = (await self._room.engines()).recognizer
        if recognizer is None:
            return None
        try:
            return await self._room.work(recognizer.transcribe, pcm)
        except Exception:  # a recogniser is foreign code; the session goes on without a transcript
            logger.exception("the recogniser failed")
            return None

    async def _recognise_partly(self, command: TranscribePartial) -> None:
        """At most one attempt at a time, and only by a recogniser that is quick enough."""
        recognizer = (await self._room.engines()).recognizer
        if recognizer and recognizer.partials and (self._attempting is None or self._attempting.done()):
            self._attempting = self._spawn(self._transcribe_partly(command), f"hears {command.item_id} so far")

    async def _transcribe_partly(self, command: TranscribePartial) -> None:
        text = await self._text_of(command.pcm)
        await self._perform(self.core.partly_recognised(command.item_id, text or ""))

    async def _judge(self, command: EvaluatePause) -> None:
        self._spawn(self._judge_pause(command.pcm), "judges a pause")

    async def _judge_pause(self, pcm: bytes) -> None:
        await self._perform(self.core.judged(await self._text_of(pcm) or ""))

    async def _arm_idle(self, command: SetIdleTimer) -> None:
        self._disarm()
        if command.seconds is not None:
            loop = asyncio.get_running_loop()
            when = max(loop.time(), self._playback_end) + command.seconds
            self._idle = loop.call_at(when, lambda: self._spawn(self._idle_elapsed(), "idle timeout"))

    async def _idle_elapsed(self) -> None:
        await self._perform(self.core.idle_elapsed())

    def _disarm(self) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None

    async def _close(self, command: Close) -> None:
        for link in self._links:
            link.end(command.code, command.reason)


def _refuse(reason: str) -> ApiError:
    """Why a frame is no event, in the API's words."""
    if reason.startswith("not JSON"):
        return api_errors.invalid_json(reason.removeprefix("not JSON ").strip("()"))
    return api_errors.missing_type() if "'type'" in reason else api_errors.not_an_object(reason)


_COMMANDS: Mapping[type[Command], Callable[[LiveSession, Any], Awaitable[None]]] = {
    FeedAudio: LiveSession._hear,
    StartResponse: LiveSession._start,
    Transcribe: LiveSession._recognise,
    TranscribePartial: LiveSession._recognise_partly,
    EvaluatePause: LiveSession._judge,
    SetIdleTimer: LiveSession._arm_idle,
    Close: LiveSession._close,
}
