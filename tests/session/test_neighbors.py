"""Sessions that are no conversation: a dictation, a translation, GPT-Live."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rtcli.commands import Context, default_registry
from rtcli.config.endpoints import Endpoint
from rtcli.errors import ServerError, UsageError
from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.models import DEFAULT_LIVE, DEFAULT_TRANSCRIBER, TRANSLATION_TRANSCRIBER
from rtcli.protocol.session_kind import SessionKind
from rtcli.server import RealtimeServer
from rtcli.session.neighbors import first_session
from rtcli.session.session import RealtimeSession
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import DisplaySettings, SpeechDone
from tests.kit.fake_server import Conversation, FakeServer, Script, fake_server
from tests.kit.sessions import Live, ManualMicrophone, ManualSpeaker
from tests.kit.waiting import DEADLINE
from tests.server.playbook import silence, voice
from tests.server.test_engines import with_engines

CONVERSATION_ONLY = ["hello", "/system x", "/respond", "/interrupt", "/reset", "/item x", "/delete x", "/say x"]


@contextlib.asynccontextmanager
async def running(url: str, model: str | None = None, **options: Any) -> AsyncIterator[Live]:
    """A session at an address, started."""
    endpoint = Endpoint(url=url, model=model, label="test")
    session = RealtimeSession(OpenAIRealtimeWebSocket(url=url, headers={}), endpoint=endpoint, **options)
    live = Live(session, Context(session, DisplaySettings(), default_registry()))
    session.subscribe(live.show)
    try:
        await session.start(DEADLINE)
        yield live
    finally:
        await session.close()


async def speak(live: Live, pcm: bytes) -> None:
    """As a microphone would."""
    live.session.audio.unmute()
    microphone = live.session.audio.microphone
    assert isinstance(microphone, ManualMicrophone)
    microphone.speak(pcm)


def spoken(live: Live, role: str) -> list[str]:
    return [done.text for done in live.shown(SpeechDone) if done.role == role]


# -- dictation ---------------------------------------------------------------------------------------------------------


async def test_a_dictation_writes_down_what_is_said() -> None:
    """The update has the type of the session; nothing is asked for but the transcript."""
    async with (
        RealtimeServer(engines=with_engines("Count to 3."), pace=0) as server,
        running(f"{server.url}?intent=transcription", microphone=ManualMicrophone()) as live,
    ):
        await speak(live, silence(0.5) + voice(1) + silence(1))
        await live.until(lambda: spoken(live, "user"))

        assert spoken(live, "user") == ["Count to 3."]
        assert live.events("session.update")[0]["session"]["type"] == "transcription"
        assert set(live.sent()) == {"session.update", "input_audio_buffer.append"}
        assert not live.events("error")
        assert any("dictation" in notice for notice in live.notices)
        assert live.session.status.model == DEFAULT_TRANSCRIBER


@pytest.mark.parametrize("line", CONVERSATION_ONLY)
async def test_what_has_no_place_in_a_dictation_is_said_before_it_is_sent(line: str) -> None:
    """In words about the session, not about a connection or an unknown item."""
    async with RealtimeServer(voice="tone") as server, running(f"{server.url}?intent=transcription") as live:
        before = live.sent()
        with pytest.raises(UsageError, match="a dictation takes no messages"):
            await live.run(line)

        assert live.sent() == before


async def test_a_turn_by_hand_is_written_down_and_not_answered() -> None:
    """Push to talk works there, as /play --commit does."""
    async with (
        RealtimeServer(engines=with_engines("By hand."), pace=0) as server,
        running(f"{server.url}?intent=transcription", microphone=ManualMicrophone()) as live,
    ):
        await live.run("/ptt")
        await live.until(lambda: (live.session.settings.confirmed["audio"]["input"]["turn_detection"]) is None)
        await speak(live, voice(1))
        await live.run("/ptt")
        await live.until(lambda: spoken(live, "user"))

        assert spoken(live, "user") == ["By hand."]
        assert "response.create" not in live.sent()


async def test_settings_are_set_in_a_dictation_and_go_along() -> None:
    """Through a reconnection too."""
    async with RealtimeServer(voice="tone") as server, running(f"{server.url}?intent=transcription") as live:
        await live.run("/set audio.input.transcription.language=de")
        await live.run("/reconnect")

        assert live.session.settings.confirmed["type"] == "transcription"
        assert live.session.settings.confirmed["audio"]["input"]["transcription"]["language"] == "de"
        with pytest.raises(ServerError):
            await live.run('/set output_modalities=["text"]')


# -- translation -------------------------------------------------------------------------------------------------------


async def test_a_translation_shows_both_transcripts_and_plays_the_audio() -> None:
    """Audio goes out under its own name, and the session ends in order."""
    speaker = ManualSpeaker()
    config = {"audio": {"output": {"language": "de"}}}
    async with (
        RealtimeServer(engines=with_engines("Count to 3."), pace=0) as server,
        running(
            f"{server.url}/translations?model=gpt-realtime-translate",
            "gpt-realtime-translate",
            config=config,
            speaker=speaker,
            microphone=ManualMicrophone(),
        ) as live,
    ):
        await speak(live, silence(0.5) + voice(1) + silence(1))
        await live.until(lambda: live.events("session.output_audio.delta"))
        await live.session.lifecycle.finish()

        assert (spoken(live, "user"), spoken(live, "assistant")) == (["Count to 3."], ["[de] Count to 3."])
        assert len(speaker.pcm) == len(silence(0.02 * len("[de] Count to 3.")))
        assert set(live.sent()) == {"session.update", "session.input_audio_buffer.append", "session.close"}
        assert not live.events("error") and live.session.exit_code == 0


@pytest.mark.parametrize("line", [*CONVERSATION_ONLY, "/commit", "/discard", "/ptt"])
async def test_what_has_no_place_in_a_translation_is_said_before_it_is_sent(line: str) -> None:
    """Its audio runs on: there are not even turns."""
    url = "{}/translations?model=gpt-realtime-translate"
    async with RealtimeServer(voice="tone") as server, running(url.format(server.url)) as live:
        before = live.sent()
        with pytest.raises(UsageError, match="a translation"):
            await live.run(line)

        assert live.sent() == before


async def test_the_language_is_set_while_it_runs() -> None:
    """Without a type, which the session does not have."""
    url = "{}/translations?model=gpt-realtime-translate"
    async with RealtimeServer(voice="tone") as server, running(url.format(server.url)) as live:
        await live.run("/set audio.output.language=fr")

        assert live.session.settings.confirmed["audio"]["output"]["language"] == "fr"
        assert "type" not in live.events("session.update")[-1]["session"]


# -- GPT-Live ----------------------------------------------------------------------------------------------------------


def gpt_live(*answer: dict[str, Any]) -> Script:
    """Silent until session.start; at the first audio it gives `answer`; unknown events are refused."""

    async def play(talk: Conversation) -> None:
        said = False
        while True:
            event = await talk.receive()
            named = {"client_event_id": event.get("event_id")}
            if event["type"] == "session.start":
                audio = {"format": {"type": "audio/pcm", "rate": 24_000}, "output": {"voice": "marin"}}
                session = {"id": "live_1", "status": "active", "model": event["session"]["model"], "audio": audio}
                await talk.send({"type": "session.started", "session": session, **named})
            elif event["type"] == "session.input_audio.append":
                await talk.send(*(() if said else answer))
                said = True
            elif event["type"] == "session.close":
                await talk.send({"type": "session.closed", "reason": "close_requested", **named})
                await talk.socket.close(1000)
                return
            else:
                await talk.send({"type": "error", "error": {"code": "invalid_value", "message": "no", **named}})

    return play


@contextlib.asynccontextmanager
async def live_session(
    *answer: dict[str, Any], path: str = "", **options: Any
) -> AsyncIterator[tuple[Live, FakeServer]]:
    """A GPT-Live session on a server that answers the first audio."""
    async with fake_server(gpt_live(*answer)) as server:
        url = server.url.replace("/v1/realtime", f"/v1/live/sessions{path}")
        async with running(url, **options) as live:
            yield live, server


async def test_gpt_live_is_started_and_talked_with() -> None:
    """Both sides are written down, and its silence is not played."""
    speaker = ManualSpeaker()
    answer = (
        {"type": "session.input_transcript.delta", "delta": " When?", "start_ms": 0, "end_ms": 400},
        {"type": "session.input_transcript.delta", "delta": " Now?", "start_ms": 400, "end_ms": 450},
        {"type": "session.output_transcript.delta", "delta": " At", "start_ms": 500, "end_ms": 700},
        {"type": "session.output_transcript.delta", "delta": " eight.", "start_ms": 700, "end_ms": 900},
        {"type": "session.output_audio.delta", "delta": encode_base64(bytes(960))},
        {"type": "session.output_audio.delta", "delta": encode_base64(b"\x01\x10" * 480)},
    )
    config = {"instructions": "Be brief.", "audio": {"output": {"voice": "cedar"}}}
    async with live_session(*answer, config=config, speaker=speaker, microphone=ManualMicrophone()) as (live, server):
        await speak(live, voice(0.1))
        await live.until(lambda: len(live.events("session.output_audio.delta")) == 2)
        assert live.session.status.session_id == "live_1"
        await live.session.lifecycle.finish()

        start = server.received[0]
        assert (start["type"], start["session"]["model"]) == ("session.start", DEFAULT_LIVE)
        assert start["session"]["instructions"] == "Be brief."
        assert start["session"]["audio"]["output"] == {"voice": "cedar"}
        assert set(server.types) == {"session.start", "session.input_audio.append", "session.close"}
        assert (spoken(live, "user"), spoken(live, "assistant")) == (["When?", "Now?"], ["At eight."])
        assert len(speaker.pcm) == 960


async def test_what_gpt_live_does_not_support_is_said_in_one_line() -> None:
    """Once at the start, and again to whoever tries."""
    async with live_session() as (live, server):
        (about,) = [notice for notice in live.notices if "GPT-Live" in notice]
        assert "not supported" in about
        for line in CONVERSATION_ONLY:
            with pytest.raises(UsageError, match="a GPT-Live session takes no messages"):
                await live.run(line)
        assert server.types == ["session.start"]


async def test_raw_events_go_to_gpt_live_without_a_warning() -> None:
    """The catalog knows their names; a refusal is told with the event that it refuses."""
    event = {"type": "session.thinking.append", "content": "x", "delegation_id": None, "event_id": "mine"}
    async with live_session() as (live, _):
        views = await live.run(json.dumps(event))
        assert not [view for view in views if getattr(view, "level", "") == "warning"]
        await live.until(lambda: live.events("error"))

        assert any(f"#{live.records('session.thinking.append')[0].number} session.thinking" in n for n in live.notices)


async def test_an_attached_session_is_left_as_it_is() -> None:
    """Somebody else has started it: nothing is sent."""
    async with live_session(path="/live_1/attach") as (live, server):
        assert any("joined the call; nothing was changed" in notice for notice in live.notices)
        assert server.types == []


# -- what each begins with ---------------------------------------------------------------------------------------------


def test_a_transcriber_without_turn_detection_gets_none() -> None:
    """The API refuses the two together."""
    session, _ = first_session(SessionKind.TRANSCRIPTION, {}, "gpt-live-transcribe")

    assert session["audio"]["input"]["transcription"] == {"model": "gpt-live-transcribe"}
    assert session["audio"]["input"]["turn_detection"] is None


def test_what_a_session_has_no_place_for_is_named() -> None:
    """The user's config is that of a conversation."""
    config = {
        "instructions": "x",
        "output_modalities": ["text"],
        "audio": {
            "input": {"transcription": {"model": "m", "language": "de"}, "turn_detection": None},
            "output": {"voice": "marin", "language": "fr"},
        },
    }
    dictation, unused = first_session(SessionKind.TRANSCRIPTION, config, None)
    assert unused == ["audio.output.language", "audio.output.voice", "instructions", "output_modalities"]
    assert dictation["audio"]["input"]["transcription"] == {"model": "m", "language": "de"}
    assert dictation["audio"]["input"]["turn_detection"] is None

    translation, unused = first_session(SessionKind.TRANSLATION, config, None)
    assert unused == ["audio.output.voice", "instructions", "output_modalities"]
    assert translation == {
        "audio": {"input": {"transcription": {"model": "m", "language": "de"}}, "output": {"language": "fr"}}
    }
    assert first_session(SessionKind.TRANSLATION, {}, None)[0] == {
        "audio": {"input": {"transcription": {"model": TRANSLATION_TRANSCRIBER}}}
    }

    live, unused = first_session(SessionKind.LIVE, config, "gpt-live-1")
    assert unused == ["audio.output.language", "output_modalities"]
    assert (live["model"], live["instructions"]) == ("gpt-live-1", "x")
