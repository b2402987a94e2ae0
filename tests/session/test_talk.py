"""Turns of the user, typed and from files, and what stops the assistant."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtcli.dsp.wav import write_wav
from rtcli.errors import (
    ExitCode,
    NotConnectedError,
)
from rtcli.protocol.ids import short_id
from rtcli.protocol.provenance import caused_by
from rtcli.views import SpeechDelta, SpeechDone
from tests.kit.sessions import ManualSpeaker, live_session

SOUND = {"output_modalities": ["audio"]}


async def test_a_typed_turn_streams_text_and_ends_whole() -> None:
    """Deltas, then the whole text; the history holds both sides."""
    async with live_session() as live:
        live.session.talk.say("hello")
        await live.idle()

        deltas, (done,) = live.shown(SpeechDelta), live.shown(SpeechDone)
        assert "".join(delta.delta for delta in deltas) == done.text
        assert [getattr(item, "role", "") for item in live.session.state.history] == ["user", "assistant"]
        assert live.session.exit_code is ExitCode.OK


async def test_an_interruption_cuts_where_it_was_heard_and_prints_its_arithmetic() -> None:
    """received, heard and audio_end_ms are the samples that arrived and left the device."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        live.session.talk.say("count to 30")
        item_id, index = await live.until_sound()
        speaker = live.session.audio.speaker
        assert isinstance(speaker, ManualSpeaker)
        speaker.hear(310)
        received = live.session.transport.playback.received_ms(item_id, index)

        assert live.session.talk.interrupt()
        await live.idle()
        (truncate,) = live.events("conversation.item.truncate")
        assert truncate["audio_end_ms"] == 310
        assert speaker.stops
        (notice,) = [n for n in live.notices if n.startswith("interrupted")]
        what = f"interrupted {short_id(item_id)}: received {received} ms, heard 310 ms -> audio_end_ms=310"
        assert notice.startswith(what)
        assert live.events("conversation.item.truncated")
        assert not [n for n in live.notices if "cancelled" in n], "told once is enough"


async def test_words_that_were_not_heard_are_told_once() -> None:
    """While the text is being made its own end says so, afterwards the notice does."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND, server={"pace": 1.0}) as live:
        live.session.talk.say("count to 30")
        await live.until_sound(400)
        live.session.talk.interrupt()
        await live.idle()

        (done,) = live.shown(SpeechDone)
        assert done.heard is not None and done.heard < len(done.text)
        assert not [n for n in live.notices if "not heard" in n]


async def test_the_words_that_were_not_heard_are_named() -> None:
    """After an interruption the rest of the transcript is told apart from what was heard."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        live.session.talk.say("count to 30")
        await live.until(lambda: live.records("response.output_audio_transcript.done"))
        (key, received) = next(iter(live.session.audio.speaker.queued.items()))  # type: ignore[union-attr]
        live.session.audio.speaker.hear(received // 2)  # type: ignore[union-attr]
        live.session.talk.interrupt()

        heard = live.session.state.transcripts.heard(*key)
        text = live.session.state.transcripts.text("assistant", *key)
        assert heard is not None and 0 < heard < len(text)
        assert any("not heard: “" in notice for notice in live.notices)


async def test_an_answer_without_sound_is_interrupted_too() -> None:
    """Text in the making is cancelled; nothing is truncated."""
    async with live_session(server={"pace": 1.0}) as live:
        live.session.talk.say("count to 100")
        await live.until(lambda: live.shown(SpeechDelta))

        assert live.session.talk.interrupt()
        await live.idle()
        assert live.sent().count("response.cancel") == 1
        assert "conversation.item.truncate" not in live.sent()
        assert live.events("response.done")[-1]["response"]["status"] == "cancelled"
        assert live.session.exit_code is ExitCode.OK, "a response that we cancelled is no failure"


@pytest.mark.parametrize("then", ["interrupt", "say"])
async def test_an_answer_is_cancelled_once(then: str) -> None:
    """A user who stops it again, or types on, is quicker than the server; a second cancel would be refused there."""
    async with live_session(server={"pace": 1.0}, config=SOUND) as live:
        live.session.talk.say("count to 100")
        await live.until(lambda: live.records("response.output_audio.delta"))

        assert live.session.talk.interrupt()
        if then == "say":
            live.session.talk.say("hello")
        else:
            assert live.session.talk.interrupt()
        await live.idle()
        assert live.sent().count("response.cancel") == 1
        assert live.events("error") == [] and live.session.exit_code is ExitCode.OK


async def test_there_may_be_nothing_to_interrupt() -> None:
    """Then nothing goes out."""
    async with live_session() as live:
        before = live.sent()

        assert not live.session.talk.interrupt()
        assert live.sent() == before


@pytest.mark.parametrize("barge_in", [True, False])
async def test_typing_stops_the_assistant_while_it_speaks_unless_switched_off(barge_in: bool) -> None:
    """The cancel and the cut come before the new message."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND, server={"pace": 1.0}) as live:
        live.session.talk.barge_in = barge_in
        live.session.talk.say("count to 30")
        await live.until_sound(200)
        before = len(live.sent())
        live.session.talk.say("stop")

        wanted = ["response.cancel", "conversation.item.truncate"] if barge_in else []
        assert live.sent()[before:] == [*wanted, "conversation.item.create"]
        live.session.talk.interrupt()


async def test_a_file_is_played_into_the_session_as_a_turn(tmp_path: Path) -> None:
    """/play --commit: the whole file goes out, once, and is answered."""
    file = tmp_path / "turn.wav"
    write_wav(file, bytes(16_000 * 2), 16_000)
    async with live_session() as live:
        assert len((await live.session.talk.play(file, commit=True)).pcm) == 48_000
        await live.idle()

        sent = sum(len(str(event["audio"])) * 3 // 4 for event in live.events("input_audio_buffer.append"))
        assert abs(sent - 48_000) < 200
        assert live.events("response.done")


async def test_requests_that_coalesce_have_one_cause() -> None:
    """One response.create serves both, and is blamed on the later."""
    async with live_session(server={"pace": 0.2}) as live:
        live.session.talk.say("count to 5")
        for cause in ("/one", "/two"):
            with caused_by(cause):
                live.session.talk.respond()
        await live.until(lambda: len(live.records("response.done")) == 2)

        assert [record.cause for record in live.records("response.create")][1:] == ["/two"]


async def test_a_request_without_a_connection_leaves_nothing_behind() -> None:
    """The next one has its own cause."""
    async with live_session() as live:
        await live.session.lifecycle.disconnect()
        with caused_by("/lost"), pytest.raises(NotConnectedError):
            live.session.talk.respond()
        await live.session.lifecycle.reconnect()
        with caused_by("/found"):
            live.session.talk.respond()
        await live.idle()

        assert live.records("response.create")[-1].cause == "/found"
