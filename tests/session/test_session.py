"""A session on the local server: it talks, tells what happens, and ends in order."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from rtcli.config.endpoints import Endpoint
from rtcli.dsp.wav import read_wav, write_wav
from rtcli.errors import (
    AudioUnavailableError,
    ConnectError,
    ConnectionLostError,
    ExitCode,
    NotConnectedError,
    ServerError,
    UsageError,
)
from rtcli.protocol.ids import short_id
from rtcli.protocol.items import MessageItem
from rtcli.protocol.record import Direction, Frame
from rtcli.server import RealtimeServer
from rtcli.session.provenance import caused_by
from rtcli.session.session import RealtimeSession
from rtcli.transports import OpenAIRealtimeSIP, OpenAIRealtimeWebSocket
from rtcli.views import Level, Notice, SpeechDelta, SpeechDone
from tests.kit.events import CREATED, error, text_response
from tests.kit.fake_server import Conversation, Script, answers, fake_server, refuses, reply_to, silent
from tests.kit.sessions import Live, ManualMicrophone, ManualSpeaker, live_session, session_at, session_on
from tests.kit.waiting import DEADLINE, until

SOUND = {"output_modalities": ["audio"]}


async def until_sound(live: Live, milliseconds: int = 1000) -> tuple[str, int]:
    """Wait until so much of an answer has come; the part that it belongs to."""
    speaker = live.session.audio.speaker
    assert isinstance(speaker, ManualSpeaker)
    await live.until(lambda: any(ms >= milliseconds for ms in speaker.queued.values()))
    return max(speaker.queued, key=lambda key: speaker.queued[key])


async def test_a_typed_turn_streams_text_and_ends_whole() -> None:
    """Deltas, then the whole text; the history holds both sides."""
    async with live_session() as live:
        live.session.talk.say("hello")
        await live.idle()

        deltas, (done,) = live.shown(SpeechDelta), live.shown(SpeechDone)
        assert "".join(delta.delta for delta in deltas) == done.text
        assert [getattr(item, "role", "") for item in live.session.state.history] == ["user", "assistant"]
        assert live.session.exit_code is ExitCode.OK


async def test_without_a_speaker_the_session_asks_for_text_and_says_so_once() -> None:
    """No output device is not an error, and no silent session either."""
    async with live_session() as live:
        assert live.session.status.modalities == ("text",)
        assert sum("answers will be text" in notice for notice in live.notices) == 1


async def test_a_speaker_that_cannot_be_had_is_named_and_text_asked_for() -> None:
    """The device's own reason reaches the user."""
    async with live_session(speaker=ManualSpeaker(available=False)) as live:
        assert live.session.status.modalities == ("text",)
        assert [notice for notice in live.notices if "answers will be text" in notice] == [
            "no output device: answers will be text | this machine has none | "
        ]


async def test_who_chose_text_or_sound_is_not_lectured() -> None:
    """A config that names its modalities is taken as it is."""
    async with live_session(config={"output_modalities": ["audio"]}) as live:
        assert live.session.status.modalities == ("audio",)
        assert live.notices == []


async def test_an_interruption_cuts_where_it_was_heard_and_prints_its_arithmetic() -> None:
    """received, heard and audio_end_ms are the samples that arrived and left the device."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        live.session.talk.say("count to 30")
        item_id, index = await until_sound(live)
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
        await until_sound(live, 400)
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
        await until_sound(live, 200)
        before = len(live.sent())
        live.session.talk.say("stop")

        wanted = ["response.cancel", "conversation.item.truncate"] if barge_in else []
        assert live.sent()[before:] == [*wanted, "conversation.item.create"]
        live.session.talk.interrupt()


async def test_what_arrives_is_played_and_late_sound_is_not() -> None:
    """Every byte that arrives before a cut reaches the speaker, none after it."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.output_audio.done"))
        speaker = live.session.audio.speaker
        assert isinstance(speaker, ManualSpeaker)
        key = next(iter(speaker.queued))

        assert len(speaker.pcm) // 48 == live.session.transport.playback.received_ms(*key)
        assert speaker.finished == [key]


