"""A session begins with any server, and what the server refuses of ours costs the user nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rtcli.config.endpoints import Endpoint
from rtcli.errors import ConnectionLostError, ExitCode
from rtcli.protocol.events import value_at
from rtcli.session.first_update import SessionUpdate
from rtcli.session.session import RealtimeSession
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import Level, Notice, SpeechDone
from tests.kit import dialect_peers as peers
from tests.kit.events import CREATED, error
from tests.kit.fake_server import Conversation, FakeServer, fake_server, refuses
from tests.kit.sessions import Live, ManualMicrophone, session_on

DEFAULTS = {"audio": {"input": {"transcription": {"model": "gpt-transcribe"}}}}


@asynccontextmanager
async def session_with(kind: type[peers.Peer], **options: Any) -> AsyncIterator[tuple[Live, FakeServer]]:
    """A session with one of the peers; it asks for the program's defaults too."""
    async with (
        fake_server(lambda talk: kind(talk).run()) as server,
        session_on(server.url, defaults=DEFAULTS, **options) as live,
    ):
        yield live, server


def updates(server: FakeServer) -> list[Mapping[str, Any]]:
    return [event["session"] for event in server.received if event["type"] == "session.update"]


async def answered(live: Live) -> None:
    live.session.talk.say("hello")
    await live.idle()
    assert [view.text for view in live.shown(SpeechDone)] == ["Hello there"]


def told(live: Live, words: str) -> list[Notice]:
    return [notice for notice in live.shown(Notice) if words in notice.what]


@pytest.mark.parametrize(
    "kind",
    [
        peers.NoSession,
        peers.NullSession,
        peers.SpeaksSecond,
        peers.SpeaksSecondWithoutSession,
        peers.TranscriptionSession,
    ],
)
async def test_the_first_session_event_is_enough(kind: type[peers.Peer]) -> None:
    """Of either name, with or without a session in it."""
    async with session_with(kind) as (live, _):
        await answered(live)

        assert live.session.exit_code is ExitCode.OK


@pytest.mark.parametrize(
    ("kind", "left_out"),
    [
        (peers.RefusesTranscriber, "audio.input.transcription"),
        (peers.RefusesBeforeReady, "audio.input.transcription"),
        (peers.RefusesSemanticVad, "audio.input.turn_detection"),
        (peers.RefusesAsText, "audio.output.speed"),
        (peers.RefusesType, "type"),
        (peers.RefusesEverything, "model, output_modalities, audio"),
    ],
)
async def test_what_the_server_refuses_is_left_out_and_told_in_one_line(kind: type[peers.Peer], left_out: str) -> None:
    """The update is sent once more; nobody asked for that setting, so nothing went wrong."""
    async with session_with(kind) as (live, server):
        await answered(live)

        (line,) = told(live, "left out")
        assert line.what.endswith(f": {left_out}")
        assert "#1 session.update" in line.what or "#2 session.update" in line.what
        assert line.level is Level.WARNING and line.why
        assert live.session.exit_code is ExitCode.OK
        assert not [notice for notice in live.shown(Notice) if notice.level is Level.ERROR]
        first, second = updates(server)
        for path in left_out.split(", "):
            assert (value_at(first, path), value_at(second, path)) != (None, None)
            assert value_at(second, path) is None


async def test_a_setting_that_the_user_asked_for_counts_when_it_is_refused() -> None:
    """The rest of the update takes effect."""
    config = {"instructions": "Be brief.", "audio": {"output": {"speed": 1.5}}}
    async with session_with(peers.RefusesAsText, config=config) as (live, server):
        (line,) = told(live, "left out: audio.output.speed")

        assert line.level is Level.ERROR
        assert live.session.exit_code is ExitCode.SERVER_ERROR
        assert live.session.settings.confirmed["instructions"] == "Be brief."
        assert value_at(updates(server)[1], "audio.input.transcription") == {"model": "gpt-transcribe"}


async def test_what_the_user_asked_for_is_in_the_smallest_update() -> None:
    """Where the server does not say what is wrong, the program's own wishes go, and not the user's."""
    async with session_with(peers.RefusesEverything, config={"instructions": "Be brief."}) as (live, server):
        assert updates(server)[1] == {"type": "realtime", "instructions": "Be brief."}
        assert live.session.exit_code is ExitCode.OK


async def test_a_second_refusal_is_the_last() -> None:
    """One line says so, and what else can be done; the session goes on."""
    async with session_with(peers.RefusesTwice) as (live, server):
        await answered(live)

        (line,) = told(live, "refused the session's settings")
        assert "minimal" in line.hint and "speed" in line.why
        assert len(updates(server)) == 2
        assert live.session.exit_code is ExitCode.OK


