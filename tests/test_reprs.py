"""What the parts with a state of their own show of it, in a debugger or a failed test."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.protocol.history import History
from rtcli.protocol.record import Direction, Frame
from rtcli.protocol.session_config import RequestedSession
from rtcli.proxy.proxy import RealtimeProxy
from rtcli.proxy.tap import Tap
from rtcli.rtc.playout import Playout
from rtcli.server import RealtimeServer
from rtcli.session.log import WireLog


def played() -> Playout:
    playout = Playout()
    playout.add("resp_1", "item_1", 0, bytes(960))
    return playout


def logged() -> WireLog:
    log = WireLog()
    log.add(Frame(1, 0.0, Direction.SENT, {"type": "response.create"}, 27))
    return log


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (History(), "<History: 0 items, last none>"),
        (WireLog(), "<WireLog: empty>"),
        (logged(), "<WireLog: #1 to #1>"),
        (RequestedSession(), "<RequestedSession nothing: not confirmed>"),
        (Playout(), "<Playout: nothing playing, 0 bytes wait>"),
        (played(), "<Playout: nothing playing, 960 bytes wait>"),
        (RealtimeServer(), "<RealtimeServer built-in rules: not listening>"),
        (
            RealtimeProxy("https://example.com/v1", log=Tap(lambda *_: None)),
            "<RealtimeProxy to example.com/v1: not listening, 0 connections so far>",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_part_shows_its_state(part: Any, shown: str) -> None:
    """In one line, also before anything has happened."""
    assert repr(part) == shown


async def test_a_server_shows_where_it_listens() -> None:
    """And how many clients it serves."""
    async with RealtimeServer(voice="tone") as server:
        assert repr(server) == f"<RealtimeServer built-in rules: {server.url}, 0 connections>"
