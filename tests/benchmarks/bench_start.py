"""How soon the program is there: processor time of its commands beside `python -c pass`, and the first prompt.

The first prompt of `rtcli chat` is beside a Python that only imports prompt_toolkit, in wall time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks.rows import Row, digits, row
from tests.kit.terminal import Terminal

ROUNDS = 9
MAX_PAINT = 1.3  # times importing prompt_toolkit
MAX_HELP = 8.0  # times `python -c pass`
RTCLI = (str(Path(sys.executable).with_name("rtcli")),)
COMMANDS = (
    "--version",
    "--help",
    "chat --help",
    "config",
    "doctor --help",
    "recordings list",
    "check FILE",
    "report FILE -o - --audio none",
    "send-event EVENT --local",
)
_FILES = {"FILE": "one.ndjson", "EVENT": "event.json"}
_RECORDING = '{"rtcli": {"recording": 1, "version": "0", "started": "2026-01-01T00:00:00Z", "command": "chat"}}\n'


def environment(home: Path) -> dict[str, str]:
    """A home of its own, in which what was compiled once is kept, as where rtcli is installed."""
    folders = dict.fromkeys(("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"), str(home))
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(home / "compiled")}
    return {**os.environ, **folders, **compiled}


def cpu_ms(command: list[str], home: Path) -> float:
    """Processor time of a whole process."""
    silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    pid = os.posix_spawn(command[0], command, environment(home), file_actions=silent)
    _, status, used = os.wait4(pid, 0)
    assert status == 0, f"{command} ended with {os.waitstatus_to_exitcode(status)}"
    return (used.ru_utime + used.ru_stime) * 1000


def first_prompt_ms(home: Path) -> float:
    """From the start of `rtcli chat` to its prompt."""
    began = time.monotonic()
    with Terminal([*RTCLI, "chat", "--local", "--text"], environ=environment(home)) as terminal:
        while "›".encode() not in terminal.raw:
            terminal.read(0.005)
        taken = time.monotonic() - began
        terminal.send("\x04")
        terminal.wait_exit()
    return taken * 1000


def importing_ms(home: Path) -> float:
    """A Python that only imports prompt_toolkit."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import prompt_toolkit"], check=True, env=environment(home))
    return (time.monotonic() - began) * 1000


def in_turn(first: Callable[[], float], second: Callable[[], float]) -> tuple[float, float, float]:
    """The medians of both, and of the ratio of the second to the first in the same round."""
    pairs = [(first(), second()) for _ in range(ROUNDS + 1)][1:]  # the first round warms what is cold
    ones, others = zip(*pairs, strict=True)
    return statistics.median(ones), statistics.median(others), statistics.median(b / a for a, b in pairs)


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "one.ndjson").write_text(_RECORDING, encoding="utf-8")
        (home / "event.json").write_text('{"type": "input_audio_buffer.clear"}', encoding="utf-8")
        alone, prompt, ratio = in_turn(partial(importing_ms, home), partial(first_prompt_ms, home))
        beside = f"importing prompt_toolkit alone, {digits(alone)} ms; the prompt after {digits(prompt)} ms"
        yield row("first prompt of `rtcli chat`", ratio, "x", beside, at_most=MAX_PAINT)
        nothing = partial(cpu_ms, [sys.executable, "-c", "pass"], home)
        for arguments in COMMANDS:
            words = [str(home / _FILES[word]) if word in _FILES else word for word in arguments.split()]
            _, took, ratio = in_turn(nothing, partial(cpu_ms, [*RTCLI, *words], home))
            beside = f"CPU of `python -c pass`; {digits(took)} ms"
            yield row(f"`rtcli {arguments}`", ratio, "x", beside, at_most=MAX_HELP if arguments == "--help" else None)