async def test_idle_waits_for_what_was_said_to_be_heard() -> None:
    """A piped chat must not hang up while the speaker still plays."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.done"))
        with pytest.raises(TimeoutError):
            await live.session.idle(0.05)
        live.session.audio.speaker.hear()  # type: ignore[union-attr]
        await live.idle()


@pytest.mark.parametrize(("kind", "rate"), [("audio/pcmu", 8000), ("audio/pcma", 8000)])
async def test_telephone_sound_is_played_at_24_khz(kind: str, rate: int) -> None:
    """Whatever format the session speaks, the speaker gets its 24 kHz PCM16, of the same length."""
    config = {**SOUND, "audio": {"output": {"format": {"type": kind}}}}
    async with live_session(speaker=ManualSpeaker(), config=config) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.output_audio.done"))
        speaker = live.session.audio.speaker
        assert isinstance(speaker, ManualSpeaker)
        key = next(iter(speaker.queued))

        assert abs(speaker.queued[key] - live.session.transport.playback.received_ms(*key)) <= 2


async def test_a_lost_connection_is_told_with_its_code_and_what_to_do() -> None:
    """Code, reason, hint, exit code 3; whoever waits for a reply gets the reason."""

    async def leaves(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.send(*reply_to(await talk.receive()))
        await talk.receive()
        await talk.socket.close(1011, "out of luck")

    async with fake_server(leaves) as server, session_on(server.url) as live:
        with pytest.raises(ConnectionLostError):
            await live.session.conversation.retrieve("item_1")

        (notice,) = [n for n in live.shown(Notice) if n.level is Level.ERROR]
        assert notice.what == "the connection was lost"
        assert "1011" in notice.why and "out of luck" in notice.why and "/reconnect" in notice.hint
        assert live.session.exit_code is ExitCode.CONNECTION
        with pytest.raises(UsageError, match="not connected"):
            live.session.talk.say("anyone?")
        await live.session.idle(DEADLINE)


async def test_a_session_that_we_close_is_not_lost() -> None:
    """Leaving is not a failure, and leaves no task behind."""
    async with live_session() as live:
        session = live.session
    names = {task.get_name() for task in asyncio.all_tasks()}

    assert session.exit_code is ExitCode.OK
    assert not [name for name in names if name.startswith(("rtcli", "tool"))]
    assert not [notice for notice in live.notices if "lost" in notice]


@pytest.mark.parametrize(
    ("script", "seconds", "kind"),
    [
        (refuses(error("invalid_api_key", "Incorrect API key"), 3000, "x"), DEADLINE, ConnectionLostError),
        (silent, 0.1, ConnectError),
    ],
)
async def test_a_start_that_fails_raises_and_leaves_nothing(
    script: Script, seconds: float, kind: type[Exception]
) -> None:
    """The server's own words reach the caller, whichever way it refuses."""
    async with fake_server(script) as server:
        session = session_at(server.url)
        with pytest.raises(kind):
            await session.start(seconds)

        assert session.transport.status == "disconnected"
        await session.close()


async def test_an_upgrade_that_is_refused_raises_with_the_status() -> None:
    """HTTP 401 is a ConnectError."""
    async with fake_server(silent, refuse=(HTTPStatus.UNAUTHORIZED, "no")) as server:
        session = session_at(server.url)
        with pytest.raises(ConnectError) as caught:
            await session.start(DEADLINE)

        assert caught.value.status == 401
        await session.close()


async def test_a_failed_response_is_one_notice_with_reason_and_hint() -> None:
    """Nothing fails silently, and the exit code says so."""
    details = {
        "type": "failed",
        "error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "No."},
    }

    async def fails(talk: Conversation) -> None:
        await talk.send(CREATED)
        while True:
            event = await talk.receive()
            failed = event["type"] == "response.create"
            await talk.send(*(text_response("resp_1", "", "failed", details) if failed else reply_to(event)))

    async with fake_server(fails) as server, session_on(server.url) as live:
        live.session.talk.respond()
        await live.until(lambda: live.records("response.done"))

        (notice,) = [n for n in live.shown(Notice) if n.level is Level.ERROR]
        assert notice.what == "response resp_1 failed"
        assert "insufficient_quota" in notice.why and "credit" in notice.hint
        assert live.session.exit_code is ExitCode.RESPONSE_FAILED


