"""What `rtcli chat` costs while its microphone is live and nobody says anything: on a virtual card, by CPU time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks.rows import Row, row
from tests.kit.sound_card import SoundCard, missing
from tests.kit.terminal import Terminal
from tests.sound.conftest import devices_of, serving

SECONDS = 10.0
ROUNDS = 3
SETTLE = 3.0


def spent(pid: int, *, main_only: bool = False) -> float:
    """Seconds that a process, or its main thread, has computed."""
    threads = [pid] if main_only else [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int(Path(f"/proc/{pid}/task/{one}/schedstat").read_text("ascii").split()[0]) for one in threads) / 1e9


def shares(terminal: Terminal, seconds: float) -> tuple[float, float]:
    """Percent of a core: all threads, and the main thread alone."""
    before, began = (spent(terminal.pid), spent(terminal.pid, main_only=True)), time.monotonic()
    while time.monotonic() - began < seconds:
        terminal.read(0.1)
    passed = time.monotonic() - began
    after = spent(terminal.pid), spent(terminal.pid, main_only=True)
    return 100 * (after[0] - before[0]) / passed, 100 * (after[1] - before[1]) / passed


def rows() -> Iterator[Row]:
    if reason := missing() or ("" if Path("/proc/self/schedstat").exists() else "the system does not tell"):
        yield Row("not measured", "", reason)
        return
    with SoundCard() as card, devices_of(card), serving("--voice", "tone") as url:
        for what, *output in (("microphone alone", "--text"), ("microphone and speaker", "--out", "room_a")):
            argv = [sys.executable, "-m", "rtcli", "chat", "--url", url, "--mic", "--in", "booth", *output]
            with Terminal(argv, columns=140, environ=card.settings) as terminal:
                terminal.wait_for("mic ")
                shares(terminal, SETTLE)
                found = [shares(terminal, SECONDS) for _ in range(ROUNDS)]
                terminal.send("\x15/quit\r")
                terminal.wait_exit()
            beside = f"event loop {median(loop for _, loop in found):.1f} %"
            yield row(f"{what}, silence", median(total for total, _ in found), "% of a core", beside, at_most=5.0)
