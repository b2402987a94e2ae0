"""Conversation: the server's copy of its items, and changes to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rtcli.dsp.wav import write_wav
from rtcli.errors import UsageError
from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.events import mapping_of
from rtcli.protocol.items import Item
from rtcli.session.audio import SessionAudio
from rtcli.session.link import Link


class Conversation:
    """Acts on items. What the conversation holds is the history of the session's state."""

    def __init__(self, link: Link, audio: SessionAudio) -> None:
        self._link = link
        self._audio = audio

    async def retrieve(self, item_id: str) -> Mapping[str, Any]:
        """The server's copy of an item, audio included. Raises ServerError for one that it does not have."""
        self._link.require_conversation()
        frame = await self._link.ask("conversation.item.retrieve", item_id=item_id)
        return mapping_of((frame.event or {}).get("item"))

    async def delete(self, item_id: str) -> None:
        """Delete an item of the conversation."""
        self._link.require_conversation()
        await self._link.ask("conversation.item.delete", item_id=item_id)

    async def truncate(self, item_id: str, audio_end_ms: int, content_index: int = 0) -> None:
        """Cut a spoken answer: what is said after `audio_end_ms` is forgotten."""
        self._link.require_conversation()
        fields = {"item_id": item_id, "content_index": content_index, "audio_end_ms": audio_end_ms}
        await self._link.ask("conversation.item.truncate", **fields)

    async def reset(self, new: Iterable[Item | Mapping[str, Any]]) -> int:
        """Make the conversation into these items; how many changes the server did not take.

        Raises UsageError for items that the API does not take.
        """
        self._link.require_conversation()
        since = self._link.state.log.last_number
        self._link.transport.reset_history(list(self._link.state.history), list(new))
        return await self._link.untaken(since)

    def save_audio(self, item: Mapping[str, Any], path: Path, *, replace: bool = False) -> int:
        """Write the audio of a retrieved item as WAV; its milliseconds. Raises UsageError where there is none."""
        pcm = self._audio.of_item(item)
        if not pcm:
            raise UsageError(f"{item.get('id')} holds no audio")
        write_wav(path, pcm, replace=replace)
        return PCM16.milliseconds(len(pcm))