async def test_an_error_names_the_event_and_the_command_that_caused_it() -> None:
    """The guilty frame by number and type, the command that sent it, and what to do."""
    async with live_session() as live:
        with caused_by("/send"):
            (record,) = live.session.talk.send({"type": "response.cancel", "event_id": "mine"})
        await live.until(lambda: live.records("error"))

        (notice,) = [n for n in live.notices if "response_cancel_not_active" in n]
        assert f"#{record.number} response.cancel, from /send" in notice and "harmless" in notice
        assert live.session.exit_code is ExitCode.SERVER_ERROR


async def test_a_frame_that_is_no_event_is_shown_and_survived() -> None:
    """A server that sends nonsense does not end a session."""

    async def stammers(talk: Conversation) -> None:
        await talk.send(CREATED, "{nonsense")
        await answers(talk)

    async with fake_server(stammers) as server, session_on(server.url) as live:
        live.session.talk.say("still there?")
        await live.until(lambda: live.shown(SpeechDone))

        assert any("is not a valid event" in notice for notice in live.notices)


async def test_settings_are_confirmed_or_refused_in_the_servers_words() -> None:
    """set waits for session.updated; an error that names our event is raised."""
    async with live_session() as live:
        assert await live.session.settings.set("instructions", "be brief") == []
        assert live.session.transport.session and live.session.transport.session["instructions"] == "be brief"
        with pytest.raises(ServerError):
            await live.session.settings.set("audio.output.speed", 99)


async def test_a_refusal_that_a_command_raises_is_not_told_as_well() -> None:
    """One refusal, one line; a refusal that nobody waits for is still told."""
    async with live_session() as live:
        with pytest.raises(ServerError) as caught:
            await live.session.settings.set("audio.input.turn_detection.threshold", 0.7)
        assert "threshold belongs to server_vad" in caught.value.hint
        assert not [n for n in live.shown(Notice) if n.level is Level.ERROR]

        live.session.talk.send({"type": "response.cancel"})
        await live.until(lambda: [n for n in live.notices if "response_cancel_not_active" in n])
        assert live.session.exit_code is ExitCode.SERVER_ERROR


async def test_a_config_that_is_refused_is_told_when_the_session_stands() -> None:
    """The session runs on its defaults then, which nobody may find out by ear."""
    async with live_session(config={"audio": {"output": {"voice": "nobody"}}}) as live:
        (notice,) = [n for n in live.shown(Notice) if n.level is Level.ERROR]

        assert "#1 session.update" in notice.what and "nobody" in notice.why


async def test_what_was_refused_does_not_spoil_the_next_connection() -> None:
    """The API refuses an update as a whole: one wrong value would take all settings with it."""
    async with live_session() as live:
        await live.session.settings.set("instructions", "be brief")
        await live.session.settings.set("audio.output.voice", "cedar")
        for path, wrong in (
            ("audio.input.turn_detection.threshold", 0.7),
            ("audio.output.voice", "nobody"),
            ("colour", "red"),
        ):
            with pytest.raises(ServerError):
                await live.session.settings.set(path, wrong)
        await live.session.lifecycle.reconnect()

        session = live.session.transport.session or {}
        assert (session["instructions"], session["audio"]["output"]["voice"]) == ("be brief", "cedar")
        assert not [n for n in live.shown(Notice) if n.level is Level.ERROR]


async def test_a_value_that_was_refused_once_can_be_set_later() -> None:
    """The threshold that semantic detection refused belongs to the server's detection, also after a reconnection."""
    async with live_session() as live:
        with pytest.raises(ServerError):
            await live.session.settings.set("audio.input.turn_detection.threshold", 0.7)
        await live.run("/vad server threshold=0.7")
        await live.session.lifecycle.reconnect()

        audio = (live.session.transport.session or {})["audio"]
        assert audio["input"]["turn_detection"]["threshold"] == 0.7


