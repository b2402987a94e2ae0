"""Every file of examples/ does what its first line says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import jsonschema
import pytest

from rtcli.protocol.yaml_reader import read_yaml
from rtcli.server import RealtimeServer
from tests.kit.program import rtcli
from tests.kit.waiting import DEADLINE

FOLDER = Path(__file__).parent.parent / "examples"
# As in somebody else's project: without our own configuration, and without what this project's tests need besides.
_BARE_PYTEST = ("-m", "pytest", "-q", "-c", os.devnull, "-p", "no:asyncio", "-p", "no:cacheprovider")


async def output_of(*arguments: str) -> str:
    """What a Python program prints; it has to end well and in silence on stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, err.decode()) == (0, ""), out.decode()
    return out.decode()


async def hello() -> None:
    assert "Hello" in await output_of(str(FOLDER / "hello.py"))
    async with RealtimeServer(pace=0, voice="tone") as server:  # the address may be given
        assert "Hello" in await output_of(str(FOLDER / "hello.py"), f"{server.url}?model=gpt-realtime-2.1")


async def tool() -> None:
    called, answer = (await output_of(str(FOLDER / "tool.py"))).splitlines()
    assert called == 'get_weather({"city": "Paris"})'
    assert "21 degrees" in answer


async def interrupt() -> None:
    stopped, kept = (await output_of(str(FOLDER / "interrupt.py"))).splitlines()
    assert stopped == "your player stops here"
    assert re.fullmatch(r"the server keeps \d+ ms", kept)


async def telephone() -> None:
    heard, pressed = (await output_of(str(FOLDER / "telephone.py"))).splitlines()
    assert re.fullmatch(r"the caller has heard [1-9]\d* ms", heard)
    assert pressed == "the caller has pressed 1"


async def agent_tests() -> None:
    assert "2 passed" in await output_of(*_BARE_PYTEST, str(FOLDER / "test_agent.py"))


async def scripted() -> None:
    assert "2 passed" in await output_of(*_BARE_PYTEST, str(FOLDER / "test_scripted.py"))


async def turn() -> None:
    ended = await rtcli("send-event", str(FOLDER / "turn.json"), "--local")
    assert ended.code == 0
    assert ended.types[-1] == "response.done"


async def tools() -> None:
    tools = str(FOLDER / "tools.py")
    ended = await rtcli("chat", "--local", "--text", "--tools", tools, text="what is the weather in Paris?\n")
    assert ended.code == 0
    assert "temperature: 21" in ended.out


async def script() -> None:
    async with RealtimeServer(pace=0, voice="tone", script=FOLDER / "front_desk.script.yaml") as server:
        ended = await rtcli("chat", "--url", server.url, "--text", text="hello\ndo you have a room?\nbye\n")
    assert ended.code == 0
    assert [word in ended.out for word in ("front desk", "harbor", "Goodbye")] == [True] * 3


async def scenario(name: str) -> None:
    path = FOLDER / name
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    schema = FOLDER / first.partition("$schema=")[2]
    jsonschema.validate(read_yaml(path.read_text(encoding="utf-8"), name), json.loads(schema.read_text("utf-8")))
    ended = await rtcli("run", str(path), "--pace", "0", "--voice", "tone", "--no-record")
    assert (ended.code, ended.err) == (0, ""), ended.out


EXAMPLES: dict[str, Callable[[], Awaitable[None]]] = {
    "hello.py": hello,
    "tool.py": tool,
    "interrupt.py": interrupt,
    "telephone.py": telephone,
    "test_agent.py": agent_tests,
    "test_scripted.py": scripted,
    "turn.json": turn,
    "tools.py": tools,
    "front_desk.script.yaml": script,
    "weather.scenario.yaml": partial(scenario, "weather.scenario.yaml"),
    "interruption.scenario.yaml": partial(scenario, "interruption.scenario.yaml"),
}


@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_example_runs(name: str) -> None:
    """As its own first line, or the table of examples/README.md, says."""
    await EXAMPLES[name]()


def test_every_example_is_run_and_listed() -> None:
    """A file that no test runs goes stale; one that the page does not name is not found."""
    files = {path.name for path in FOLDER.iterdir() if path.is_file()} - {"README.md"}
    listed = re.findall(r"\]\(([^)]+)\)", (FOLDER / "README.md").read_text(encoding="utf-8"))

    assert files == set(EXAMPLES) == set(listed)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short(path: Path) -> None:
    """About as long as what one reads before one copies it."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 50
