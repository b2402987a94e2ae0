"""`rtcli proxy` in a pipe: NDJSON of all connections, a recording of each, until a signal comes."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from rtcli.protocol.record import Connected, Connection, End, Frame, Http, Mark
from rtcli.server import RealtimeServer
from tests.kit.program import one_clear_line, rtcli, start
from tests.kit.proxying import echo, endpoint
from tests.kit.recordings import records_of
from tests.kit.waiting import DEADLINE

MODEL = "?model=gpt-realtime-2.1"


class Running:
    """The program, and the address that it has told."""

    def __init__(self, process: asyncio.subprocess.Process, base: str) -> None:
        self.process = process
        self.base = base
        self.lines: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """Where an app connects."""
        return self.base.replace("http", "ws", 1) + "/realtime"

    async def until(self, key: str, value: object) -> dict[str, Any]:
        """Read NDJSON until a line has this."""
        assert self.process.stdout is not None
        while True:
            line: dict[str, Any] = json.loads(await asyncio.wait_for(self.process.stdout.readline(), DEADLINE))
            self.lines.append(line)
            if line.get(key) == value:
                return line

    async def said(self, *words: str) -> None:
        """Read stderr until all of these were said, in any order."""
        assert self.process.stderr is not None
        missing = {*words}
        while missing:
            line = (await asyncio.wait_for(self.process.stderr.readline(), DEADLINE)).decode()
            assert line, missing
            missing = {word for word in missing if word not in line}

    async def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; the exit code, and what was said on stderr meanwhile."""
        self.process.send_signal(number)
        out, err = await asyncio.wait_for(self.process.communicate(), DEADLINE)
        self.lines += [json.loads(line) for line in out.splitlines()]
        return self.process.returncode or 0, err.decode()


@asynccontextmanager
async def running(*arguments: str, **streams: Any) -> AsyncIterator[Running]:
    process = await start("proxy", "--listen", "127.0.0.1:0", "--json", *arguments, **streams)
    try:
        assert process.stderr is not None
        while not (found := re.search(r"proxy at (\S+)", said := (await process.stderr.readline()).decode())):
            assert said, "it has ended"
        yield Running(process, found[1])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_every_frame_is_a_line_with_the_number_of_its_connection(tmp_path: Path) -> None:
    async with (
        RealtimeServer(pace=0, voice="tone") as server,
        running("--to", server.url, "--record", str(tmp_path), "--fault", "event=session.created:duplicate") as proxy,
    ):
        for _ in range(2):
            async with connect(proxy.url + MODEL, user_agent_header="my app/1") as app:
                created = [await app.recv(), await app.recv()]
                await app.send('{"type": "input_audio_buffer.clear" }')
                assert "cleared" in str(await app.recv())
            await proxy.until("connection", "closed")
        code, _ = await proxy.end()

    assert code == 143
    assert created[0] == created[1], "the fault"
    second = [line for line in proxy.lines if line.get("conn") == 2]
    assert [line["event"]["type"] for line in second if "event" in line] == [
        *("session.created", "session.created", "input_audio_buffer.clear", "input_audio_buffer.cleared")
    ]
    assert [line["dir"] for line in second if "event" in line] == ["<", "<", ">", "<"]
    assert all(0 <= line["t"] <= line["out"] for line in second if "event" in line)
    assert second[-1]["code"] == 1000

    files = sorted(tmp_path.glob("*.ndjson"))
    assert len(files) == 2
    records = records_of(files[0])
    assert [type(record) for record in records] == [Connection, Mark, Frame, Frame, Frame, Frame, Connection, End]
    frames = [record for record in records if isinstance(record, Frame)]
    assert frames[1].cause == "fault duplicate"
    assert frames[3].parent == 3
    assert all(frame.out is not None and frame.out >= frame.at for frame in frames)


