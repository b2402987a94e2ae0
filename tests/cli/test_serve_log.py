"""`rtcli serve --log`: each connection's events as rows, its faults, how it began and how it ended, on stderr."""

from __future__ import annotations

import json
import re

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rtcli.cli.serve_log import ServeLog
from rtcli.server import RealtimeServer
from tests.kit.sessions import session_on
from tests.kit.waiting import until


def server(*faults: str, key: str | None = None) -> RealtimeServer:
    return RealtimeServer(pace=0, voice="tone", faults=faults, key=key, observe=ServeLog().connection)


class Log:
    """What has come on stderr so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.text = ""

    def has(self, pattern: str) -> bool:
        self.text += self._capsys.readouterr().err
        return re.search(pattern, self.text, re.MULTILINE) is not None


async def test_a_turn_is_a_row_a_stream(capsys: pytest.CaptureFixture[str]) -> None:
    """As F3 shows it: pieces are counted, a client's event points up, the server's down."""
    log = Log(capsys)
    async with server() as running:
        async with session_on(f"{running.url}?model=gpt-realtime-2.1") as live:
            await live.run("hello")
            await live.idle()
        await until(lambda: log.has(r"closed"))

    rows = log.text.splitlines()
    assert re.search(r"^\[1\] .*127\.0\.0\.1:\d+ connected$", rows[0])
    assert log.has(r"^\[1\] +\d+ +\+\d+\.\d+s < session\.created")
    assert log.has(r"^\[1\] .* > conversation\.item\.create .*hello")
    assert log.has(r" < response\.output_\w+ .*×\d+ ")
    assert sum(" < response.output_audio_transcript" in row or " < response.output_text" in row for row in rows) == 1
    assert re.search(r"closed with 1000$", rows[-1])


async def test_errors_faults_and_a_lost_connection_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(capsys)
    async with server("event=error@2:drop", "event=>response.cancel:stall=1ms") as running:
        async with connect(f"{running.url}?model=gpt-realtime-2.1") as client:
            await client.recv()
            await client.send('{"type": "no.such.event"}')
            assert json.loads(await client.recv())["type"] == "error"
            await client.send('{"type": "response.cancel"}')
            with pytest.raises(ConnectionClosed):
                await client.recv()
        await until(lambda: log.has(r"lost"))

    assert log.has(r" < error .*no\.such\.event")
    assert log.has(r"^\[1\] +\+\d+\.\d+s fault stall=0\.001$")
    assert log.has(r"^\[1\] +\+\d+\.\d+s fault drop$")
    assert log.text.index("fault stall") < log.text.index("fault drop") < log.text.index(" lost")


async def test_connections_are_told_apart_and_those_refused_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong key, a fault before the connection stands; no key is written."""
    log, key = Log(capsys), "k-of-this-log-secret"
    headers = {"Authorization": f"Bearer {key}"}
    async with server(key=key) as running:
        async with connect(f"{running.url}?model=gpt-realtime-2.1", additional_headers=headers) as client:
            await client.recv()
            await client.send(json.dumps({"type": "session.update", "session": {"instructions": f"say {key}"}}))
            await client.recv()
            async with connect(
                f"{running.url}?model=gpt-realtime-2.1", additional_headers={"Authorization": "Bearer x"}
            ) as other:
                await other.recv()
                await other.wait_closed()
        await until(lambda: log.has(r"^\[1\] .*closed") and log.has(r"^\[2\] .*closed with 3000"))
    async with server("connect:http=503") as running:
        with pytest.raises(InvalidStatus):
            await connect(f"{running.url}?model=gpt-realtime-2.1&secret=1")
    assert log.has(r"^\[1\] .*GET /v1/realtime 503$")

    assert key not in log.text
    assert log.has(r"^\[2\] .* < error ")


async def test_a_reader_that_leaves_ends_the_log_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`rtcli serve --log 2>&1 | head` must not end the sessions."""

    class Left:
        """A pipe that nobody reads."""

        encoding = "utf-8"

        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

        def isatty(self) -> bool:
            return False

        def fileno(self) -> int:
            raise OSError("no file")

    monkeypatch.setattr("sys.stderr", Left())
    async with server() as running, connect(f"{running.url}?model=gpt-realtime-2.1") as client:
        assert json.loads(await client.recv())["type"] == "session.created"
