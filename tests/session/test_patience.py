"""A prompt says what it waits for and since when, and what never comes is given up."""

from __future__ import annotations

import asyncio

import pytest

from rtcli.session.patience import Patience
from rtcli.views import ANSWERING, CANCELLING, Notice, SpeechDone
from tests.kit import dialect_peers as peers
from tests.kit.events import Event, error, text_response
from tests.kit.fake_server import fake_server
from tests.kit.sessions import Live, session_on


def given_up(live: Live) -> list[str]:
    return [notice.why for notice in live.shown(Notice) if "abandoned" in notice.what]


async def test_the_status_tells_an_answer_its_age_and_its_last_event() -> None:
    """Also what waits behind it; all of it is gone with the answer."""

    class Halting(peers.Peer):
        async def on_response_create(self, event: Event) -> None:
            await self.say(*text_response("resp_1", "Hello")[:5])

        async def on_response_cancel(self, event: Event) -> None:
            await self.say({"type": "response.done", "response": {"id": "resp_1", "status": "cancelled"}})

    async with fake_server(lambda talk: Halting(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.output_text.delta"))
        (wait,) = live.session.status.waits
        assert (wait.what, wait.last) == (ANSWERING, "response.output_text.delta")
        assert 0 <= wait.last_seconds <= wait.seconds

        live.session.talk.say("and then?")
        assert live.session.status.queued == 1
        live.session.talk.interrupt()
        assert [wait.what for wait in live.session.status.waits] == [CANCELLING]

        await live.until(lambda: live.records("response.done"))
        await live.until(lambda: live.session.status.queued == 0)
        assert [wait.what for wait in live.session.status.waits] == [ANSWERING]


async def test_a_cancel_that_is_refused_is_answered() -> None:
    """There was nothing to cancel: nothing waits."""

    class Refusing(peers.StallsInTheMiddle):
        noise = None

        async def on_response_cancel(self, event: Event) -> None:
            await self.say(error("response_cancel_not_active", "no active response", event["event_id"]))

    async with fake_server(lambda talk: Refusing(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.output_text.delta"))
        live.session.talk.interrupt()
        await live.until(lambda: live.records("error"))

        assert live.session.status.waits == ()


async def test_an_answer_that_does_not_go_on_is_given_up() -> None:
    """After the limit, with what came last; its half stays, and what was asked for later goes out."""
    kind = peers.StallsInTheMiddle
    async with fake_server(lambda talk: kind(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.output_text.delta"))
        live.session.talk.say("are you there?")
        live.session.patience.limit = 0.2
        live.session.patience.start()
        await live.until(lambda: given_up(live))

        assert given_up(live)[0].startswith("no progress for 0.2 s, after ")
        assert [done.text for done in live.shown(SpeechDone)][:1] == ["Hello"]
        await live.until(lambda: server.types.count("response.create") == 2)


async def test_what_comes_after_all_is_told() -> None:
    """An answer that was given up stands as far as it came, once, and its rest is told when it comes."""

    class Late(peers.Peer):
        async def on_response_create(self, event: Event) -> None:
            self.whole = text_response("resp_1", "Hello")
            await self.say(*self.whole[:5])

        async def on_input_audio_buffer_clear(self, event: Event) -> None:
            delta, done = self.whole[4], self.whole[5]
            await self.say({**delta, "delta": " there"}, {**done, "text": "Hello there"}, self.whole[-1])

    async with fake_server(lambda talk: Late(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.output_text.delta"))
        live.session.talk.give_up()
        live.session.talk.give_up()
        assert [done.text for done in live.shown(SpeechDone)] == ["Hello"]

        live.session.talk.discard()
        await live.until(lambda: live.records("response.done"))
        assert [done.text for done in live.shown(SpeechDone)] == ["Hello", "Hello there"]


async def test_a_cancel_that_is_not_answered_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a limit to it, also where an answer has none."""
    monkeypatch.setattr("rtcli.session.patience.ANSWER_SECONDS", 0.1)
    async with fake_server(lambda talk: peers.CancelUnanswered(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.output_text.delta"))
        live.session.talk.interrupt()
        live.session.patience.start()
        await live.until(lambda: given_up(live))

        assert "response.cancel" in given_up(live)[0]
        assert live.session.quiet and live.session.status.waits == ()


async def test_a_second_interruption_gives_up_what_the_first_did_not_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and no other cancel goes out."""
    monkeypatch.setattr("rtcli.session.talk._CANCEL_SECONDS", 0.0)
    async with fake_server(lambda talk: peers.CancelUnanswered(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.output_text.delta"))
        assert live.session.talk.interrupt()
        assert live.session.talk.interrupt()

        assert given_up(live) and live.session.quiet
        assert live.sent().count("response.cancel") == 1


@pytest.mark.parametrize("busy", [True, False])
async def test_an_answer_that_waits_for_us_is_not_given_up(busy: bool) -> None:
    """A tool runs, or audio is heard: then it is not the server that is waited for."""
    async with fake_server(lambda talk: peers.NoAnswer(talk).run()) as server, session_on(server.url) as live:
        done = asyncio.Event()
        patience = Patience(live.session._link, done.set, lambda: busy)
        patience.limit = 1e-9
        live.session.talk.say("hello")
        await live.until(lambda: live.records("conversation.item.done"))
        patience.look()

        assert done.is_set() is not busy
        assert bool(given_up(live)) is not busy


async def test_nothing_is_given_up_without_a_limit() -> None:
    """0 on the command line."""
    async with fake_server(lambda talk: peers.NoAnswer(talk).run()) as server, session_on(server.url) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("conversation.item.done"))
        live.session.patience.look()

        assert not given_up(live) and not live.session.quiet
