"""The threads of the engines: what is due first comes first, and nothing is lost when somebody leaves."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rtcli.server.runtime import engine_pool
from rtcli.server.runtime.engine_pool import EnginePool
from rtcli.server.runtime.response_writer import making_way
from rtcli.server.voice.basic_engines import basic_engines
from tests.kit.waiting import until


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that an order can be seen."""
    monkeypatch.setattr(engine_pool, "_THREADS", 1)


async def test_of_the_jobs_that_wait_the_one_that_is_due_first_is_next() -> None:
    """In whatever order they came; those of the same moment in that order."""
    free, done = threading.Event(), list[str]()
    async with EnginePool("tone", basic_engines()) as pool:
        first = asyncio.create_task(pool.work(free.wait))
        waiting = [
            asyncio.create_task(pool.work(done.append, name, due=due))
            for name, due in (("late", 30.0), ("soon", 10.0), ("middle", 20.0), ("soon too", 10.0))
        ]
        await asyncio.sleep(0)
        free.set()
        await asyncio.gather(first, *waiting)

    assert done == ["soon", "soon too", "middle", "late"]


async def test_a_job_that_is_cancelled_takes_no_place() -> None:
    """Neither while it waits nor at the moment when its turn has come."""
    free, done = threading.Event(), list[str]()
    async with EnginePool("tone", basic_engines()) as pool:
        first = asyncio.create_task(pool.work(free.wait))
        gone = asyncio.create_task(pool.work(done.append, "gone", due=1.0))
        chosen = asyncio.create_task(pool.work(done.append, "chosen", due=2.0))
        last = asyncio.create_task(pool.work(done.append, "last", due=3.0))
        await asyncio.sleep(0)
        gone.cancel()
        first.add_done_callback(lambda _: chosen.cancel())
        free.set()
        await last
        await pool.work(done.append, "afterwards")

    assert done[-2:] == ["last", "afterwards"]
    assert "gone" not in done


async def test_tones_take_no_thread() -> None:
    """What one costs is less than a thread does: they are there also while every thread works."""
    free = threading.Event()
    async with EnginePool("tone", basic_engines()) as pool:
        working = asyncio.create_task(pool.work(free.wait))
        await asyncio.sleep(0)
        chunks, first = await pool.speak("Two words.", "marin", 1.0)
        second = await pool.next_chunk(chunks)
        free.set()
        await working

    assert first is not None
    assert second is not None
    assert [first.text, second.text] == ["Two ", "words."]


async def test_other_engines_leave_the_loop_free() -> None:
    """The loop runs on while a job is in its thread."""
    free = threading.Event()
    async with EnginePool("tone", basic_engines()) as pool:
        working = asyncio.create_task(pool.work(free.wait))
        asyncio.get_running_loop().call_later(0.01, free.set)
        await until(free.is_set)
        assert await working


@pytest.mark.parametrize(
    ("late", "ahead", "wait"),
    [(0.0, 9.0, 0.0), (0.01, 9.0, 0.0), (0.05, 9.0, 1.0), (0.05, 0.9, 0.0), (0.5, 3.0, 2.5), (0.05, 1.2, 0.7)],
)
def test_on_a_late_loop_those_with_audio_to_spare_make_way(late: float, ahead: float, wait: float) -> None:
    """And never so long that theirs would run out."""
    assert making_way(late=late, ahead=ahead) == pytest.approx(wait)
    assert making_way(late=late, ahead=ahead) < ahead
