"""How soon the program is there: processor time of its commands beside `python -c pass`, and the first prompt.

The first prompt of `rtcli chat` is beside a Python that only imports prompt_toolkit, in wall time: both in a terminal,
from the start of the program to the first character that it shows.
"""

from __future__ import annotations

import os
import statistics
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
    "chat --local",
    "send-event EVENT --local",
    "serve --help",
    "proxy --help",
    "run SCENARIO",
    "call --help",
    "scenario --help",
    "replay FILE",
    "recordings list",
    "check FILE",
    "export FILE --to md -o -",
    "diff FILE FILE",
    "report FILE -o - --audio none",
    "devices",
    "doctor",
    "config",
)
"""Each ends by itself: where a command waits for others, its help does."""

_FILES = {"FILE": "one.ndjson", "EVENT": "event.json", "SCENARIO": "one.scenario.yaml"}
_STARTED, _PROMPT = b"@", "›"
_SAY_STARTED = ("sh", "-c", 'printf @; exec "$@"', "sh")  # the terminal's own start is not measured
_RECORDING = '{"rtcli": {"recording": 1, "version": "0", "started": "2026-01-01T00:00:00Z", "command": "chat"}}\n'


def environment(home: Path) -> dict[str, str]:
    """A home of its own, in which what was compiled once is kept, as where rtcli is installed."""
    folders = dict.fromkeys(("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"), str(home))
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(home / "compiled")}
    return {**os.environ, **folders, **compiled}


def cpu_ms(command: list[str], home: Path) -> float:
    """Processor time of a whole process."""
    silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    pid = os.posix_spawn(command[0], command, environment(home), file_actions=silent)
    _, status, used = os.wait4(pid, 0)
    assert status == 0, f"{command} ended with {os.waitstatus_to_exitcode(status)}"
    return (used.ru_utime + used.ru_stime) * 1000


def first_character_ms(command: list[str], home: Path, leave: str = "") -> float:
    """From the start of a program in a terminal to the first character of a prompt; `leave` are keys that end it."""
    with Terminal([*_SAY_STARTED, *command], environ=environment(home)) as terminal:
        while _STARTED not in terminal.raw:
            terminal.read(0.005)
        began = time.monotonic()
        while _PROMPT.encode() not in terminal.raw:
            terminal.read(0.005)
        taken = time.monotonic() - began
        terminal.send(leave)
        terminal.wait_exit()
    return taken * 1000


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
        (home / "one.scenario.yaml").write_text("steps:\n- say: hello\n", encoding="utf-8")
        importing = [sys.executable, "-c", f"import prompt_toolkit; print({_PROMPT!r})"]
        chat = [*RTCLI, "chat", "--local", "--text"]
        alone, prompt, ratio = in_turn(
            partial(first_character_ms, importing, home), partial(first_character_ms, chat, home, "\x04")
        )
        beside = f"importing prompt_toolkit alone, {digits(alone)} ms; the prompt after {digits(prompt)} ms"
        yield row("first prompt of `rtcli chat`", ratio, "x", beside, at_most=MAX_PAINT)
        nothing = partial(cpu_ms, [sys.executable, "-c", "pass"], home)
        for arguments in COMMANDS:
            words = [str(home / _FILES[word]) if word in _FILES else word for word in arguments.split()]
            _, took, ratio = in_turn(nothing, partial(cpu_ms, [*RTCLI, *words], home))
            beside = f"CPU of `python -c pass`; {digits(took)} ms"
            yield row(f"`rtcli {arguments}`", ratio, "x", beside, at_most=MAX_HELP if arguments == "--help" else None)