async def test_a_session_that_has_run_its_time_is_told_in_one_notice() -> None:
    """The error says it, and what to do; the close that follows says nothing new."""
    async with live_session(server={"expires_after": 0.3}) as live:
        await live.until(lambda: live.session.transport.status == "disconnected")

        (notice,) = [n for n in live.shown(Notice) if n.level is Level.ERROR]
        assert notice.what.startswith("session_expired") and "/reconnect" in notice.hint
        assert live.session.exit_code is ExitCode.CONNECTION


async def test_the_end_of_a_session_is_announced() -> None:
    """A short one at once; the status counts down, and a new connection counts anew."""
    async with live_session(server={"expires_after": 200}) as live:
        assert any(notice.startswith("the session ends in 3 min | ") for notice in live.notices)
        assert 190 < (live.session.status.expires_in or 0) <= 200
        await live.session.lifecycle.disconnect()
        assert live.session.status.expires_in is None


async def test_reconnect_carries_settings_and_text_over() -> None:
    """The new connection has the old settings, and the conversation as text in its order."""
    async with live_session() as live:
        await live.session.settings.set("instructions", "be brief")
        live.session.talk.say("hello")
        await live.idle()
        carried = await live.session.lifecycle.reconnect()
        await live.idle()

        assert live.session.transport.session and live.session.transport.session["instructions"] == "be brief"
        assert (len(carried.items), carried.lost) == (2, ())
        assert [getattr(item, "role", "") for item in live.session.state.history] == ["user", "assistant"]
        assert live.session.status.modalities == ("text",)
        await live.session.lifecycle.reconnect(keep=False)
        assert len(live.session.state.history) == 0


