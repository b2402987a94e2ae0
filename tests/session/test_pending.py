"""Waiting for the server's word."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import ExpectationError, ServerError
from rtcli.protocol.record import Direction, Frame
from rtcli.session.pending import Requests


def record(event: dict[str, Any] | None, way: str = "<") -> Frame:
    return Frame(1, 0.0, Direction(way), event, 10)


def delete(item_id: str) -> dict[str, Any]:
    return {"type": "conversation.item.delete", "event_id": "e1", "item_id": item_id}


async def test_the_reply_about_the_same_item_is_taken() -> None:
    """What is sent, what is no event, and replies about others are passed over."""
    requests = Requests()

    def send(event: dict[str, Any]) -> None:
        requests.saw(record(event, ">"))
        requests.saw(record(None))
        requests.saw(record({"type": "error", "error": {"event_id": "other"}}))
        requests.saw(record({"type": "conversation.item.deleted", "item_id": "b"}))
        requests.saw(record({"type": "conversation.item.deleted", "item_id": "a", "event_id": "x"}))

    reply = await requests.ask(send, delete("a"), seconds=1)
    assert reply.event and reply.event["event_id"] == "x"


async def test_a_refusal_is_raised_with_its_hint() -> None:
    """The error that names our event is the answer."""
    requests = Requests()
    error = {"code": "item_delete_invalid_item_id", "message": "no", "event_id": "e1"}

    def send(_: dict[str, Any]) -> None:
        assert requests.saw(record({"type": "error", "error": error})), "it need not be told as well"

    with pytest.raises(ServerError) as caught:
        await requests.ask(send, delete("a"), seconds=1)
    assert caught.value.code == "item_delete_invalid_item_id" and "/history" in caught.value.hint


async def test_replies_to_what_was_sent_before_are_not_ours() -> None:
    """Two updates are under way: the third confirmation is the one we wait for."""
    requests = Requests()

    def send(_: dict[str, Any]) -> None:
        for number in range(3):
            requests.saw(record({"type": "session.updated", "session": {"number": number}}))

    reply = await requests.ask(send, {"type": "session.update", "event_id": "e1"}, seconds=1, ahead=2)
    assert reply.event and reply.event["session"]["number"] == 2


async def test_silence_ends_the_wait() -> None:
    """A server that does not answer is named, and nothing waits on."""
    with pytest.raises(ExpectationError, match=r"no answer to conversation\.item\.delete"):
        await Requests().ask(lambda _: None, delete("a"), seconds=0.01)
