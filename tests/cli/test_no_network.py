"""With the built-in server nothing leaves this machine: no name is looked up, nobody but loopback is connected to."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.waiting import DEADLINE, until_holds

CALLS = "connect,sendto,sendmsg,sendmmsg,openat,creat,mkdir,mkdirat,rename,renameat,renameat2"
WRITES = re.compile(
    r'(?:openat\([^"]*|creat\(|mkdir\(|mkdirat\([^"]*)"([^"]+)".*(?:O_WRONLY|O_RDWR|O_CREAT|mkdir|creat\()'
)


def _strace() -> str:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    command = [strace, "-o", os.devnull, "true"]
    probe = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE)
    if probe.returncode:
        pytest.skip(f"strace is not allowed here: {probe.stderr.strip()}")
    return strace


def _start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """rtcli under strace, with a home of its own and nothing else of this environment."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [_strace(), "-f", "-qq", "-e", f"trace={CALLS}", "-o", str(home / "calls"), sys.executable]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*command, "-m", "rtcli", *arguments], cwd=home, env=environ, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def _strangers(home: Path) -> list[str]:
    """Addresses outside loopback that were connected or sent to, and name services that were asked."""
    calls = (home / "calls").read_text(errors="replace").splitlines()
    internet = [line for line in calls if "AF_INET" in line or "nscd" in line or "systemd/resolve" in line]
    return [line for line in internet if "127.0.0.1" not in line and '"::1"' not in line]


def _written(home: Path) -> set[str]:
    """Files that were made or opened to be written, outside devices and temporary folders."""
    calls = (home / "calls").read_text(errors="replace").splitlines()
    names = {found[1] for line in calls if (found := WRITES.search(line)) and not line.rstrip().endswith("exist)")}
    return {name for name in names if not name.startswith(("/dev/", "/proc/", "/tmp/")) or str(home) in name}


def test_a_chat_with_the_built_in_server_stays_here(tmp_path: Path) -> None:
    """Hearing and speaking with every engine there is; the file that was asked for is all that is written."""
    chat = _start(tmp_path, "chat", "--local", "--audio-out", "a.wav")
    out, err = chat.communicate("hello\n", timeout=DEADLINE)

    assert chat.returncode == 0, err
    assert out
    assert _strangers(tmp_path) == []
    assert {Path(name).name for name in _written(tmp_path) if ".a.wav" not in name} <= {"a.wav"}
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"a.wav", "calls"}


def test_a_server_stays_here(tmp_path: Path) -> None:
    """From its start until its engines are loaded, and to its end."""
    server = _start(tmp_path, "serve", "--port", "0")
    assert server.stdout is not None
    assert server.stderr is not None
    assert server.stdout.readline().startswith("ws://127.0.0.1:")
    for line in server.stderr:
        if line.startswith("engines:"):
            break
    child = int((tmp_path / "calls").read_text().split(maxsplit=1)[0])
    os.kill(child, signal.SIGTERM)
    server.communicate(timeout=DEADLINE)
    until_holds(lambda: server.poll() is not None)

    assert _strangers(tmp_path) == []
    assert _written(tmp_path) == set()
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"calls"}
