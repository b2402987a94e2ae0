"""Speaks the sentences of a translation session, at the pace of speech, its words ahead of their audio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.events import WireObject
from rtcli.server.runtime.engine_pool import EnginePool
from rtcli.server.session.translation import TranslationCore

_CHUNK_MS = 200  # audio in one delta
_VOICE = "marin"  # the API lets nobody choose one here


async def speak(
    core: TranslationCore,
    text: str,
    pool: EnginePool,
    *,
    pace: float,
    emit: Callable[[list[WireObject]], Awaitable[None]],
) -> None:
    """Say a sentence. Each piece of audio takes its own time, times `pace`."""
    chunks, chunk = await pool.speak(text, _VOICE, 1.0)
    size = PCM16.byte_length(_CHUNK_MS)
    while chunk:
        words = chunk.text
        for start in range(0, len(chunk.pcm) or 1, size):
            pcm = chunk.pcm[start : start + size]
            await emit(core.said(words, pcm))
            words = ""
            await asyncio.sleep(PCM16.milliseconds(len(pcm)) / 1000 * pace)
        chunk = await pool.next_chunk(chunks)
