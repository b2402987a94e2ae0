"""What a microphone that is open costs while nobody speaks: `python -m tests.benchmarks.bench_microphone [seconds]`.

`rtcli chat --mic` in a terminal, recorded as by default, on a virtual sound card, with a server in a process of its
own. Its processor time and its resident memory come from /proc, a row for each sixth of the time.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.rounds import rounds_asked
from tests.kit.sound_card import SoundCard, missing
from tests.kit.terminal import Terminal

ROWS = 6
SETTLING = 3.0  # seconds: what is loaded at the start is not what an idle prompt costs


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a process: seconds of processor time so far, and what of it is resident now."""

    at: float
    cpu: float
    resident_mb: float

    @classmethod
    def of(cls, pid: int) -> Usage:
        """As /proc says it."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        ticks = int(fields[11]) + int(fields[12])  # utime and stime
        return cls(time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20)


@contextlib.contextmanager
def _server() -> Iterator[str]:
    command = [sys.executable, "-m", "rtcli", "serve", "--port", "0", "--until-eof", "--voice", "tone"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield process.stdout.readline().strip() + "?model=gpt-realtime-2.1"
        finally:
            process.stdin.close()


def _watch(terminal: Terminal, seconds: float) -> Usage:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        terminal.read(left)
    return Usage.of(terminal.pid)


def _row(name: str, before: Usage, after: Usage) -> str:
    share = (after.cpu - before.cpu) / (after.at - before.at)
    return f"| {name} | {share:.1%} | {after.resident_mb:.1f} |\n"


def main(seconds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, SoundCard() as card, _server() as url:
        environ = {**card.settings, "XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder}
        for options in ((), ("--mic",)):
            argv = [sys.executable, "-m", "rtcli", "chat", "--url", url, "--out", "room_a", "--in", "booth", *options]
            with Terminal(argv, columns=140, environ=environ) as terminal:
                terminal.wait_for(" left │", deadline=60)
                _watch(terminal, SETTLING)
                marks = [Usage.of(terminal.pid)]
                title = "The microphone is open, nobody speaks" if options else "A prompt without a microphone"
                sys.stdout.write(f"\n### {title}\n\n| until | of a core | MB resident |\n|---|---:|---:|\n")
                for number in range(1, ROWS + 1):
                    marks.append(_watch(terminal, seconds / ROWS))
                    sys.stdout.write(_row(f"{seconds * number / ROWS:.0f} s", *marks[-2:]))
                    sys.stdout.flush()
                sys.stdout.write(_row("all", marks[0], marks[-1]))
                terminal.send("/quit\r")
                terminal.wait_exit()


if __name__ == "__main__":
    if reason := missing():
        sys.stderr.write(f"no sound card for bench_microphone: {reason}\n")
    else:
        main(rounds_asked(60))
