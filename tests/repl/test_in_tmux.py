"""The prompt in tmux, which wraps its rows anew on a resize, as most terminals do (the emulator in `kit` cuts them)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.prompt_program import END_OF_TALK
from tests.kit.waiting import DEADLINE

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux"),
]


class Tmux:
    """A tmux server of its own, with one window."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def __call__(self, *arguments: str) -> str:
        argv = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def start(self, argv: list[str], columns: int) -> None:
        self("new-session", "-d", "-x", str(columns), "-y", "24", *argv)

    def text(self) -> str:
        """Scrollback and screen, each row as it stands."""
        return self("capture-pane", "-p", "-S", "-")

    def wait_for(self, condition: Callable[[str], object]) -> str:
        end = time.monotonic() + DEADLINE
        while not condition(text := self.text()):
            assert time.monotonic() < end, text
        return text


@pytest.fixture
def tmux_servers(tmp_path: Path) -> Iterator[Callable[[], Tmux]]:
    """Starts servers; all of them are ended."""
    sockets: list[Path] = []

    def another() -> Tmux:
        sockets.append(tmp_path / f"socket{len(sockets)}")
        return Tmux(sockets[-1])

    yield another
    for socket in sockets:
        subprocess.run(["tmux", "-S", str(socket), "kill-server"], check=False, capture_output=True)


@pytest.fixture
def tmux(tmux_servers: Callable[[], Tmux]) -> Tmux:
    return tmux_servers()


def resized_while_streaming(tmux: Tmux, events: str) -> str:
    """What stands in the terminal after 600 words, a typed line, and 100 -> 50 -> 110 columns meanwhile."""
    program = [sys.executable, "-m", "tests.kit.prompt_program", "--rate", "200", "--words", "600", "--events", events]
    tmux.start(program, 100)
    tmux.wait_for(lambda text: "✓ ready" in text)
    tmux("send-keys", "/talk", "Enter")
    tmux.wait_for(lambda text: "w00030" in text)
    tmux("send-keys", "typed")
    for columns, until in ((50, "w00200"), (110, "w00400")):
        tmux("resize-window", "-x", str(columns), "-y", "24")
        tmux.wait_for(lambda text: until in text)  # noqa: B023  used before the next turn
    return tmux.wait_for(lambda text: "said it all" in text)


@pytest.mark.parametrize("events", ["off", "summary"])
def test_resizing_leaves_no_piece_of_an_unfinished_row_behind(tmux_servers: Callable[[], Tmux], events: str) -> None:
    """While text streams and a line is typed: every word, one prompt, one toolbar, and no row twice.

    What a program wrote for the old width just before a resize, tmux may read just after it: no program can know, and a
    busy machine makes it likelier. So a row may stand twice in one of three runs; a word may be missing in none.
    """
    everything = [f"w{number:05}" for number in range(600)]
    for _ in range(3):
        text = resized_while_streaming(tmux_servers(), events)
        spoken = "\n".join(row for row in text.splitlines() if "response.output_text" not in row)
        words = re.findall(r"w\d{5}", spoken)
        assert list(dict.fromkeys(words)) == everything
        assert not re.search(r"\?\[|\[0m|;1R", text)
        if words == everything:
            break
    assert words == everything
    assert text.count("› typed") == 1
    assert text.count("● model-under-test") == 1


def test_no_resize_erases_what_was_said(tmux: Tmux) -> None:
    """Forty widths, faster than the program hears of them: rows may stand twice, but what was said is never lost."""
    program = [sys.executable, "-m", "tests.kit.prompt_program", "--rate", "300", "--words", "100000"]
    tmux.start(program, 100)
    tmux.wait_for(lambda text: "✓ ready" in text)
    tmux("send-keys", "/talk", "Enter")
    for turn in range(40):
        tmux("resize-window", "-x", str(30 + turn * 37 % 90), "-y", "24")
        said = len(words_of(tmux.text())) + turn % 4 * 20
        tmux.wait_for(lambda text: len(words_of(text)) >= said)  # noqa: B023  used before the next turn
    tmux("resize-window", "-x", "120", "-y", "24")
    pid = int(tmux("display-message", "-p", "#{pane_pid}"))
    os.kill(pid, END_OF_TALK)
    tmux.wait_for(lambda text: "said it all" in text)
    joined = tmux("capture-pane", "-p", "-J", "-S", "-")
    found = words_of(joined)
    assert sorted(set(found)) == [f"w{number:05}" for number in range(len(set(found)))]


def words_of(text: str) -> list[str]:
    return re.findall(r"w\d{5}", text)


def test_the_shell_and_back(tmux: Tmux) -> None:
    """Ctrl+Z stops the program with the terminal as the shell wants it; `fg` brings the prompt back as it was."""
    tmux.start(["env", "PS1=shell$ ", "sh", "-i"], 100)
    tmux("send-keys", f"{sys.executable} -m tests.kit.prompt_program", "Enter")
    tmux.wait_for(lambda text: "✓ ready" in text)
    tmux("send-keys", "draft", "C-z")
    tmux.wait_for(lambda text: text.rstrip().endswith("shell$"))
    tmux("send-keys", "echo in the $((1+1))nd shell", "Enter")
    tmux.wait_for(lambda text: "in the 2nd shell" in text)
    tmux("send-keys", "fg", "Enter")
    tmux.wait_for(lambda text: "› draft" in text)
    tmux("send-keys", " goes on", "Enter")
    tmux.wait_for(lambda text: "got 'draft goes on'" in text)
