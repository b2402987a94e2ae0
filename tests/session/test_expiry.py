"""The end of a session is announced in time."""

from __future__ import annotations

import asyncio

from rtcli.session.expiry import WARN_AT, Expiry
from rtcli.views import Notice
from tests.kit.waiting import DEADLINE


class Day:
    """A wall clock that a test puts forward."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Said:
    """What was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.notices: asyncio.Queue[Notice] = asyncio.Queue()

    def show(self, notice: Notice) -> None:
        self.notices.put_nowait(notice)

    async def next(self) -> str:
        """The next notice, also one that is still to come."""
        async with asyncio.timeout(DEADLINE):
            notice = await self.notices.get()
        assert "/reconnect" in notice.hint
        return notice.what

    @property
    def nothing(self) -> bool:
        return self.notices.empty()


async def test_a_warning_comes_five_minutes_before_the_end() -> None:
    """As soon as the moment has come, and not before."""
    day = Day()
    said = Said()
    expiry = Expiry(day, said.show, clock=day)
    expiry.learn(day.now + WARN_AT[0] + 0.02)
    assert said.nothing

    day.now += 0.02
    assert await said.next() == "the session ends in 5 min"
    expiry.forget()


async def test_the_second_warning_follows_the_first() -> None:
    """The timer is set anew, for the minute before the end."""
    day = Day()
    said = Said()
    expiry = Expiry(day, said.show, clock=day)
    expiry.learn(day.now + WARN_AT[1] + 0.02)
    assert await said.next() == "the session ends in 60 s"
    assert said.nothing

    day.now += 0.02
    assert await said.next() == "the session ends in 60 s"
    expiry.forget()


async def test_what_is_known_already_and_what_nobody_said_is_not_told() -> None:
    """Every session.updated repeats the moment; some servers give none."""
    day = Day()
    said = Said()
    expiry = Expiry(day, said.show, clock=day)
    for _ in range(3):
        expiry.learn(day.now + 30)
    assert await said.next() == "the session ends in 30 s"

    for odd in (None, 0, "soon"):
        expiry.learn(odd)
    assert expiry.remaining is None
    assert said.nothing


async def test_a_session_that_is_gone_is_not_warned_of() -> None:
    """Its timer goes with it."""
    day = Day()
    said = Said()
    expiry = Expiry(day, said.show, clock=day)
    expiry.learn(day.now + WARN_AT[0] + 0.01)
    expiry.forget()
    await asyncio.sleep(0.03)  # timers fire in order: one that was still armed would have fired before

    assert said.nothing


def test_a_clock_that_is_set_anew_changes_nothing() -> None:
    """The time of day jumps by a day and back: the session has as long to live as before."""
    day, steady = Day(), Day()
    expiry = Expiry(day, Said().show, clock=steady)

    async def learn() -> list[float | None]:
        expiry.learn(day.now + 3600)
        seen = []
        for jump in (86_400, -2 * 86_400, 86_400):
            day.now += jump
            steady.now += 1
            seen.append(expiry.remaining)
        expiry.forget()
        return seen

    assert asyncio.run(learn()) == [3599, 3598, 3597]
