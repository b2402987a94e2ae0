"""Makes one response: the pieces of a reply become events, at the pace of writing or speaking."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.events import WireObject
from rtcli.protocol.faults import FaultAction, parse_step
from rtcli.server.engines import SpokenChunk
from rtcli.server.replies.base import (
    Call,
    Fail,
    InjectFault,
    OfferedTool,
    Pause,
    Piece,
    Play,
    ReplyEngine,
    ReplyRequest,
    Say,
)
from rtcli.server.runtime.engine_pool import EnginePool
from rtcli.server.session import mcp
from rtcli.server.session.response import Response
from rtcli.server.validation import api_errors

logger = logging.getLogger("rtcli.server")

FIRST_DELAY = 0.05  # seconds before the first piece, at pace 1
TEXT_DELAY = 0.02  # seconds after each delta of text or arguments
CHUNK_MS = 200  # audio in one delta
AUDIO_SPEED = 4.0  # how many times faster than real time audio is sent
_LATE = 0.02  # seconds that the loop may be late before responses with audio to spare make way for the others
_SPARE = 1.0  # seconds of audio that a client has not played yet

_WORDS = re.compile(r"\S+\s*|\s+")
# what is spoken in one go: a sentence, a long clause, or what goes on for too long without either
_SENTENCE = re.compile(r"(.{,240}?[.!?…:;。！？][\"'”’)]*\s+|.{80,240}?,\s+|.{240,1000}?\s+|.{1000})", re.S)
_ARGUMENT_PIECE = 12  # characters of arguments in one delta
QUOTA = {
    "type": "insufficient_quota",
    "code": "insufficient_quota",
    "message": "You exceeded your current quota, please check your plan and billing details.",
}


class ResponseWriter:
    """One response being made. `emit` sends events and waits for a slow client; `inject_fault` carries out a fault."""

    def __init__(
        self,
        response: Response,
        pool: EnginePool,
        *,
        pace: float,
        emit: Callable[[list[WireObject]], Awaitable[None]],
        inject_fault: Callable[[FaultAction], None],
        mcp_servers: Mapping[str, WireObject],
        sent: list[WireObject],
    ) -> None:
        self._response = response
        self._pool = pool
        self._pace = pace
        self._emit = emit
        self._inject_fault = inject_fault
        self._servers = mcp_servers
        self._sent = sent
        self._spoken = response.options.modality == "audio"
        self._unspoken = ""  # text that waits for the end of its sentence
        self._began = asyncio.get_running_loop().time()
        self._plays_until = 0.0  # when a client that plays at once has played what was sent

    async def run(self, engine: ReplyEngine) -> tuple[str, WireObject | None]:
        """Make the response. Returns the status and details that it ends with."""
        await self._wait(FIRST_DELAY)
        request = self._request()
        try:
            async for piece in engine.reply(request):
                if self._response.exhausted:
                    return "incomplete", {"reason": "max_output_tokens"}
                if isinstance(piece, Fail):
                    await self._speak_rest()
                    return ("incomplete", {"reason": piece.incomplete}) if piece.incomplete else _failed(piece.error)
                await _PIECES[type(piece)](self, piece)
            await self._speak_rest()
        except Exception:  # an engine is anybody's code; its failure is this response's, not the session's
            logger.exception("the reply engine failed")
            fault = api_errors.server_fault(self._response.id)
            return _failed({"type": fault.type, "code": "reply_failed", "message": fault.message})
        if self._response.exhausted:
            return "incomplete", {"reason": "max_output_tokens"}
        return "completed", None

    def _request(self) -> ReplyRequest:
        options = self._response.options
        return ReplyRequest(
            context=self._response.context,
            instructions=options.instructions,
            own_instructions=options.own_instructions,
            tools=tuple(self._tools()),
            tool_choice=options.tool_choice,
            parallel_tool_calls=options.parallel_tool_calls,
            max_output_tokens=options.max_output_tokens,
            sent=self._sent,
        )

    def _tools(self) -> Iterator[OfferedTool]:
        for tool in self._response.options.tools:
            if tool["type"] == "function":
                yield OfferedTool(tool["name"], tool.get("description", ""), tool.get("parameters") or {})
                continue
            for listed in mcp.tools_of(self._servers[tool["server_label"]]):
                yield OfferedTool(listed["name"], listed["description"], listed["input_schema"], tool["server_label"])

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._pace if self._pace else 0)

    # text and audio ---------------------------------------------------------------------------------------------------

    async def _say(self, piece: Say) -> None:
        if not self._spoken:
            await self._emit(self._response.say(piece.text))
            await self._wait(TEXT_DELAY)
            return
        self._unspoken += piece.text
        while match := _SENTENCE.match(self._unspoken):
            self._unspoken = self._unspoken[match.end() :]
            await self._speak(match.group())

    async def _speak_rest(self) -> None:
        text, self._unspoken = self._unspoken, ""
        if text:
            await self._speak(text)

    async def _speak(self, text: str) -> None:
        options = self._response.options
        chunks, chunk = await self._pool.speak(text, options.voice, options.speed, self._due)
        while chunk:
            await self._play(chunk)
            if self._response.exhausted:
                return
            chunk = await self._pool.next_chunk(chunks, self._due)

    @property
    def _due(self) -> float:
        """When more audio is needed, by the loop's clock: at once, or when the client has played what it has."""
        return max(self._began, self._plays_until)

    async def _play(self, chunk: SpokenChunk) -> None:
        """Audio in pieces of 200 ms, faster than it plays, its words always ahead of it."""
        words = _WORDS.findall(chunk.text)
        size = PCM16.byte_length(CHUNK_MS)
        pieces = [chunk.pcm[start : start + size] for start in range(0, len(chunk.pcm), size)] or [b""]
        said = 0  # words that have been sent
        for number, pcm in enumerate(pieces):
            ahead = math.ceil(len(words) * min(1.0, (number + 3) / len(pieces)))  # three pieces before its audio
            for word in words[said:ahead]:
                await self._emit(self._response.say(word))
            said = max(said, ahead)
            if pcm:
                await self._emit(self._response.add_audio(pcm))
            await self._pace_audio(PCM16.milliseconds(len(pcm)) / 1000)
            if self._response.exhausted:
                return

    async def _pace_audio(self, seconds: float) -> None:
        """Send audio faster than it plays; on a busy server, no faster than the other sessions have time for."""
        if not self._pace:
            await self._wait(0)
            return
        loop, wait = asyncio.get_running_loop(), seconds / AUDIO_SPEED / self._pace
        began = loop.time()
        self._plays_until = max(self._plays_until, began) + seconds
        await asyncio.sleep(wait)
        now = loop.time()
        if more := making_way(late=now - began - wait, ahead=self._plays_until - now):
            await asyncio.sleep(more)

    async def _play_piece(self, piece: Play) -> None:
        await self._speak_rest()
        if self._spoken:
            await self._play(SpokenChunk(piece.text, piece.pcm))
        elif piece.text:
            await self._emit(self._response.say(piece.text))

    # calls ------------------------------------------------------------------------------------------------------------

    async def _call(self, piece: Call) -> None:
        await self._speak_rest()
        if piece.tool.server_label is not None:
            await self._call_mcp(piece, piece.tool.server_label)
            return
        await self._emit(self._response.open_call(piece.tool.name))
        for start in range(0, len(piece.arguments), _ARGUMENT_PIECE):
            await self._emit(self._response.call_arguments(piece.arguments[start : start + _ARGUMENT_PIECE]))
            await self._wait(TEXT_DELAY)
        await self._emit(self._response.close_item())

    async def _call_mcp(self, piece: Call, label: str) -> None:
        """Ask for approval, or play the call: its result is there before the response ends."""
        response, name = self._response, piece.tool.name
        if mcp.needs_approval(self._servers[label], name):
            await self._emit(response.add_item(mcp.approval_item(label, name, piece.arguments)))
            await self._emit(response.close_item())
            return
        item = mcp.call_item(label, name, piece.arguments)
        await self._emit(response.add_item(item))
        place = response.last_place()
        await self._emit(mcp.arguments_events(piece.arguments, place))
        await self._emit(mcp.run(item, {"item_id": item.id, "output_index": place["output_index"]}))
        await self._emit(response.close_item())

    # the rest ---------------------------------------------------------------------------------------------------------

    async def _pause(self, piece: Pause) -> None:
        await self._speak_rest()
        await asyncio.sleep(piece.seconds)  # a script means its seconds, whatever the pace

    async def _fault(self, piece: InjectFault) -> None:
        await self._speak_rest()
        self._inject_fault(parse_step(piece.what))


def making_way(*, late: float, ahead: float) -> float:
    """Seconds to wait beyond the pace: the more the later the loop is, and never until the audio would run out."""
    return min(20 * late, ahead - _SPARE / 2) if late > _LATE and ahead > _SPARE else 0.0


def _failed(error: WireObject) -> tuple[str, WireObject]:
    return "failed", {"error": {key: error[key] for key in ("type", "code", "message") if key in error}}


_PIECES: Mapping[type[Piece], Callable[[ResponseWriter, Any], Awaitable[None]]] = {
    Say: ResponseWriter._say,
    Play: ResponseWriter._play_piece,
    Call: ResponseWriter._call,
    Pause: ResponseWriter._pause,
    InjectFault: ResponseWriter._fault,
}
