"""What a system without Unix terminals and signals lacks is needed by no module to be imported."""

from __future__ import annotations

import subprocess
import sys

IMPORT_ALL = """
import asyncio, importlib, pkgutil, signal, subprocess, sys  # what these want of the system is their own affair
for name in ("termios", "tty", "pty", "fcntl", "resource", "grp", "pwd", "readline", "curses"):
    sys.modules[name] = None
for name in ("SIGHUP", "SIGKILL", "SIGTSTP", "SIGCONT", "SIGWINCH", "SIGUSR1"):
    delattr(signal, name)
import rtcli
for module in pkgutil.walk_packages(rtcli.__path__, "rtcli."):
    if not module.name.endswith("__main__"):  # that one runs the program
        importlib.import_module(module.name)
        print(module.name)
"""


def test_every_module_can_be_imported_where_there_is_no_unix() -> None:
    """Windows is meant to work: it has no termios and no SIGHUP."""
    ended = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    assert {"rtcli.repl.loop", "rtcli.cli.runner", "rtcli.audio.speaker"} <= set(ended.stdout.split())
