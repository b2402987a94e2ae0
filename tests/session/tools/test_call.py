"""Calls of tools: results as JSON, faults in words, and nothing that a tool does holds anybody up."""

from __future__ import annotations

import asyncio
import collections
import datetime
import decimal
import enum
import fractions
import json
import math
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from pydantic import BaseModel, SecretStr

from rtcli.session.tools.call import call_tool
from rtcli.session.tools.results import MAX_ITEMS
from rtcli.session.tools.signature import tool_of
from rtcli.session.tools.tool import Tool, ToolError
from tests.kit.waiting import DEADLINE, until


class Color(enum.Enum):
    RED = "red"


class Planet(enum.Enum):
    EARTH = (5.97, 6.37)


class Level(enum.StrEnum):
    HIGH = "high"


class Reading(NamedTuple):
    place: str
    degrees: float


@dataclass
class Room:
    name: str
    color: Color


class Weather(BaseModel):
    city: str
    at: datetime.date
    key: SecretStr = SecretStr("do not tell")


class Plain:
    def __init__(self) -> None:
        self.city = "Paris"
        self._hidden = 1


class Spoken:
    def __str__(self) -> str:
        return "in words"


def returning(value: Any) -> Tool:
    def tool() -> Any:
        """A tool."""
        return value

    return tool_of(tool)


async def call(tool: Tool, arguments: str = "{}", seconds: float = DEADLINE) -> str:
    return await call_tool(tool, arguments, seconds=seconds)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("hé", "hé"),
        ("name-\udcff.txt", "name-\ufffd.txt"),
        (None, "null"),
        ({"a": [1, "é", True]}, '{"a": [1, "é", true]}'),
        (Color.RED, '"red"'),
        (Planet.EARTH, '"EARTH"'),
        (Level.HIGH, '"high"'),
        (Room("attic", Color.RED), '{"name": "attic", "color": "red"}'),
        ([Reading("roof", 11.5)], '[{"place": "roof", "degrees": 11.5}]'),
        (
            Weather(city="Rome", at=datetime.date(2026, 1, 2)),
            '{"city": "Rome", "at": "2026-01-02", "key": "**********"}',
        ),
        ({"x": {"b", "a"}}, '{"x": ["a", "b"]}'),
        (frozenset({3, 1}), "[1, 3]"),
        (math.nan, "null"),
        ([math.inf, 1.5], "[null, 1.5]"),
        (datetime.datetime(2026, 1, 2, 3, 4), '"2026-01-02T03:04:00"'),
        (datetime.timedelta(seconds=90), '"PT1M30S"'),
        (decimal.Decimal("3.50"), '"3.50"'),
        (fractions.Fraction(1, 3), '"1/3"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (Path("/a/b"), '"/a/b"'),
        (b"abc", '"abc"'),
        (b"abc\xff", '{"base64": "YWJj/w=="}'),
        (range(3), "[0, 1, 2]"),
        (collections.deque([1]), "[1]"),
        ({"a": 1}.keys(), '["a"]'),
        ({1: "a", (1, 2): "b", Color.RED: "c"}, '{"1": "a", "[1, 2]": "b", "red": "c"}'),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
        (np.float32(0.5), "0.5"),
        (np.int64(3), "3"),
        (Plain(), '{"city": "Paris"}'),
        (Spoken(), '"in words"'),
        (map(str, [1, 2]), '["1", "2"]'),
        ({"rooms": (name for name in "ab")}, '{"rooms": ["a", "b"]}'),
        (ValueError("odd"), '"odd"'),
    ],
    ids=lambda value: str(type(value).__name__),
)
async def test_a_result_is_the_json_that_one_expects(value: Any, text: str) -> None:
    """Never a repr, never an address."""
    assert await call(returning(value)) == text


@pytest.mark.parametrize("value", [threading.Lock(), object(), len, Plain, {"deep": [threading.Lock()]}])
async def test_what_is_no_data_is_refused(value: Any) -> None:
    """By the name of its type."""
    with pytest.raises(ToolError, match="which JSON does not have") as caught:
        await call(returning(value))
    assert "0x" not in str(caught.value)


async def test_a_result_that_contains_itself_or_is_too_large_is_refused() -> None:
    """In a sentence."""
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ToolError, match="contains itself"):
        await call(returning(loop))
    with pytest.raises(ToolError, match="2,000,000 characters"):
        await call(returning("x" * 2_000_000))


def rooms() -> Iterator[str]:
    """Rooms."""
    yield "kitchen"
    yield "cellar"


async def doors() -> AsyncIterator[str]:
    """Doors."""
    yield "open"
    await asyncio.sleep(0)
    yield "closed"


async def inner() -> list[int]:
    return [1]


async def nested() -> Any:
    """A coroutine in a coroutine."""
    return inner()


def wrapped() -> Any:
    """A function that gives something to await."""
    return inner()


