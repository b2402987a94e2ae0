"""Waiting for the server's word."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import ConnectionLostError, ExpectationError, ServerError
from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.record import Direction, Frame
from rtcli.session.pending import Requests
from tests.kit.waiting import DEADLINE


class Wire:
    """What is sent and received, as a session hands it to those who wait."""

    def __init__(self) -> None:
        self.pending = PendingRequests()
        self.requests = Requests(self.pending)
        self.number = 0

    def feed(self, event: dict[str, Any] | None, way: str = "<") -> bool:
        self.number += 1
        frame = Frame(self.number, 0.0, Direction(way), event, 10)
        self.pending.observe(frame.number, frame.direction, event)
        return self.requests.observe(frame)

    async def ask(self, event: dict[str, Any], *said: dict[str, Any] | None, seconds: float = DEADLINE) -> Frame:
        """Ask, with what the server says while the event is being sent."""

        def send(event: dict[str, Any]) -> None:
            self.feed(event, ">")
            for reply in said:
                self.feed(reply)

        return await self.requests.ask(send, event, seconds=seconds)


def delete(item_id: str) -> dict[str, Any]:
    return {"type": "conversation.item.delete", "event_id": "e1", "item_id": item_id}


async def test_the_reply_about_the_same_item_is_taken() -> None:
    """What is not an event, errors about others and replies about others are passed over."""
    reply = await Wire().ask(
        delete("a"),
        None,
        {"type": "error", "error": {"event_id": "other"}},
        {"type": "conversation.item.deleted", "item_id": "b"},
        {"type": "conversation.item.deleted", "item_id": "a", "event_id": "x"},
    )

    assert reply.event and reply.event["event_id"] == "x"


@pytest.mark.parametrize("event_id", ["e1", None], ids=["named", "a server that never echoes ids"])
async def test_a_refusal_is_raised_with_its_hint(event_id: str | None) -> None:
    """The error about our event is the answer, and nobody else has to tell it."""
    wire = Wire()
    error = {"code": "item_delete_invalid_item_id", "message": "no", "event_id": event_id}

    def send(event: dict[str, Any]) -> None:
        wire.feed(event, ">")
        assert wire.feed({"type": "error", "error": error})

    with pytest.raises(ServerError) as caught:
        await wire.requests.ask(send, delete("a"), seconds=1)
    assert caught.value.code == "item_delete_invalid_item_id" and "/history" in caught.value.hint


async def test_an_error_that_nobody_asked_about_is_left_to_others() -> None:
    """It was an event sent by hand."""
    wire = Wire()
    wire.feed(delete("a"), ">")

    assert not wire.feed({"type": "error", "error": {"event_id": "e1"}})


async def test_replies_to_what_was_sent_before_are_not_ours() -> None:
    """Two updates are under way: the third confirmation is the one we wait for."""
    wire = Wire()
    for _ in range(2):
        wire.feed({"type": "session.update"}, ">")
    said = [{"type": "session.updated", "session": {"number": number}} for number in range(3)]

    reply = await wire.ask({"type": "session.update", "event_id": "e1"}, *said)
    assert reply.event and reply.event["session"]["number"] == 2


async def test_silence_ends_the_wait() -> None:
    """A server that does not answer is named, and nothing waits on."""
    with pytest.raises(ExpectationError, match=r"no answer to conversation\.item\.delete"):
        await Wire().ask(delete("a"), seconds=0.01)


async def test_a_lost_connection_ends_the_wait() -> None:
    """With the error that says how it ended."""
    wire = Wire()

    with pytest.raises(ConnectionLostError, match="gone"), wire.requests.expecting(lambda _: True) as future:
        wire.requests.lost(ConnectionLostError("gone"))
        await future
