"""Tests as users write them with the plugin: `test_plugin.py` copies this, runs it, and looks at its outcomes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from rtcli import OpenAIRealtimeWebSocket
from rtcli.testing import ServerThread
from tests.kit.apps import command

WEATHER = pytest.mark.realtime_server(script="weather.yaml", voice="tone")


def run(server: ServerThread, app: str) -> None:
    """An application, to its end."""
    environ = {**os.environ, "RTCLI_URL": server.url, "OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "none"}
    subprocess.run(command(app), env=environ, check=True)


@WEATHER
def test_behaves(realtime_server: ServerThread) -> None:
    run(realtime_server, "behaves")


@WEATHER
def test_deviates(realtime_server: ServerThread) -> None:
    run(realtime_server, "never_answers")


@WEATHER
def test_fails_and_deviates(realtime_server: ServerThread) -> None:
    run(realtime_server, "never_answers")
    raise AssertionError("of my own")


@pytest.mark.realtime_server(script="weather.yaml", voice="tone", ignore=["call-unanswered"])
class TestIgnoring:
    @pytest.mark.realtime_server(script="calls.yaml")
    def test_nearest_marker_holds(self, realtime_server: ServerThread) -> None:
        run(realtime_server, "never_answers")


@pytest.mark.realtime_server(voice="tone", rules=True, reply="rules")
def test_rules_alone(realtime_server: ServerThread) -> None:
    run(realtime_server, "never_answers")


@pytest.mark.realtime_server(scrpt="weather.yaml")
def test_misspelled(realtime_server: ServerThread) -> None:
    raise AssertionError("not reached")


@pytest.mark.realtime_server("weather.yaml")
def test_without_a_name(realtime_server: ServerThread) -> None:
    raise AssertionError("not reached")


@pytest.mark.realtime_server(script="nowhere.yaml")
def test_no_such_file(realtime_server: ServerThread) -> None:
    raise AssertionError("not reached")


@pytest.mark.realtime_server(faults=["connect:http=503"])
async def test_faults(realtime_server: ServerThread) -> None:
    transport = OpenAIRealtimeWebSocket(url=f"{realtime_server.url}?model=gpt-realtime-2.1", api_key="none")
    with pytest.raises(Exception, match="503"):
        await transport.connect()


@pytest.fixture
def client(realtime_server: ServerThread) -> Iterator[Any]:
    """One that is still connected when its test ends."""
    with asyncio.Runner() as loop:
        url = f"{realtime_server.url}?model=gpt-realtime-2.1"
        transport = OpenAIRealtimeWebSocket(url=url, api_key="none", auto_tracing=False)
        loop.run(transport.connect())
        yield transport
        loop.run(leave(transport))


async def leave(transport: OpenAIRealtimeWebSocket) -> None:
    transport.close()
    await transport.wait_closed()


@WEATHER
def test_leaves_late(client: Any) -> None:
    """What it owes is told at its teardown."""


def get_weather(city: str = "") -> str:
    """The weather in a city."""
    return "21 degrees"


@WEATHER
async def test_session(realtime_session: Any) -> None:
    async with realtime_session(tools=[get_weather], output_modalities=["text"]) as session:
        session.talk.say("What is the weather in Paris?")
        await session.idle(30)
    assert "It is sunny." in str(list(session.state.history)[-1])


@WEATHER
async def test_session_fails(realtime_session: Any) -> None:
    async with realtime_session(output_modalities=["text"]) as session:
        session.talk.say("hello")
        await session.idle(30)
        raise AssertionError("of my own")


async def test_session_takes_fields_of_the_wire(realtime_session: Any) -> None:
    async with realtime_session(output_modalities=["text"], max_output_tokens=7) as session:
        assert session.state.session["max_output_tokens"] == 7


async def test_session_refused(realtime_session: Any) -> None:
    async with realtime_session(output_modalities=["text"], instruction="Be brief."):
        pass


async def test_value_refused(realtime_session: Any) -> None:
    async with realtime_session(output_modalities=["text"], max_output_tokens=-2):
        pass


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
