"""`rtcli chat` in a terminal, whole: the prompt, the session, the built-in server as a child."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from rtcli.render.styles import STYLES, Color
from tests.kit.terminal import Terminal
from tests.kit.waiting import until_holds

pytestmark = pytest.mark.terminal

FIRST_LINE = "connecting to the built-in server"


@contextmanager
def chat(*arguments: str, **environ: str) -> Iterator[Terminal]:
    argv = [sys.executable, "-m", "rtcli", "chat", *arguments]
    with Terminal(argv, environ={"COLUMNS": "", "LINES": "", **environ}) as terminal:
        yield terminal


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("this system does not list a process's children")
    return [int(child) for child in listed.read_text().split()]


def gone(pid: int) -> bool:
    """The process has ended."""
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_three_turns_with_the_built_in_server(tmp_path: Path) -> None:
    """A text, an image, and an answer that is interrupted; Ctrl+D leaves with 0 and a terminal as it was."""
    Image.new("RGB", (64, 48), "red").save(tmp_path / "red.png")
    with chat("--local", "--text") as terminal:
        terminal.wait_for(FIRST_LINE)
        terminal.send("hello\r")
        terminal.wait_for("I am the test server of rtcli")
        terminal.send(f"@{tmp_path / 'red.png'} what is this?\r")
        terminal.wait_for("64 by 48")
        terminal.send("count to 900\r")
        terminal.wait_for("10, 11")
        terminal.send("\x1b")
        terminal.wait_for("cancelled")
        terminal.send("\x04")
        code = terminal.wait_exit()
        clean = terminal.echoes()

    assert code == 0
    assert clean
    assert "900" not in terminal.text().replace("count to 900", "")


def test_no_address_and_no_key_is_said_in_the_first_line() -> None:
    """A newcomer's first minute: it works, and says what it works with."""
    with chat("--text") as terminal:
        terminal.wait_for("no key and no URL was given")
        terminal.send("/quit\r")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)])
def test_however_it_ends_the_server_it_started_ends_too(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """Also when there is no time left to clean up; where there is, the recording has the code of the process."""
    path = tmp_path / "session.ndjson"
    with chat("--local", "--text", "--record", str(path)) as terminal:
        terminal.send("hello\r")
        terminal.wait_for("I am the test server of rtcli")
        (server,) = children(terminal.pid)
        terminal.kill(number)
        assert terminal.wait_exit() == code

    until_holds(lambda: gone(server), "the server is gone")
    *_, last = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert last.get("end") == (None if number is signal.SIGKILL else {"exit_code": code})


def test_a_built_in_server_that_dies_is_there_again_for_reconnect() -> None:
    """In the middle of an answer: the draft stays, and the conversation goes on at the same address."""
    with chat("--local", "--text") as terminal:
        terminal.send("count to 500\r")
        terminal.wait_for("● 1, 2, 3")
        terminal.send("hel")
        (server,) = children(terminal.pid)
        os.kill(server, signal.SIGKILL)
        terminal.wait_for("the connection was lost")
        terminal.wait_for(lambda: terminal.text().count("replies: built-in rules") == 2)
        terminal.wait_for(lambda: any(row.startswith("› hel") for row in terminal.shown()))
        terminal.send("\x15/reconnect\r")
        terminal.wait_for("kept")
        terminal.send("hello\r")
        terminal.wait_for("I am the test server of rtcli")
        (again,) = children(terminal.pid)
        terminal.send("/quit\r")
        assert terminal.wait_exit() == 0

    until_holds(lambda: gone(again), "the server is gone")


def test_a_connection_that_cannot_be_made_gives_the_terminal_back() -> None:
    """The reason, code 3, and a terminal as it was."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with chat("--url", f"ws://127.0.0.1:{port}/v1") as terminal:
        code = terminal.wait_exit()
        clean = terminal.echoes()

    assert code == 3
    assert clean
    assert f"nothing is listening at 127.0.0.1:{port}" in terminal.text()
    assert "Traceback" not in terminal.text()


def test_a_refused_key_is_told_once() -> None:
    """The server sends an error and closes: that is one thing, and it is said in one piece."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rtcli", "serve", "--port", "0", "--voice", "tone"],
        env={**os.environ, "RTCLI_SERVE_KEY": "the-right-key"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process, chat("--text", RTCLI_URL=(process.stdout or io.StringIO()).readline().strip()) as terminal:
        code = terminal.wait_exit()
        process.terminate()

    assert code == 3
    assert terminal.text().count("✗") == 1
    assert terminal.text().count("bearer") == 1


@pytest.mark.parametrize(
    ("theme", "expected"),
    [("auto", Color.MIDDLE), ("dark", Color.BRIGHT), ("light", Color.DEEP), ("none", Color.NONE)],
)
def test_a_theme_decides_the_colours(theme: str, expected: Color) -> None:
    """Of what is printed, and of the prompt below it."""
    with chat("--local", "--text", RTCLI_THEME=theme) as terminal:
        terminal.send("hello\r")
        terminal.wait_for("I am the test server of rtcli")
        terminal.send("\x04")
        terminal.wait_exit()

    used = set(re.findall(r"38;5;\d+", terminal.raw.decode()))
    assert used <= {style._replace(bold=False).sgr(expected) for style in STYLES.values()}
    assert (STYLES["code"].sgr(expected) in used) is (expected is not Color.NONE)


def test_a_device_that_was_asked_for_and_is_not_there_gives_the_terminal_back() -> None:
    """Code 7."""
    with chat("--local", "--in", "no such microphone") as terminal:
        code = terminal.wait_exit()
        clean = terminal.echoes()

    assert (code, clean) == (7, True)
    assert "Traceback" not in terminal.text()


def test_a_prompt_is_not_put_up_where_there_can_be_none() -> None:
    """TERM=dumb: lines are read and answered."""
    with chat("--local", "--text", TERM="dumb") as terminal:
        terminal.send("hello\n")
        terminal.wait_for("I am the test server of rtcli")
        terminal.send("\x04")
        assert terminal.wait_exit() == 0

    assert "\x1b" not in terminal.raw.decode()


def test_key_bindings_that_make_no_sense_are_a_usage_error(tmp_path: Path) -> None:
    """Named, code 2, a terminal as it was."""
    (tmp_path / "rtcli").mkdir()
    (tmp_path / "rtcli" / "config.toml").write_text('[keys]\nfly = "f9"\n')
    with chat("--local", XDG_CONFIG_HOME=str(tmp_path)) as terminal:
        code = terminal.wait_exit()

    assert code == 2
    assert "fly" in terminal.text()
