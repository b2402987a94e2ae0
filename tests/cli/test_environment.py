"""Streams that are closed, folders that cannot be written: what a user's surroundings may look like."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.kit.program import one_clear_line, rtcli
from tests.kit.terminal import Terminal
from tests.kit.waiting import DEADLINE

RTCLI = f"{sys.executable} -m rtcli"
EVENT = json.dumps({"type": "response.create", "response": {"output_modalities": ["text"]}})  # needs no voice


def shell(command: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """What a shell makes of a command line."""
    return subprocess.run(
        ["sh", "-c", command], input=text, capture_output=True, text=True, timeout=DEADLINE, check=False
    )


@cache
def code_with_open_streams(command: str, text: str) -> int:
    """How the command ends where nothing is closed."""
    return shell(f"{RTCLI} {command}", text).returncode


def test_a_closed_input_is_an_empty_one() -> None:
    """`<&-`: a chat of no lines, a file of no events; nothing waits."""
    chat = shell(f"{RTCLI} chat --local --text <&-")
    sent = shell(f"{RTCLI} send-event - --local <&-")

    assert (chat.returncode, chat.stdout) == (0, ""), chat.stderr
    assert sent.returncode == 2
    assert "it contains no event" in sent.stderr


@pytest.mark.parametrize(
    "command", ["--version", "--help", "config", "devices", "chat --local --text", "send-event - --local"]
)
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_output_takes_nothing_and_breaks_nothing(command: str, closed: str) -> None:
    """Neither a defect of ours nor text in a socket that got the stream's number: the code is what it is without."""
    text = "" if "<&-" in closed else EVENT if "send" in command else "hello\n"
    ended = shell(f"{RTCLI} {command} {closed}", text)

    assert ended.returncode == code_with_open_streams(command, text), ended
    assert "Traceback" not in ended.stderr and "unexpected" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "command", ["--help", "config", "config --json", "chat --local --text", "send-event - --local", "serve --port 0"]
)
def test_a_full_disk_is_told(command: str) -> None:
    """A script must not take half of the output for all of it."""
    ended = shell(f"{RTCLI} {command} >/dev/full", EVENT if "send" in command else "hello\n")

    assert ended.returncode == 1
    assert ended.stderr.count("No space left on device") == 1
    assert "Traceback" not in ended.stderr and "defect" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "command",
    [
        "chat --local --text",
        "chat --local --text --json",
        "chat --local --text --events all",
        "send-event - --local",
        "chat --url ws://127.0.0.1:9/v1",
        "replay missing.ndjson",
        "--no-such-option",
        "chat --local --text --tools {tools}",
    ],
)
def test_notes_that_cannot_be_written_cost_nothing_else(command: str, tmp_path: Path) -> None:
    """A full disk under stderr: the same output, and the same code."""
    (tmp_path / "tools.py").write_text("import sys\n\n\ndef tell() -> str:\n    print('x')\n    return 'told'\n")
    line = f"{RTCLI} {command.format(tools=tmp_path / 'tools.py')}"
    text = EVENT if "send" in command else "please tell\n" if "tools" in command else "hello\n"
    told, lost = shell(f"{line} 2>/dev/null", text), shell(f"{line} 2>/dev/full", text)

    assert (lost.returncode, lost.stdout.count("\n")) == (told.returncode, told.stdout.count("\n"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_server_serves_without_its_notes() -> None:
    """It prints its address, and goes on."""
    command = f"exec {RTCLI} serve --port 0 --voice tone --log 2>/dev/full"
    with subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            first = shell(f"{RTCLI} chat --url '{url}?model=gpt-realtime-2.1' --text", "hello\n")
        finally:
            process.terminate()

    assert url.startswith("ws://127.0.0.1:")
    assert "I am the test server of rtcli" in first.stdout, first.stderr
    assert process.returncode == 143  # it had to be ended


@pytest.mark.parametrize("arguments", [("config", "init"), ("config", "edit")])
async def test_settings_that_cannot_be_written_are_no_defect(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """The file and the system's reason, code 2."""
    (tmp_path / "file").write_text("")
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "file"), "EDITOR": "true"}

    one_clear_line(await rtcli(*arguments, environ=environ), 2, "config.toml", "Not a directory")


def test_a_chat_without_a_place_for_its_history(tmp_path: Path) -> None:
    """It forgets what was typed, and that is all."""
    (tmp_path / "file").write_text("")
    environ = {"XDG_STATE_HOME": str(tmp_path / "file"), "HOME": str(tmp_path / "file")}
    with Terminal([*RTCLI.split(), "chat", "--local", "--text"], environ=environ) as terminal:
        terminal.send("hello\r")
        terminal.wait_for("I am the test server of rtcli")
        terminal.send("/quit\r")

        assert terminal.wait_exit() == 0


@pytest.mark.parametrize("command", ["chat --local --text", "send-event - --local", "config", "doctor"])
def test_a_current_folder_that_was_deleted_is_no_defect(command: str, tmp_path: Path) -> None:
    """What needs no folder works, with the engines that do without; a project file cannot be looked for."""
    folder = tmp_path / "gone"
    folder.mkdir()
    installed = f"{sys.executable} -P -m rtcli"  # -m alone fails in Python itself, before a line of ours
    text = EVENT if "send" in command else "hello\n"
    ended = shell(f"cd {folder} && rmdir {folder} && exec {installed} {command}", text)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout
    assert "defect" not in ended.stderr