async def test_requests_beside_a_session_are_recorded_with_it(tmp_path: Path) -> None:
    async with running("--local", "--record", str(tmp_path)) as proxy:
        host, _, port = proxy.base.removeprefix("http://").removesuffix("/v1").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        body = b"{}"
        writer.write(b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n" + body)
        assert b'"value":' in (await asyncio.wait_for(reader.read(), DEADLINE)).replace(b": ", b":").replace(
            b'" :', b'":'
        )
        writer.close()
        request = await proxy.until("http", {"method": "POST", "path": "/v1/realtime/client_secrets", "status": 200})
        assert "conn" not in request
        async with connect(proxy.url + MODEL) as app:
            await app.recv()
        await proxy.until("connection", "closed")
        await proxy.end()

    (file,) = tmp_path.glob("*.ndjson")
    records = records_of(file)
    assert [record for record in records if isinstance(record, Http)] == [
        Http(0.0, "POST", "/v1/realtime/client_secrets", 200)
    ]


async def test_a_signal_says_goodbye_to_both_sides_and_ends_the_recording(tmp_path: Path) -> None:
    async with endpoint(echo) as url, running("--to", url, "--record", str(tmp_path)) as proxy:
        app = await connect(proxy.url)
        await app.send('{"type":"a"}')
        await app.recv()
        code, _ = await proxy.end(signal.SIGINT)
        await asyncio.wait_for(app.wait_closed(), DEADLINE)

    assert code == 130
    assert app.close_code == 1001
    (file,) = tmp_path.glob("*.ndjson")
    last = records_of(file)[-2:]
    assert isinstance(last[0], Connection)
    assert (last[0].state, last[0].code) == (Connected.CLOSED, 1001)


async def test_lines_of_standard_input_are_commands_and_its_end_ends_nothing() -> None:
    async with endpoint(echo) as url, running("--to", url) as proxy:
        assert proxy.process.stdin is not None
        proxy.process.stdin.write(b"/hold > a\nnonsense\n/nonsense\n/connections\n")
        await proxy.said("held: > a", "the session is the app's", "unknown command /nonsense", "no app has connected")
        async with connect(proxy.url) as app:
            await app.send('{"type":"a"}')
            await proxy.said("[1] held > a")
            proxy.process.stdin.write(b'/edit {"type":"b"}\n/release\n')
            proxy.process.stdin.write_eof()
            assert await asyncio.wait_for(app.recv(), DEADLINE) == '{"type":"b"}'
            line = await proxy.until("by", "/edit")
            assert line["was"] == {"type": "a"}
            await app.send('{"type":"c"}')
            assert await asyncio.wait_for(app.recv(), DEADLINE) == '{"type":"c"}'
        code, _ = await proxy.end()
    assert code == 143


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "ftp://x"), ("not a WebSocket or HTTP URL",)),
        (("--to", "wss://x/v1?api-key=sk-0123456789abc"), ("contains a key",)),
        (("--to", "ws://127.0.0.1:1", "--local"), ("exclude each other",)),
        (("--listen", "nonsense"), ("HOST:PORT",)),
        (("--listen", "0.0.0.0:0"), ("refusing to listen", "--allow-remote")),
        (("--listen", "127.0.0.1:7", "--to", "http://localhost:7"), ("",)),
        (("--fault", "connect:quota"), ("no fault",)),
        (("--fault", "event=a"), ("colon",)),
        (("--filter", "a=b"), ("filter",)),
        (("--events", "some"), ("--events",)),
        (("--record", "a", "--no-record"), ("exclude each other",)),
        (("--local", "--listen", "127.0.0.1:0", "--record", f"{__file__}/a"), ("Not a directory",)),
    ],
)  # fmt: skip
async def test_what_cannot_be_used_is_one_clear_line(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    one_clear_line(await rtcli("proxy", *arguments), 2, *words)


async def test_a_port_in_use_is_one_clear_line() -> None:
    async with endpoint(echo) as url:
        port = url.rpartition(":")[2].partition("/")[0]
        one_clear_line(
            await rtcli("proxy", "--listen", f"127.0.0.1:{port}", "--to", "ws://127.0.0.1:1"), 2, "cannot listen", port
        )


async def test_the_end_of_the_reader_is_the_end_of_the_proxy() -> None:
    async with endpoint(echo) as url, running("--to", url, stdin=asyncio.subprocess.DEVNULL) as proxy:
        async with connect(proxy.url) as app:
            await app.send('{"type":"a"}')
            await proxy.until("dir", "<")
            assert proxy.process.stdout is not None
            proxy.process.stdout._transport.close()  # type: ignore[attr-defined]
            await app.send('{"type":"a"}')
            await asyncio.wait_for(proxy.process.wait(), DEADLINE)
        assert proxy.process.returncode == 0
