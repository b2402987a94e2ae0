"""How many messages a turn of the loop brings, and that none is lost where they are more."""

from __future__ import annotations

import asyncio
from collections import Counter
from unittest.mock import Mock

import pytest

from rtcli.transports import messages
from rtcli.transports.messages import Messages, TurnLimit
from tests.kit.waiting import until

COUNT = 3_000


@pytest.mark.parametrize(
    ("milliseconds", "most"),
    [
        pytest.param(0.001, TurnLimit.MOST, id="quick"),
        pytest.param(0.1, 50, id="slow"),
        pytest.param(5.0, TurnLimit.LEAST, id="very slow"),
    ],
)
async def test_as_many_come_in_a_turn_as_fit_into_its_time(
    milliseconds: float, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on by so much with each message. The first turn does not know yet, every later one does."""
    now, turns, taken = 1.0, 0, list[tuple[str | bytes, int]]()
    monkeypatch.setattr(messages, "perf_counter", lambda: now)
    loop, socket = asyncio.get_running_loop(), Mock(spec=asyncio.Transport)

    def turn() -> None:
        nonlocal turns
        turns += 1
        loop.call_soon(turn)

    def take(message: str | bytes, _binary: bool) -> None:
        nonlocal now
        now += milliseconds / 1000
        taken.append((message, turns))

    arrived = Messages(socket)
    arrived.read(take)
    turn()
    for number in range(COUNT):
        arrived.whole(b"%d" % number, False)
    await until(lambda: len(taken) == COUNT)

    first, *middle, _last = Counter(turn for _, turn in taken).values()
    assert [message for message, _ in taken] == [b"%d" % number for number in range(COUNT)]
    assert first == TurnLimit.MOST
    assert set(middle) == {most}
    assert socket.resume_reading.call_count == socket.pause_reading.call_count == 1


async def test_a_machine_that_was_slow_for_a_while_is_trusted_again() -> None:
    """The limit grows as it has shrunk."""
    limit = TurnLimit()
    limit.messages = TurnLimit.LEAST
    limit.begin()
    limit.full()

    assert limit.messages > TurnLimit.LEAST
