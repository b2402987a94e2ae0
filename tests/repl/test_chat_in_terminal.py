"""The whole program in a pseudo terminal, against the built-in server."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.terminal import Terminal

pytestmark = pytest.mark.terminal

RTCLI = [sys.executable, "-m", "rtcli"]


@contextmanager
def chat(home: Path, *options: str) -> Iterator[Terminal]:
    """`rtcli chat`, connected, with a home of its own."""
    environ = {"HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    with Terminal([*RTCLI, "chat", *options], columns=110, lines=40, environ=environ) as terminal:
        terminal.wait_for("● gpt-realtime")
        yield terminal


@contextmanager
def serve(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server as a process of its own, and its URL."""
    argv = [*RTCLI, "serve", "--port", str(port)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_a_five_second_spoken_answer_takes_at_most_twelve_rows(tmp_path: Path) -> None:
    """Its events in the summary and its words, and no more."""
    with chat(tmp_path, "--local", "--events", "summary", "--audio-out", str(tmp_path / "out.wav")) as terminal:
        terminal.send("count to 12\r")
        terminal.wait_for("rate_limits.updated")
        rows = terminal.rows()
        first = next(index for index, row in enumerate(rows) if "< response.created" in row)
        last = next(index for index, row in enumerate(rows) if "rate_limits.updated" in row)
        answer = [row for row in rows[first : last + 1] if row[:2] in ("● ", "  ")]

        assert any("of audio" in row for row in answer)
        assert any("11, 12." in row for row in answer if row.startswith("● "))
        assert len(answer) <= 12


def test_a_conversation_with_an_interruption(tmp_path: Path) -> None:
    """Text, an answer stopped by Esc while a line is half typed, and another turn: every line is where it belongs."""
    with chat(tmp_path, "--local", "--text") as terminal:
        terminal.send("count to 500\r")
        terminal.wait_for("● 1, 2, 3")
        terminal.send("and now")
        terminal.send("\x1b")
        terminal.wait_for("cancelled")
        terminal.send(" say hello\r")
        terminal.wait_for("› and now say hello")
        terminal.wait_for(lambda: terminal.text().count("● ") >= 3)
        terminal.send("/quit\r")

        assert terminal.wait_exit() == 0
        assert "500" not in terminal.text().split("cancelled")[1]


def test_a_lost_connection_keeps_the_draft_and_can_be_made_again(tmp_path: Path) -> None:
    """The toolbar offers /reconnect; what was typed is still there; afterwards the conversation goes on."""
    with serve() as (process, url), chat(tmp_path, "--url", url, "--text") as terminal:
        terminal.wait_for(lambda: terminal.shown()[-1].startswith("● gpt-realtime"))
        terminal.send("my draft")
        terminal.wait_for("› my draft")
        process.kill()
        process.wait()
        terminal.wait_for("✗ disconnected")
        assert "› my draft" in "\n".join(terminal.shown())
        with serve(int(url.split(":")[2].split("/")[0])):
            terminal.send("\x15/reconnect\r")
            terminal.wait_for(lambda: terminal.shown()[-1].startswith("● gpt-realtime"))
            terminal.send("hello\r")
            terminal.wait_for(lambda: "● Hello" in terminal.text())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str)
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """In the middle of an answer: the exit code says why, the terminal is as it was, there is no traceback."""
    with chat(tmp_path, "--local", "--text") as terminal:
        terminal.send("count to 500\r")
        terminal.wait_for("● 1, 2, 3")
        terminal.kill(number)

        assert terminal.wait_exit() == code
        assert terminal.echoes()
        assert "Traceback" not in terminal.text()


def test_nobody_there_is_one_line_and_exit_code_3(tmp_path: Path) -> None:
    """A refused port: what happened and what to do, below what was typed meanwhile."""
    argv = [*RTCLI, "chat", "--url", "ws://127.0.0.1:9/v1/realtime"]
    with Terminal(argv, columns=110, environ={"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}) as terminal:
        assert terminal.wait_exit() == 3
        assert "✗" in terminal.text()
        assert "Traceback" not in terminal.text()
        assert terminal.echoes()