@pytest.mark.parametrize(
    ("function", "text"),
    [(rooms, '["kitchen", "cellar"]'), (doors, '["open", "closed"]'), (nested, "[1]"), (wrapped, "[1]")],
)
async def test_what_a_call_gives_bit_by_bit_or_later_is_collected(function: Any, text: str) -> None:
    """Generators and awaitables of both kinds."""
    assert await call(tool_of(function)) == text


async def test_a_generator_without_an_end_is_read_as_far_as_is_sensible() -> None:
    """And the model is told that there is more; the generator is closed."""
    closed: list[str] = []

    def endless() -> Iterator[int]:
        """Without end."""
        try:
            while True:
                yield 1
        finally:
            closed.append("sync")

    async def endless_async() -> AsyncIterator[int]:
        """Without end."""
        try:
            while True:
                yield 1
        finally:
            closed.append("async")

    for function in (endless, endless_async):
        result = json.loads(await call(tool_of(function)))
        assert len(result["items"]) == MAX_ITEMS
        assert "more" in result["note"]
    assert closed == ["sync", "async"]


def exits(kind: str) -> str:
    """A tool."""
    raise {"exit": SystemExit("no such item"), "interrupt": KeyboardInterrupt(), "stop": StopIteration(3)}[kind]


async def exits_async(kind: str) -> str:
    """A tool."""
    return exits(kind)


@pytest.mark.parametrize("function", [exits, exits_async])
@pytest.mark.parametrize(
    ("kind", "why"), [("exit", "SystemExit: no such item"), ("interrupt", "KeyboardInterrupt"), ("stop", "StopIter")]
)
async def test_no_exception_of_a_tool_gets_out(function: Any, kind: str, why: str) -> None:
    """What would end the program is a tool that failed."""
    with pytest.raises(ToolError, match=why):
        await call(tool_of(function), json.dumps({"kind": kind}))


async def test_the_user_is_told_where_the_model_is_told_what() -> None:
    """File, line and function of the tool's own code, also where a library raised; the sentence has no path."""

    def broken(x: int) -> str:
        """A tool."""
        return json.loads("{" * x)  # type: ignore[no-any-return]

    with pytest.raises(ToolError, match="JSONDecodeError: ") as caught:
        await call(tool_of(broken), '{"x": 2}')
    line = broken.__code__.co_firstlineno + 2
    assert caught.value.place == f"{__file__}:{line} in broken"
    assert "/" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ValueError("a\nb"), "ValueError: a b"),
        (ValueError("x" * 1000), "x…"),
        (ExceptionGroup("two", [ValueError("a"), KeyError("b")]), "ExceptionGroup: ValueError: a; KeyError: 'b'"),
        (TimeoutError("my own"), "TimeoutError: my own"),
    ],
)
async def test_an_exception_is_one_sentence(error: Exception, why: str) -> None:
    """However it was made; a tool's own timeout is its own."""

    def tool() -> None:
        """A tool."""
        raise error

    with pytest.raises(ToolError) as caught:
        await call(tool_of(tool))
    assert why in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 400


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "are a JSON array"),
        ("{}", "the argument 'x' is missing"),
        ('{"x": 1, "y": 2}', "no argument 'y', it takes x"),
        ('{"x": 0}', "ZeroDivisionError"),
    ],
)
async def test_a_call_that_goes_wrong_is_an_error_in_words(arguments: str, why: str) -> None:
    """Bad JSON, bad arguments, and whatever the function raises."""

    def tool(x: int) -> float:
        """A tool."""
        return 1 / x

    with pytest.raises(ToolError, match=why):
        await call(tool_of(tool), arguments)


async def test_a_tool_that_takes_too_long_is_given_up() -> None:
    """Awaited, asleep, or busy in Python: the caller goes on, and what listens is stopped."""
    ended: list[str] = []
    release = threading.Event()

    async def awaits() -> None:
        """A tool."""
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("awaits")

    def works() -> None:
        """A tool."""
        try:
            while True:
                time.monotonic()
        finally:
            ended.append("works")

    def blocks() -> None:
        """A tool."""
        release.wait()

    async def blocks_its_loop() -> None:
        """A tool."""
        release.wait()

    async def quick() -> str:
        """A tool."""
        return "quick"

    try:
        for function in (awaits, works, blocks, blocks_its_loop):
            with pytest.raises(ToolError, match="longer than"):
                await call(tool_of(function), seconds=0.05)
        assert await call(tool_of(quick)) == "quick", "a loop that is blocked is replaced"
        await until(lambda: set(ended) == {"awaits", "works"})
    finally:
        release.set()


async def test_calls_run_beside_each_other() -> None:
    """Two that wait for each other come to an end."""
    barrier = threading.Barrier(2, timeout=DEADLINE)

    def meets() -> str:
        """A tool."""
        barrier.wait()
        return "met"

    results = await asyncio.gather(*(call(tool_of(meets)) for _ in range(2)))
    assert results == ["met", "met"]