async def test_words_that_nobody_heard_are_not_carried_over() -> None:
    """Else the model would believe that it has said them."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        live.session.talk.say("count to 30")
        await live.until(lambda: live.records("response.done"))
        speaker = live.session.audio.speaker
        assert isinstance(speaker, ManualSpeaker)
        speaker.hear(3000)
        live.session.talk.interrupt()
        carried = await live.session.lifecycle.reconnect()

        texts = [item.content[0]["text"] for item in carried.items if isinstance(item, MessageItem)]
        assert texts[1].startswith("1, 2") and not texts[1].endswith("30.")


async def test_an_answer_that_the_connection_took_with_it_ends_as_it_stands() -> None:
    """Nothing of it may stay open above the prompt."""
    faults = ["event=response.output_text.delta@5:drop"]
    async with live_session(server={"faults": faults, "pace": 0.2}) as live:
        live.session.talk.say("count to 30")
        await live.until(lambda: live.session.transport.status == "disconnected")

        (done,) = live.shown(SpeechDone)
        assert done.text == "".join(delta.delta for delta in live.shown(SpeechDelta))


async def test_another_model_is_another_connection() -> None:
    """The model is in the URL, so it takes a new one."""
    async with live_session() as live:
        await live.session.lifecycle.reconnect(model="gpt-realtime-mini")

        assert live.session.status.model == "gpt-realtime-mini"


async def test_unmuting_opens_the_microphone_and_what_it_hears_goes_out() -> None:
    """Nothing is recorded before the user asks; muted is muted at the source."""
    microphone = ManualMicrophone()
    async with live_session(microphone=microphone) as live:
        assert (microphone.opened, live.session.status.muted) == (False, True)
        live.session.audio.unmute()
        microphone.speak(bytes(1920))
        live.session.audio.mute()
        microphone.speak(bytes(1920))

        assert (microphone.opened, live.session.status.microphone) == (True, True)
        assert live.sent().count("input_audio_buffer.append") == 2
        assert live.session.status.input_level_db is None, "a muted microphone shows no level"


async def test_push_to_talk_without_a_microphone_changes_nothing() -> None:
    """The mode would switch voice detection off, and leave a session that hears nobody."""
    async with live_session(microphone=ManualMicrophone(available=False)) as live:
        with pytest.raises(AudioUnavailableError):
            await live.session.push_to_talk.toggle()

        assert not live.session.status.push_to_talk
        assert live.sent().count("session.update") == 1


async def test_an_answer_beside_the_conversation_is_not_part_of_it() -> None:
    """The server has no such item: it could be neither cut, nor deleted, nor fetched."""
    async with live_session() as live:
        live.session.talk.respond({"conversation": "none"})
        live.session.talk.say("hello")
        await live.idle()

        assert len(live.records("response.done")) == 2
        assert [getattr(item, "role", "") for item in live.session.state.history] == ["user", "assistant"]


async def test_push_to_talk_makes_a_turn_of_what_was_said_between_two_presses() -> None:
    """Detection is off meanwhile and comes back; the turn is committed and answered."""
    microphone = ManualMicrophone()
    async with live_session(microphone=microphone) as live:
        assert await live.session.push_to_talk.toggle()
        microphone.speak(bytes(48 * 300))
        assert not await live.session.push_to_talk.toggle()
        await live.idle()

        assert live.events("input_audio_buffer.committed") and live.events("response.done")
        audio = (live.session.transport.session or {})["audio"]
        assert audio["input"]["turn_detection"] is None and live.session.status.push_to_talk
        await live.session.push_to_talk.switch(False)
        audio = (live.session.transport.session or {})["audio"]
        assert audio["input"]["turn_detection"]["type"] == "semantic_vad"


async def test_a_turn_that_is_too_short_is_refused_here() -> None:
    """The API takes no turn under 100 ms; it is thrown away, with a reason."""
    microphone = ManualMicrophone()
    async with live_session(microphone=microphone) as live:
        await live.session.push_to_talk.toggle()
        microphone.speak(bytes(48 * 40))
        with pytest.raises(UsageError, match="too short"):
            await live.session.push_to_talk.toggle()
        with pytest.raises(UsageError, match="0 ms of audio"):
            live.session.talk.commit()

        assert "input_audio_buffer.commit" not in live.sent()


async def test_a_file_is_played_into_the_session_as_a_turn(tmp_path: Path) -> None:
    """/play --commit: the whole file goes out, once, and is answered."""
    file = tmp_path / "turn.wav"
    write_wav(file, bytes(16_000 * 2), 16_000)
    async with live_session() as live:
        assert await live.session.talk.play(file, commit=True) == 1000
        await live.idle()

        sent = sum(len(str(event["audio"])) * 3 // 4 for event in live.events("input_audio_buffer.append"))
        assert abs(sent - 48_000) < 200
        assert live.events("response.done")


async def test_telephone_input_goes_out_in_its_own_format(tmp_path: Path) -> None:
    """A session that listens to G.711 gets 8,000 bytes a second."""
    file = tmp_path / "turn.wav"
    write_wav(file, bytes(48_000))
    config = {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}
    async with live_session(config=config) as live:
        await live.session.talk.play(file, commit=True)

        sent = sum(len(str(event["audio"])) * 3 // 4 for event in live.events("input_audio_buffer.append"))
        assert abs(sent - 8_000) < 300


async def test_dropped_audio_is_counted_in_the_format_that_was_sent() -> None:
    """A second of G.711 is 8,000 bytes, not 48,000."""
    config = {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}
    async with live_session(config=config) as live:
        connection = live.session.transport._connection
        assert connection is not None
        connection.outbox.dropped_audio_bytes = 8_000

        assert live.session.status.dropped_audio_ms == 1000


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


async def test_echo_is_gated_to_silence_and_not_to_a_gap() -> None:
    """While the assistant speaks, its echo goes out as silence of the same length."""
    microphone = ManualMicrophone()
    async with live_session(speaker=ManualSpeaker(), microphone=microphone, config=SOUND) as live:
        live.session.talk.say("count to 30")
        await until_sound(live, 200)
        live.session.audio.set_echo("half")
        live.session.audio.unmute()
        microphone.speak(b"\x11\x22" * 480)

        (append,) = live.events("input_audio_buffer.append")
        assert set(str(append["audio"])) <= {"A", "="}, "silence in base64"
        live.session.talk.interrupt()


async def test_speaker_and_microphone_together_are_worth_one_line() -> None:
    """The advice about headphones comes once."""
    microphone = ManualMicrophone()
    async with live_session(speaker=ManualSpeaker(), microphone=microphone, config=SOUND) as live:
        for _ in range(2):
            live.session.audio.unmute()
            live.session.audio.mute()

        assert sum("headphones" in notice for notice in live.notices) == 1


async def test_a_subscriber_can_leave() -> None:
    """After that it is told nothing."""
    seen: list[object] = []
    async with live_session() as live:
        leave = live.session.subscribe(seen.append)
        leave()
        live.session.talk.say("hello")
        await live.idle()

    assert seen == []


async def test_status_knows_the_session_and_its_expiry() -> None:
    """What the toolbar shows."""
    async with live_session(server={"expires_after": 600}) as live:
        status = live.session.status

        assert (status.connection, status.model, status.endpoint) == ("connected", "gpt-realtime-2.1", "test")
        assert status.expires_in is not None and 0 < status.expires_in <= 600


async def test_the_server_going_down_mid_answer_counts_as_idle() -> None:
    """Nobody waits for an answer that cannot come."""
    async with live_session(server={"faults": ("event=response.created:close=1011",)}) as live:
        live.session.talk.say("hello")
        await live.session.idle(DEADLINE)

        assert live.session.exit_code is ExitCode.CONNECTION


async def test_a_connection_that_ends_before_the_settings_are_confirmed_is_a_start_that_failed() -> None:
    """The error is raised once, and not shown as well."""

    async def leaves(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.socket.close(1011, "going down")

    shown: list[object] = []
    async with fake_server(leaves) as server:
        session = session_at(server.url)
        session.subscribe(shown.append)
        with pytest.raises(ConnectionLostError):
            await session.start(DEADLINE)
        await session.close()

    assert not [view for view in shown if isinstance(view, Notice) and view.level is Level.ERROR]


async def test_settings_that_the_server_refuses_at_the_start_are_reported_and_survived() -> None:
    """The session goes on with the server's defaults, and nobody has to guess why."""
    async with live_session(config={"output_modalities": ["text"], "audio": {"output": {"speed": 99}}}) as live:
        assert any("#" in notice and "session.update" in notice for notice in live.notices)
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.done"))

        assert live.session.exit_code is ExitCode.SERVER_ERROR


