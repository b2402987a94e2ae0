"""Runs the recognizer for one session: committed items, the pauses of a turn, and a turn that goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from rtcli.server.runtime.engine_pool import EnginePool
from rtcli.server.session.core import ServerCore
from rtcli.server.session.effects import EvaluatePause, ServerEffect, Transcribe, TranscribePartial
from rtcli.server.session.items import ConversationItem
from rtcli.server.session.translation import TranslationCore

logger = logging.getLogger("rtcli.server")

MAX_WAITING = 64 * 2**20
"""Bytes of audio that may wait for the recognizer; a client that commits more waits until some of it is done."""
_MAX_ITEMS = 1_000
_NOT_URGENT = 0.5  # seconds that a turn which goes on can wait for those that are over


class Transcriber:
    """`spawn` starts a task of the session, `perform` carries out what the core makes of a transcript."""

    def __init__(
        self,
        core: ServerCore | TranslationCore,
        pool: EnginePool,
        *,
        spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
        perform: Callable[[list[ServerEffect]], Awaitable[None]],
    ) -> None:
        self._core = core
        self._pool = pool
        self._spawn = spawn
        self._perform = perform
        self._items: dict[str, asyncio.Task[None]] = {}  # items that are being transcribed
        self._waiting = 0  # bytes of their audio
        self._pauses: asyncio.Task[None] | None = None  # looks at one pause after the other
        self._next_pause: bytes | None = None  # the audio before the last one, if it is still to be looked at
        self._partial: asyncio.Task[None] | None = None  # the last attempt at a turn that goes on

    async def transcribed(self, items: Iterable[ConversationItem]) -> None:
        """Wait until nothing of these items is being transcribed."""
        for item in items:
            if task := self._items.get(item.id):
                await asyncio.wait([task])

    @property
    def is_full(self) -> bool:
        """Whether so much waits for the recognizer that nothing more is to be read."""
        return self._waiting > MAX_WAITING or len(self._items) > _MAX_ITEMS

    async def room(self, closed: Coroutine[Any, Any, None]) -> None:
        """Wait until not too much waits for the recognizer, or until `closed` returns: nobody needs it then."""
        over = asyncio.ensure_future(closed)
        try:
            while not over.done() and self.is_full:
                await asyncio.wait([over, *self._items.values()], return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()

    async def start(self, command: Transcribe) -> None:
        """Transcribe a committed item."""
        item_id, pcm = command.item.id, b"".join(command.item.audio.values())  # of all its parts, as one
        self._waiting += len(pcm)
        task = self._spawn(self._transcribe(command.item, pcm), f"transcribes {item_id}")
        self._items[item_id] = task
        task.add_done_callback(lambda _: self._done(item_id, len(pcm)))

    def _done(self, item_id: str, length: int) -> None:
        self._waiting -= length
        self._items.pop(item_id, None)

    async def start_partial(self, command: TranscribePartial) -> None:
        """At most one attempt at a time, and only by a recognizer that is quick enough."""
        recognizer = (await self._pool.engines()).recognizer
        if recognizer and recognizer.partials and (self._partial is None or self._partial.done()):
            self._partial = self._spawn(self._transcribe_partial(command), f"transcribes {command.item_id} so far")

    async def start_pause(self, command: EvaluatePause) -> None:
        """Transcribe what was said before a pause, unless another one comes before its turn."""
        self._next_pause = command.pcm
        if self._pauses is None or self._pauses.done():
            self._pauses = self._spawn(self._transcribe_pauses(), "transcribes pauses")

    async def _transcribe(self, item: ConversationItem, pcm: bytes) -> None:
        text = await self._text_of(pcm)
        await self._perform(self._core.transcribed(item, text))

    async def _transcribe_partial(self, command: TranscribePartial) -> None:
        text = await self._text_of(command.pcm, _NOT_URGENT)
        assert isinstance(self._core, ServerCore), "a translation has no such command"
        await self._perform(self._core.partly_transcribed(command.item_id, text or ""))

    async def _transcribe_pauses(self) -> None:
        assert isinstance(self._core, ServerCore), "a translation has no such command"
        while self._next_pause is not None:
            pcm, self._next_pause = self._next_pause, None
            await self._perform(self._core.pause_transcribed(await self._text_of(pcm, _NOT_URGENT) or ""))

    async def _text_of(self, pcm: bytes, later: float = 0.0) -> str | None:
        """What was said; None without a recognizer, or when it fails."""
        recognizer = (await self._pool.engines()).recognizer
        if recognizer is None:
            return None
        try:
            return await self._pool.work(recognizer.transcribe, pcm, due=asyncio.get_running_loop().time() + later)
        except Exception:  # a recognizer is foreign code; the session goes on without a transcript
            logger.exception("the recognizer failed")
            return None
