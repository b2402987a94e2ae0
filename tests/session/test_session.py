"""A session on the local server: it talks, tells what happens, and ends in order."""

from __future__ import annotations

import pytest

from rtcli.errors import (
    ExitCode,
)
from rtcli.protocol.record import Frame
from rtcli.views import View
from tests.kit.sessions import ManualSpeaker, live_session

SOUND = {"output_modalities": ["audio"]}


async def test_idle_waits_for_what_was_said_to_be_heard() -> None:
    """A piped chat must not hang up while the speaker still plays."""
    async with live_session(speaker=ManualSpeaker(), config=SOUND) as live:
        live.session.talk.say("hello")
        await live.until(lambda: live.records("response.done"))
        with pytest.raises(TimeoutError):
            await live.session.idle(0.05)
        live.session.audio.speaker.hear()  # type: ignore[union-attr]
        await live.idle()


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


async def test_everybody_is_shown_the_same_frame() -> None:
    """It is made once, at the transport: observers, the log and every subscriber have this one object."""
    async with live_session() as live:
        observed: list[Frame] = []
        shown: list[View] = []
        live.session.transport.attach_wire(observed.append)
        live.session.subscribe(shown.append)
        await live.run("hello")
        await live.until(lambda: live.records("response.done"))

        kept = {frame.number: frame for frame in live.session.state.log.records}
        assert {">", "<"} == {str(frame.direction) for frame in observed}
        assert all(kept[frame.number] is frame for frame in observed)
        assert [id(view) for view in shown if isinstance(view, Frame)] == [id(frame) for frame in observed]
        assert all(frame.at >= 0 and (frame.parent or 0) < frame.number for frame in observed)
