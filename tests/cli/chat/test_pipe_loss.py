"""A pipe tells the truth: when the connection is lost, the command ends, and whoever writes to it hears of that."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from rtcli.protocol.record import Connected, Connection, Frame, Record
from rtcli.server import RealtimeServer
from tests.kit.program import start
from tests.kit.stalling_proxy import stalling_proxy
from tests.kit.waiting import DEADLINE, until

COMMANDS = pytest.mark.parametrize(
    "arguments", [["chat", "--text"], ["send-event", "-", "--stream"]], ids=["chat", "send-event"]
)


def has_ended(records: list[Record]) -> bool:
    """Of one connection: what was recorded stays, also where it was over between two looks."""
    return any(isinstance(record, Connection) and record.state is Connected.CLOSED for record in records)


@COMMANDS
async def test_a_loss_while_idle_ends_the_command(arguments: list[str]) -> None:
    """At once, with 3 and one clear line; the producer's next write fails."""
    server = await start("serve", "--port", "0", "--voice", "tone")
    assert server.stdout is not None
    url = (await asyncio.wait_for(server.stdout.readline(), DEADLINE)).decode().strip()
    async with stalling_proxy(url) as proxy:
        reader, writer = os.pipe()
        process = await start(*arguments, "--url", proxy.url, stdin=reader)
        os.close(reader)
        await until(lambda: proxy.passed > 600, "the session was set up")
        server.kill()
        await server.wait()
        _, err = await asyncio.wait_for(process.communicate(), DEADLINE)
        assert process.returncode == 3, err
        assert err.count(b"connection") >= 1
        with pytest.raises(BrokenPipeError):
            os.write(writer, b"hello\n")
        os.close(writer)


async def test_lines_after_a_disconnect_may_connect_again() -> None:
    """/disconnect is no loss: the command goes on to read."""
    records: list[Record] = []
    async with RealtimeServer(voice="tone", pace=0, observe=lambda _address: records.append) as server:
        process = await start("chat", "--text", "--url", server.url)
        assert process.stdin is not None
        for line in (b"hello\n", b"/disconnect\n"):
            process.stdin.write(line)
        await until(lambda: has_ended(records), "the end of the connection")
        out, err = await asyncio.wait_for(process.communicate(b"/reconnect\nhello again\n"), DEADLINE)
        assert process.returncode == 0, err
        assert len(out.splitlines()) >= 2


@COMMANDS
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)], ids=["TERM", "INT", "HUP"]
)
async def test_a_recording_says_by_which_signal_the_program_ended(
    tmp_path: Path, number: signal.Signals, code: int, arguments: list[str]
) -> None:
    """The code of its end is that of the process."""
    records: list[Record] = []
    path = tmp_path / "session.ndjson"
    async with RealtimeServer(voice="tone", pace=0, observe=lambda _address: records.append) as server:
        process = await start(*arguments, "--url", server.url, "--record", str(path))
        await until(lambda: any(isinstance(record, Frame) for record in records), "the session")
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), DEADLINE) == code

    assert json.loads(path.read_text(encoding="utf-8").splitlines()[-1])["end"] == {"exit_code": code}


async def test_a_signal_still_ends_a_chat_that_was_disconnected() -> None:
    """While it waits for the line that connects again."""
    records: list[Record] = []
    async with RealtimeServer(voice="tone", pace=0, observe=lambda _address: records.append) as server:
        process = await start("chat", "--text", "--url", server.url)
        assert process.stdin is not None
        process.stdin.write(b"/disconnect\n")
        await until(lambda: has_ended(records), "the end of the connection")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), DEADLINE) == 143
