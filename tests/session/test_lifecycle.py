"""A session connects, connects again, and ends in order; what a lost connection costs."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest

from rtcli.config.endpoints import Endpoint
from rtcli.errors import (
    ConnectError,
    ConnectionLostError,
    ExitCode,
    UsageError,
)
from rtcli.protocol.items import MessageItem
from rtcli.protocol.record import Connected, Direction, Frame
from rtcli.server import RealtimeServer
from rtcli.session.session import RealtimeSession
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import Level, Notice, SpeechDelta, SpeechDone
from tests.kit.events import CREATED, error
from tests.kit.fake_server import Conversation, Script, answers, fake_server, refuses, reply_to, silent
from tests.kit.sessions import ManualSpeaker, live_session, session_at, session_on
from tests.kit.waiting import DEADLINE, until

SOUND = {"output_modalities": ["audio"]}


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


async def test_a_connection_that_ends_as_soon_as_it_is_confirmed_is_no_session() -> None:
    """Nobody waits for a reply at that moment: without a look, the session would be open without a connection."""
    async with fake_server(answers) as server:
        session = session_at(server.url)
        session.transport.on("session.updated", lambda _: session.transport.close())
        with pytest.raises(ConnectionLostError):
            await session.start(DEADLINE)

        assert not session.lifecycle.connected
        assert session.state.connection is Connected.CLOSED
        await session.close()


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


async def test_a_config_that_is_refused_is_told_when_the_session_stands() -> None:
    """The session runs on its defaults then, which nobody may find out by ear."""
    async with live_session(config={"audio": {"output": {"voice": "nobody"}}}) as live:
        (notice,) = [n for n in live.shown(Notice) if n.level is Level.ERROR]

        assert "#1 session.update" in notice.what and "nobody" in notice.why


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