async def test_a_server_that_never_confirms_is_lived_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some servers answer no update: one line says so, and nothing waits for it later."""
    monkeypatch.setattr("rtcli.session.lifecycle._SETTLE_SECONDS", 0.05)

    async def mute(talk: Conversation) -> None:
        await talk.send(CREATED)
        while True:
            event = await talk.receive()
            await talk.send(*([] if event["type"] == "session.update" else reply_to(event)))

    async with fake_server(mute) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        await live.idle()

        assert any("has not confirmed" in notice for notice in live.notices)
        assert live.shown(SpeechDone)


async def test_a_reconnection_that_fails_loses_nothing() -> None:
    """The conversation is still there to be carried over by the next attempt."""
    visits: list[int] = []

    async def moody(talk: Conversation) -> None:
        visits.append(1)
        if len(visits) == 2:
            await talk.socket.close(1013, "later")
        else:
            await answers(talk)

    async with fake_server(moody) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        await live.idle()
        with pytest.raises(ConnectionLostError):
            await live.session.lifecycle.reconnect()
        assert len(live.session.state.history) == 2

        assert len((await live.session.lifecycle.reconnect()).items) == 2


async def test_requests_that_coalesce_have_one_cause() -> None:
    """One response.create serves both, and is blamed on the later."""
    async with live_session(server={"pace": 0.2}) as live:
        live.session.talk.say("count to 5")
        for cause in ("/one", "/two"):
            with caused_by(cause):
                live.session.talk.respond()
        await live.until(lambda: len(live.records("response.done")) == 2)

        assert [record.cause for record in live.records("response.create")][1:] == ["/two"]


async def test_a_mistake_inside_is_shown_and_does_not_end_the_session() -> None:
    """A listener that raises is reported, once, and the answer still comes."""

    def broken(_event: object) -> None:
        raise ValueError("a mistake")

    async with live_session() as live:
        live.session.transport.once("response.created", broken)
        live.session.talk.say("hello")
        await live.idle()

        told = [n for n in live.notices if "internal error" in n]
        assert told == ["internal error in rtcli | ValueError: a mistake | "]
        assert live.session.exit_code is ExitCode.UNEXPECTED


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


async def test_the_first_sample_heard_is_measured() -> None:
    """From the request to the moment at which the device gives it out."""

    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.done"))
        speaker = live.session.audio.speaker
        assert isinstance(speaker, ManualSpeaker)
        speaker.hear(20)
        (turn,) = live.session.state.metrics.turns.turns
        await live.until(lambda: turn.played)

        assert turn.played is not None and turn.first_audio is not None
        assert turn.played >= turn.first_audio


async def test_a_call_is_joined_as_it_is() -> None:
    """Looking at somebody's call must not change it: nothing is sent, and that is said."""
    async with RealtimeServer(pace=0, voice="tone") as server, session_on(f"{server.url}?model=gpt-realtime") as live:
        (call_id,) = server.calls
        before = live.session.transport.session
        endpoint = Endpoint(url=f"{server.url}?call_id={call_id}", model=None, label="call", call_id=call_id)
        joined = RealtimeSession(OpenAIRealtimeWebSocket(headers={}), endpoint=endpoint)
        shown: list[object] = []
        joined.subscribe(shown.append)
        await joined.start(DEADLINE)
        await joined.lifecycle.reconnect()
        live.session.talk.say("hello")
        await until(lambda: any(isinstance(v, Frame) and v.event and v.event["type"] == "response.done" for v in shown))
        sent = [view for view in shown if isinstance(view, Frame) and view.direction is Direction.SENT]
        await joined.close()

        assert sent == []
        assert live.session.transport.session == before
    assert [view.what for view in shown if isinstance(view, Notice)][:2] == ["joined the call; nothing was changed"] * 2