async def test_the_next_connection_does_not_ask_for_it_again() -> None:
    """What was refused is known."""
    async with session_with(peers.RefusesSemanticVad) as (live, server):
        await live.session.lifecycle.reconnect()
        await answered(live)

        assert len(updates(server)) == 3
        assert value_at(updates(server)[2], "audio.input.turn_detection") is None
        assert len(told(live, "left out")) == 1


async def test_a_setting_is_said_again_when_the_user_sets_it() -> None:
    """By hand, and with success: then the next connection asks for it too."""
    async with session_with(peers.RefusesSemanticVad) as (live, server):
        await live.run("/vad server")
        await live.session.lifecycle.reconnect()

        assert value_at(updates(server)[-1], "audio.input.turn_detection.type") == "server_vad"


async def test_a_refusal_that_ends_the_connection_is_raised() -> None:
    """With the server's own words: there is nothing to ask once more."""

    async def strict(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.receive()
        await refuses(error("invalid", "not like this"), 1008, "policy")(talk)

    async with fake_server(strict) as server:
        with pytest.raises(ConnectionLostError, match="not like this"):
            async with session_on(server.url):
                pass


@pytest.mark.parametrize("mode", [SessionUpdate.MINIMAL, SessionUpdate.NONE])
async def test_an_update_that_says_less(mode: SessionUpdate) -> None:
    """minimal: nothing but what was asked for. none: no update at all."""
    config = {"instructions": "Be brief."} if mode is SessionUpdate.MINIMAL else {}
    async with session_with(peers.Peer, config=config, session_update=mode) as (live, server):
        await answered(live)

        expected = [{"type": "realtime", "instructions": "Be brief."}] if config else []
        assert updates(server) == expected
        assert live.session.exit_code is ExitCode.OK


async def test_without_an_update_a_server_that_waits_for_us_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line says that it began nothing."""
    monkeypatch.setattr("rtcli.session.lifecycle._SILENT_SECONDS", 0.05)
    async with session_with(peers.SpeaksSecond, session_update=SessionUpdate.NONE) as (live, _):
        await answered(live)

        assert told(live, "began no session")


# -- requests of our own ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [peers.Listening, peers.RetrieveNotFound, peers.RetrieveUnanswered])
async def test_what_nobody_asked_for_costs_the_user_nothing(kind: type[peers.Peer]) -> None:
    """A refused look-up is told once, repeated never, and no error; one that is not answered holds nothing up."""
    microphone = ManualMicrophone()
    async with session_with(kind, microphone=microphone) as (live, server):
        live.session.audio.unmute()
        for turn in (1, 2):
            microphone.speak(bytes(960 * 20))
            await live.until(lambda: len(live.records("response.done")) == turn)  # noqa: B023
        await live.idle()

        refused = kind is not peers.RetrieveUnanswered
        asked = 1 if refused else 2
        await live.until(lambda: server.types.count("conversation.item.retrieve") >= asked)
        await live.until(lambda: len(live.records("error")) == refused)
        assert live.sent().count("conversation.item.retrieve") == asked
        assert len(told(live, "conversation.item.retrieve")) == refused
        assert not [notice for notice in live.shown(Notice) if notice.level is Level.ERROR]
        assert live.session.exit_code is ExitCode.OK


async def test_a_look_up_that_the_user_asks_for_counts() -> None:
    """The same request, by hand, is the user's."""
    async with session_with(peers.Peer) as (live, _):
        live.session.talk.send('{"type": "conversation.item.retrieve", "item_id": "x"}')
        await live.until(lambda: live.records("error"))

        assert live.session.exit_code is ExitCode.SERVER_ERROR


# -- neighbors -------------------------------------------------------------------------------------


class StrictDictation(peers.RefusesTranscriber, peers.SpeaksSecond):
    """A server that transcribes, takes no noise reduction, and waits for the client to speak."""

    paths = ("audio.input.noise_reduction",)


async def test_a_dictation_leaves_out_what_is_refused_too() -> None:
    """Its first update is another, and it need not be greeted before; what it is stays said."""
    asked: dict[str, Any] = {"audio": {"input": {"noise_reduction": {"type": "near_field"}}}}
    async with fake_server(lambda talk: StrictDictation(talk).run()) as server:
        url = f"{server.url}?intent=transcription"
        endpoint = Endpoint(url=url, model=None, label="test")
        session = RealtimeSession(OpenAIRealtimeWebSocket(url=url, headers={}), endpoint=endpoint, config=asked)
        notices: list[Notice] = []
        session.subscribe(lambda view: notices.append(view) if isinstance(view, Notice) else None)
        try:
            await session.start()
            first, second = updates(server)
            assert first["type"] == second["type"] == "transcription"
            path = "audio.input.noise_reduction"
            assert value_at(first, path) and not value_at(second, path)
            assert [n.level for n in notices if "left out" in n.what] == [Level.ERROR]
        finally:
            await session.close()
