"""Commands to talk."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from rtcli.errors import InputError, UsageError
from rtcli.views import ImagePreview, Notice, SpeechDone
from tests.kit.sessions import live_session

NEEDS_A_CONNECTION = (
    *("hello", "/respond", "/interrupt", "/image x.png", "/unmute", "/commit", "/discard", "/ptt", "/play x.wav"),
    *("/session set instructions=x", '/send {"type": "response.create"}', "/item i", "/reset", "/system x", "/vad off"),
)


async def test_say_sends_whatever_it_is_given() -> None:
    """Also what would be a command or an event."""
    async with live_session() as live:
        await live.run("/say /quit {now}")
        await live.idle()

        (create,) = [r.event for r in live.records("conversation.item.create") if r.event]
        assert create["item"]["content"] == [{"type": "input_text", "text": "/quit {now}"}]


async def test_a_system_message_asks_for_no_answer() -> None:
    """It steers, and is not answered."""
    async with live_session() as live:
        await live.run("/system be brief")
        await live.idle()

        assert live.events("conversation.item.create")[0]["item"]["role"] == "system"
        assert "response.create" not in live.sent()


async def test_a_picture_is_sent_with_its_question_and_described(tmp_path: Path) -> None:
    """The line says what was sent: kind, pixels, bytes; the answer is about it."""
    Image.new("RGB", (64, 48)).save(tmp_path / "a.webp")
    async with live_session() as live:
        (preview, notice) = await live.run(f"/image {tmp_path / 'a.webp'} What size is this?")
        assert preview == ImagePreview(64, 48, bytes(3 * 64 * 48))
        await live.idle()

        assert isinstance(notice, Notice)
        assert "64x48" in notice.what and "converted from WEBP" in notice.why
        (done,) = live.shown(SpeechDone)
        assert "64" in done.text and "48" in done.text


async def test_a_picture_that_cannot_be_sent_sends_nothing(tmp_path: Path) -> None:
    """A folder, a text."""
    (tmp_path / "a.txt").write_text("no picture")
    async with live_session() as live:
        for name in ("", "a.txt"):
            with pytest.raises(InputError):
                await live.run(f"/image {tmp_path / name}")

        assert "conversation.item.create" not in live.sent()


async def test_an_answer_can_be_overridden_for_once() -> None:
    """Fields go into response.create as they are."""
    async with live_session() as live:
        await live.run('/respond metadata={"a":"b"} conversation=none')
        await live.idle()

        (created,) = live.events("response.created")
        assert created["response"]["metadata"] == {"a": "b"}
        assert created["response"]["conversation_id"] is None


async def test_an_answer_waits_for_the_one_that_runs() -> None:
    """And the user is told so."""
    async with live_session(server={"pace": 0.3}) as live:
        await live.run("count to 10")
        (notice,) = await live.run("/respond")
        await live.idle()

        assert isinstance(notice, Notice) and "a response is in progress" in notice.what
        assert len(live.events("response.done")) == 2


async def test_interrupt_without_an_answer_says_so() -> None:
    """It is not an error."""
    async with live_session() as live:
        assert await live.run("/stop") == [Notice("nothing to interrupt")]


async def test_barge_in_is_a_switch() -> None:
    """Without a word it only tells."""
    async with live_session() as live:
        await live.run("/bargein off")
        assert live.session.talk.barge_in is False
        (notice,) = await live.run("/bargein")
        assert isinstance(notice, Notice) and "off" in notice.what


async def test_without_a_connection_every_command_says_how_to_get_one() -> None:
    """/reconnect, not a traceback."""
    async with live_session() as live:
        await live.session.lifecycle.disconnect()
        for line in NEEDS_A_CONNECTION:
            with pytest.raises(UsageError) as caught:
                await live.run(line)
            assert "/reconnect" in caught.value.hint, line
