"""A wait ends after its limit, whatever a server does to seem busy, and never while an answer goes on."""

from __future__ import annotations

import asyncio
import time

import pytest

from rtcli.cli.chat.batch import complete
from rtcli.errors import ExitCode, ExpectationError
from rtcli.views import SpeechDone
from tests.kit import dialect_peers as peers
from tests.kit.events import Event
from tests.kit.fake_server import fake_server
from tests.kit.program import rtcli
from tests.kit.sessions import session_on

NOISE = [
    peers.NoAnswer,
    peers.Heartbeats,
    peers.UnknownNoise,
    peers.RateLimitNoise,
    peers.SessionNoise,
    peers.BrokenNoise,
    peers.ErrorNoise,
    peers.EmptyNoise,
    peers.OthersNoise,
    peers.StallsInTheMiddle,
    peers.OneEventThenNothing,
]


@pytest.mark.parametrize("kind", NOISE)
async def test_noise_does_not_renew_the_limit(kind: type[peers.Peer]) -> None:
    """The wait ends when nothing has moved on for so long; it says how long, and after what."""
    async with fake_server(lambda talk: kind(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        with pytest.raises(ExpectationError, match=r"no progress for 0.7 s"):
            await complete(live.session, 0.7)

        assert live.session.quiet


async def test_the_limit_is_not_doubled() -> None:
    """One event that says nothing, in the course of it, is no reason to begin anew."""
    kind = peers.OneEventThenNothing
    async with fake_server(lambda talk: kind(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("conversation.item.done"))
        moved = live.session.state.activity.moved_at
        await live.until(lambda: live.records("server.note"))

        assert live.session.state.activity.moved_at == moved
        assert live.session.status.waits[0].last == "conversation.item.done"


async def test_an_answer_that_goes_on_is_waited_for() -> None:
    """Longer than the limit, which counts from its last word."""

    class Steady(peers.Slow):
        pause, words = 0.25, 14

    async with fake_server(lambda talk: Steady(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        await complete(live.session, 3)

        assert len(live.shown(SpeechDone)) == 1


async def test_the_next_line_is_sent_after_a_wait_that_was_given_up() -> None:
    """It does not queue behind an answer that never comes."""

    class Second(peers.Peer):
        asked = 0

        async def on_response_create(self, event: Event) -> None:
            self.asked += 1
            if self.asked > 1:
                await super().on_response_create(event)

    async with fake_server(lambda talk: Second(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        with pytest.raises(ExpectationError):
            await complete(live.session, 0.3)
        live.session.talk.say("hello again")
        await live.idle()

        assert [done.text for done in live.shown(SpeechDone)] == ["Hello there"]


@pytest.mark.parametrize("command", [["chat", "--text"], ["send-event", "-"]], ids=["chat", "send-event"])
async def test_a_command_ends_after_its_limit(command: list[str]) -> None:
    """With 6, in a pipe, while the server's heart beats."""
    text = "hello\n" if command[0] == "chat" else '{"type":"response.create"}'
    async with fake_server(lambda talk: peers.StallsInTheMiddle(talk).run()) as server:
        ended = await rtcli(*command, "--url", server.url, "--timeout", "1", text=text)

    assert ended.code == ExitCode.EXPECTATION, ended.err
    assert "response.output_text.delta" in ended.err


async def test_a_slow_answer_is_no_late_one_for_send_event() -> None:
    """Its limit counts from the last progress, too."""

    class Steady(peers.Slow):
        pause, words = 0.4, 12

    async with fake_server(lambda talk: Steady(talk).run()) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, "--timeout", "4", text='{"type":"response.create"}')

    assert ended.code == 0, ended.err


@pytest.mark.parametrize("kind", [peers.SpeaksSecond, peers.SpeaksSecondWithoutSession])
async def test_send_event_speaks_first_to_a_server_that_waits_for_it(kind: type[peers.Peer]) -> None:
    """After a short while, and says so; with --session-update there is nothing to wait for."""
    text = '{"type":"response.create"}'
    async with fake_server(lambda talk: kind(talk).run()) as server:
        began = time.monotonic()
        ended = await rtcli("send-event", "-", "--url", server.url, "--session-update", "minimal", text=text)
        waited = await rtcli("send-event", "-", "--url", server.url, text=text)

    assert (ended.code, waited.code) == (0, 0), (ended.err, waited.err)
    assert ended.types[0] == "session.updated" and "no session" not in ended.err
    assert "no session has begun" in waited.err
    assert time.monotonic() - began >= 3
    assert server.received[0] == {"type": "session.update", "session": {"type": "realtime"}}


async def test_an_answer_tells_that_the_items_before_it_were_taken() -> None:
    """A server that confirms no item is not waited for."""
    item = '{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[]}}'
    async with fake_server(lambda talk: peers.OnlyDone(talk).run()) as server:
        ended = await rtcli("send-event", "-", "--url", server.url, text=f'{item}\n{{"type":"response.create"}}')

    assert ended.code == 0, ended.err


async def test_a_wait_is_left_at_once() -> None:
    """Whoever cancels it, as Ctrl+C does, need not wait for its limit."""
    async with fake_server(lambda talk: peers.NoAnswer(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        waiting = asyncio.ensure_future(complete(live.session, 600))
        await live.until(lambda: live.records("conversation.item.done"))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
