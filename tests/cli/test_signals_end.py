"""SIGINT and SIGTERM end every command soon, with their exit codes, whatever it is doing."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rtcli.server import RealtimeServer
from tests.kit.program import start
from tests.kit.stalling_proxy import StallingProxy, stalling_proxy
from tests.kit.waiting import DEADLINE, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

SECONDS = 2.0 if os.environ.get("RTCLI_STRICT_TIMES") else 10.0
"""What is promised is 2 s; a loaded machine may take longer to run the same steps. The steps that a defect waits for
take 10 s and more: a name, a handshake, a reader."""

SIGNALS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
COUNT = "count from 1 to 4000"
TOOL = "import time\n\n\ndef wait_long() -> str:\n    '''Waits.'''\n    time.sleep(60)\n    return 'x'\n"


@asynccontextmanager
async def _server(pace: float = 1.0) -> AsyncIterator[StallingProxy]:
    async with RealtimeServer(voice="tone", pace=pace) as server, stalling_proxy(server.url) as proxy:
        yield proxy


async def _ends(process: asyncio.subprocess.Process, number: int) -> int:
    began = time.monotonic()
    process.send_signal(number)
    try:
        code = await asyncio.wait_for(process.wait(), DEADLINE)
    finally:
        if process.returncode is None:
            process.kill()
    took = time.monotonic() - began
    assert took < SECONDS
    return code


async def _write(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text.encode())
    with contextlib.suppress(ConnectionError):
        await process.stdin.drain()


async def _first_line(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    return (await asyncio.wait_for(stream.readline(), DEADLINE)).decode()


@SIGNALS
@pytest.mark.parametrize("command", ["chat", "send-event"])
async def test_while_dialing(number: int, code: int, command: str, tmp_path: Path) -> None:
    """The server accepts the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/v1"
        (tmp_path / "e.json").write_text('{"type": "response.create"}')
        file = [str(tmp_path / "e.json")] if command == "send-event" else []
        process = await start(command, *file, "--url", url)
        silent.settimeout(DEADLINE)
        connection, _ = await asyncio.to_thread(silent.accept)
        assert await _ends(process, number) == code
        connection.close()


@SIGNALS
@pytest.mark.parametrize("arguments", [["chat"], ["send-event", "-", "--stream"]], ids=["chat", "send-event"])
async def test_while_idle(number: int, code: int, arguments: list[str]) -> None:
    """Connected, and waiting for the next line."""
    async with _server() as proxy:
        process = await start(*arguments, "--url", proxy.url)
        await until(lambda: proxy.connections == 1)
        await until(lambda: proxy.passed > 600, "the session was set up")
        assert await _ends(process, number) == code


@SIGNALS
async def test_while_reading_standard_input(number: int, code: int) -> None:
    """`send-event -` reads to the end before it dials."""
    process = await start("send-event", "-", "--url", "ws://127.0.0.1:9/v1")
    await _write(process, '{"type": "response.create"')
    status = Path(f"/proc/{process.pid}/wchan")
    await until(lambda: not status.exists() or "pipe" in status.read_text() or _started(process.pid))
    assert await _ends(process, number) == code


def _started(pid: int) -> bool:
    """Its modules are loaded: the process waits in a read of standard input."""
    call = Path(f"/proc/{pid}/syscall")
    return call.exists() and call.read_text().startswith(("0 0x0", "7 ", "270 ", "271 "))


@SIGNALS
async def test_while_an_answer_comes(number: int, code: int) -> None:
    """Text in the middle of a long answer."""
    async with _server() as proxy:
        process = await start("chat", "--text", "--json", "--url", proxy.url)
        await _write(process, COUNT + "\n")
        while "output_text.delta" not in await _first_line(process.stdout):
            pass
        assert await _ends(process, number) == code


@SIGNALS
async def test_while_a_tool_runs(number: int, code: int, tmp_path: Path) -> None:
    """One that sleeps, and hears of nothing."""
    (tmp_path / "tools.py").write_text(TOOL)
    async with _server(pace=0) as proxy:
        process = await start("chat", "--text", "--json", "--tools", str(tmp_path / "tools.py"), "--url", proxy.url)
        await _write(process, "wait long\n")
        while "function_call_arguments.done" not in await _first_line(process.stdout):
            pass
        assert await _ends(process, number) == code


