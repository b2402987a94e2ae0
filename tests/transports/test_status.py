"""The status of a connection: which moves there are, and what a transport shows of itself."""

from __future__ import annotations

import itertools

import pytest

from rtcli.protocol.moves import IllegalMoveError, move
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.transports.layer import STATUS_MOVES, Status, StatusEvent
from tests.kit.events import response_event
from tests.kit.linked import linked

LEGAL = {
    ("disconnected", "DIALING"): "connecting",
    ("connecting", "OPENED"): "connected",
    ("connecting", "ENDED"): "disconnected",
    ("connected", "ENDED"): "disconnected",
}


@pytest.mark.parametrize(("status", "event"), [*itertools.product(Status, StatusEvent)])
def test_every_move_is_known_or_raises(status: Status, event: StatusEvent) -> None:
    """A connection cannot be opened twice, or end before it began."""
    expected = LEGAL.get((str(status), event.name))
    if expected is None:
        with pytest.raises(IllegalMoveError, match=event.name):
            move(STATUS_MOVES, status, event)
    else:
        assert str(move(STATUS_MOVES, status, event)) == expected


async def test_a_transport_shows_its_state() -> None:
    """For a debugger and a log: status, address without secrets, responses, audio."""
    idle = repr(OpenAIRealtimeWebSocket(url="wss://example.test/v1/realtime?key=secret", api_key="sk-secret"))
    async with linked() as link:
        link.t.request_response()
        await link.say(response_event("created", "resp_7"))
        busy = repr(link.t)
        connection = repr(link.t._connection)

    assert "disconnected wss://example.test/v1/realtime" in idle
    assert "secret" not in idle
    assert "connected ws://127.0.0.1" in busy
    assert "resp_7" in busy
    assert connection == "<WebSocketConnection open, 0 bytes wait>"
