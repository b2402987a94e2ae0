"""ServerThread: a server for tests that have no loop."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from rtcli.errors import InputError, UsageError
from rtcli.testing import ServerThread
from tests.cli.test_serve_once import SCRIPT
from tests.kit.apps import command
from tests.kit.waiting import DEADLINE


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "weather.yaml"
    path.write_text(SCRIPT)
    return path


def served(app: str, server: ServerThread) -> None:
    subprocess.run(
        command(app), env={**os.environ, "RTCLI_URL": server.url, "OPENAI_API_KEY": "none"}, check=True, stdout=-3
    )


@pytest.mark.parametrize(
    ("app", "wrong"), [("behaves", []), ("never_answers", ["weather.yaml", "call-unanswered"])], ids=lambda value: value
)
def test_its_clients_are_judged(script: Path, app: str, wrong: list[str]) -> None:
    """By the script and the rules, once it has stopped."""
    with ServerThread(script=script, voice="tone", pace=0) as server:
        served(app, server)

    assert [step.name for case in server.cases() for step, _ in case.problems] == wrong


def test_rules_that_are_ignored_or_not_wanted_are_not_asked(script: Path) -> None:
    for options in ({"ignore": ["call-unanswered"]}, {"rules": False}):
        with ServerThread(script=script, voice="tone", pace=0, **options) as server:
            served("never_answers", server)

        assert [step.name for case in server.cases() for step, _ in case.problems] == ["weather.yaml"]


def test_what_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ignore nothing: unknown rule"):
        ServerThread(ignore=["nothing"])
    with pytest.raises(InputError, match=r"nowhere\.yaml"):
        ServerThread(script=tmp_path / "nowhere.yaml")


def test_an_address_that_is_taken_leaves_no_thread() -> None:
    """The error is raised where it is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = ServerThread(port=taken.getsockname()[1])
        with pytest.raises(UsageError, match="cannot listen"):
            server.start()

    assert "rtcli-server" not in {thread.name for thread in threading.enumerate()}


def test_it_is_gone_when_it_has_stopped() -> None:
    """Also for a client that is still there; to stop it twice is once."""
    with ServerThread(voice="tone") as server:
        with connect(f"{server.url}?model=gpt-realtime-2.1", proxy=None) as client:
            client.recv(DEADLINE)
            server.stop()
            with pytest.raises(ConnectionClosed):
                client.recv(DEADLINE)
        server.stop()

    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", urlsplit(server.url).port)).close()
