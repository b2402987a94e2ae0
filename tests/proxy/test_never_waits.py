"""No frame waits for what is shown or written: a disk that stalls, a terminal and a pipe that nobody reads."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from rtcli.proxy.tap import _OVERHEAD, MAX_WAITING
from rtcli.recording.writer import RecordingWriter
from tests.cli.test_proxy_in_pipe import running
from tests.kit.proxying import controlled, echo, endpoint
from tests.kit.terminal import Terminal
from tests.kit.waiting import DEADLINE, until

MANY = 12_000_000  # bytes: no pipe, terminal or queue takes so much, but the proxy's own bound is larger


async def passes(connection: ClientConnection, size: int, piece: int = 20_000) -> None:
    """So many bytes go to the endpoint and back, each message answered before the next."""
    message = '{"type":"input_audio_buffer.append","audio":"' + "A" * piece + '"}'
    for _ in range(size // piece):
        await connection.send(message)
        assert await asyncio.wait_for(connection.recv(), DEADLINE) == message


async def test_a_disk_that_stalls_delays_no_frame_and_ends_the_recording_with_one_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, flush = threading.Event(), RecordingWriter.flush

    def stalled(writer: RecordingWriter) -> None:
        if threading.current_thread().name == "rtcli-watch" and writer.path.stat().st_size > 1000:
            go.wait(DEADLINE)
        flush(writer)

    monkeypatch.setattr(RecordingWriter, "flush", stalled)
    async with controlled(folder=tmp_path) as user, connect(user.url, compression=None) as app:
        await passes(app, 2 * MAX_WAITING)
        assert user.watch.tap.waiting <= MAX_WAITING
        assert "open" in await user.said("/connections"), "the prompt waits for it no more than the relay"
        assert not user.ended
        go.set()
        await until(lambda: user.ended)
        await passes(app, 100_000)
    assert len(user.ended) == 1
    assert "in time" in user.ended[0]
    assert len([told for told in user.told if "not kept" in told]) == 1


async def test_a_pipe_that_nobody_reads_delays_no_frame() -> None:
    async with endpoint(echo) as url, running("--to", url) as proxy, connect(proxy.url, compression=None) as app:
        await passes(app, MANY)
        proxy.process.terminate()
        await asyncio.wait_for(proxy.process.communicate(), DEADLINE)
    assert proxy.process.returncode == 143


@pytest.mark.terminal
async def test_a_terminal_that_nobody_reads_delays_no_frame(tmp_path: Path) -> None:
    """As after Ctrl+S, or over a line that has stalled."""
    environ = {name: str(tmp_path) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME")}
    words = (sys.executable, "-m", "rtcli", "proxy", "--listen", "127.0.0.1:0", "--events", "all", "--to")
    async with endpoint(echo) as url:
        with Terminal([*words, url], environ=environ) as terminal:
            await asyncio.to_thread(terminal.wait_for, "give an app")
            base = next(word for word in terminal.text().split() if word.startswith("http://"))
            async with connect(f"{base.replace('http', 'ws', 1)}/realtime", compression=None) as app:
                await passes(app, 1_000_000, piece=100)  # 20,000 rows, which nobody takes
            await asyncio.to_thread(terminal.wait_for, "connection closed")
            terminal.send("\x04")
            await asyncio.to_thread(terminal.wait_exit)


async def test_nothing_is_decoded_while_nobody_looks_and_a_look_finds_it_all() -> None:
    async with controlled(active=lambda: False) as user, connect(user.url, compression=None) as app:
        messages = [f'{{"type":"a","number":{number}}}' for number in range(50)]
        for message in messages:
            await app.send(message)
            assert await asyncio.wait_for(app.recv(), DEADLINE) == message
        # An app can have a message a moment before the relay has noted it.
        each = [len(message) + _OVERHEAD for message in messages]
        await until(lambda: user.watch.tap.waiting == 2 * sum(each))
        assert user.watch.links == {}

        assert "#100" in await user.said("/events 100") or "100" in await user.said("/events 100")
        assert user.watch.links[1].state.log.last_number == 100
        assert user.watch.tap.waiting == 0


async def test_what_waits_unseen_is_bounded_and_a_look_says_what_is_missing() -> None:
    async with controlled(active=lambda: False) as user, connect(user.url, compression=None) as app:
        await passes(app, 2 * MAX_WAITING)
        assert user.watch.tap.waiting <= MAX_WAITING
        await user.run("/history")
        assert any("not kept" in told for told in user.told)
        assert user.watch.links[1].state.exit_code == 0, "the rest follows on itself"