@SIGNALS
@pytest.mark.parametrize("command", ["chat", "send-event"])
async def test_while_a_peer_stalls(number: int, code: int, command: str) -> None:
    """Many megabytes wait for a peer that takes none of them."""
    async with _server() as proxy:
        arguments = ["chat"] if command == "chat" else ["send-event", "-", "--stream"]
        process = await start(*arguments, "--url", proxy.url)
        set_up = 2000 if command == "chat" else 600  # a chat configures its session first, and waits for that
        await until(lambda: proxy.passed > set_up, "the session was set up")
        proxy.stall()
        big = {"type": "session.update", "session": {"type": "realtime", "instructions": "x" * 1_000_000}}
        writing = asyncio.create_task(_write(process, f"{json.dumps(big)}\n" * 12))
        await until(lambda: proxy.arrived > 100_000 or writing.done())
        assert await _ends(process, number) == code
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


@SIGNALS
@pytest.mark.parametrize("command", ["chat", "send-event"])
async def test_while_nobody_reads_its_output(number: int, code: int, command: str, tmp_path: Path) -> None:
    """The pipe behind its standard output is full."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    (tmp_path / "e.json").write_text(
        json.dumps({"type": "session.update", "session": {"type": "realtime", "instructions": "x" * 60_000}})
    )
    async with _server(pace=0) as proxy:
        arguments = ["chat", "--json"] if command == "chat" else ["send-event", str(tmp_path / "e.json"), "--for", "60"]
        process = await start(*arguments, "--url", proxy.url, stdout=writer)
        if command == "chat":
            await _write(process, (tmp_path / "e.json").read_text() + "\n")
        os.close(writer)
        await until(lambda: proxy.passed > 120_000 and _holds_some(reader), "more has come than the pipe takes")
        assert await _ends(process, number) == code
    os.close(reader)


def _holds_some(reader: int) -> bool:
    (waiting,) = struct.unpack("i", fcntl.ioctl(reader, termios.FIONREAD, bytes(4)))
    return bool(waiting >= 500)


@SIGNALS
@pytest.mark.parametrize("clients", ["none", "silent", "unread"])
async def test_serve(number: int, code: int, clients: str) -> None:
    """Without clients, with one that never asks, and one that reads nothing of what it asked for."""
    process = await start("serve", "--port", "0", "--voice", "tone")
    url = (await _first_line(process.stdout)).strip()
    host, _, port = url.removeprefix("ws://").partition("/")[0].rpartition(":")
    opened: list[Callable[[], None]] = []
    if clients != "none":
        client = socket.create_connection((host, int(port)))
        opened.append(client.close)
        if clients == "unread":
            client.sendall(
                f"GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            client.settimeout(0.5)
            update = b'{"type":"session.update","session":{"type":"realtime","instructions":"%b"}}' % (b"x" * 60_000)
            frame = b"\x81\xfe" + len(update).to_bytes(2, "big") + bytes(4) + update
            with contextlib.suppress(TimeoutError):
                for _ in range(400):
                    await asyncio.to_thread(client.sendall, frame)
    assert await _ends(process, number) == code
    for close in opened:
        close()


@SIGNALS
async def test_while_a_host_name_is_looked_up(number: int, code: int, tmp_path: Path) -> None:
    """The look-up is in a thread that nothing can interrupt."""
    (tmp_path / "sitecustomize.py").write_text(
        "import socket, time, sys\n"
        "def slow(*_, **__):\n    print('looking up', file=sys.stderr, flush=True)\n    time.sleep(60)\n"
        "socket.getaddrinfo = slow\n"
    )
    process = await start("chat", "--url", "ws://host.invalid/v1", environ={"PYTHONPATH": str(tmp_path)})
    while "looking up" not in await _first_line(process.stderr):
        pass
    assert await _ends(process, number) == code


def test_nohup_is_obeyed() -> None:
    """The terminal's end does not end what was started to outlive it."""
    command = f"trap '' HUP; exec {sys.executable} -m rtcli serve --port 0 --voice tone"
    with subprocess.Popen(["/bin/sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 143