async def test_a_microphone_that_the_transport_refuses_is_muted() -> None:
    """A telephone call carries its own sound: one line, and no stream of errors."""
    microphone = ManualMicrophone()
    async with RealtimeServer(pace=0, voice="tone") as server, session_on(f"{server.url}?model=gpt-realtime"):
        (call_id,) = server.calls
        endpoint = Endpoint(url=f"{server.url}?call_id={call_id}", model=None, label="call", call_id=call_id)
        session = RealtimeSession(OpenAIRealtimeSIP(headers={}), endpoint=endpoint, microphone=microphone)
        shown: list[object] = []
        session.subscribe(shown.append)
        await session.start(DEADLINE)
        session.audio.unmute()
        microphone.speak(bytes(9600))
        await session.close()

    assert sum("microphone muted" in view.what for view in shown if isinstance(view, Notice)) == 1
    assert session.audio.muted


@pytest.mark.parametrize(
    ("event", "what", "hint"),
    [
        (
            {
                "type": "conversation.item.input_audio_transcription.failed",
                "item_id": "item_1",
                "error": {"type": "server_error", "code": "DeploymentNotFound", "message": "No such deployment."},
            },
            "your speech was not transcribed (item_1)",
            "transcription.model",
        ),
        ({"type": "mcp_list_tools.failed", "item_id": "item_2"}, "could not be listed (item_2)", "authorization"),
        ({"type": "transcription_session.updated"}, "speaks the beta API", "GA endpoint"),
        ({"type": "response.done", "response": {"id": "r", "status": "incomplete"}}, "r incomplete", ""),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
async def test_what_went_wrong_beside_errors_is_told_too(event: dict[str, Any], what: str, hint: str) -> None:
    """Nothing that the server reports as failed passes in silence."""

    async def fails(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.send(*reply_to(await talk.receive()), event)
        await talk.receive_all()

    async with fake_server(fails) as server, session_on(server.url) as live:
        (notice,) = await live.until(lambda: [n for n in live.shown(Notice) if what in n.what])

        assert hint in notice.hint
        assert notice.level is not Level.INFO
