"""The server's items: fetched, exported, and none that the conversation does not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtcli.dsp.wav import read_wav
from rtcli.errors import (
    UsageError,
)
from tests.kit.sessions import ManualSpeaker, live_session

SOUND = {"output_modalities": ["audio"]}


async def test_an_answer_beside_the_conversation_is_not_part_of_it() -> None:
    """The server has no such item: it could be neither cut, nor deleted, nor fetched."""
    async with live_session() as live:
        live.session.talk.respond({"conversation": "none"})
        live.session.talk.say("hello")
        await live.idle()

        assert len(live.records("response.done")) == 2
        assert [getattr(item, "role", "") for item in live.session.state.history] == ["user", "assistant"]


async def test_the_conversation_is_written_as_sound(tmp_path: Path) -> None:
    """Export asks the server for every spoken item; an empty conversation is refused."""
    file = tmp_path / "all.wav"
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        with pytest.raises(UsageError, match="has no audio"):
            await live.session.conversation.export_wav(file)
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.done"))
        milliseconds = await live.session.conversation.export_wav(file)

        pcm, rate = read_wav(file)
        assert (len(pcm) // 48, rate) == (milliseconds, 24_000)
