"""A process at a fraction of its speed: it is stopped and goes on again many times in each hundredth of a second.

    python -m tests.benchmarks.slower PID TIMES

Busy loops beside it would measure the scheduler instead: what wakes up waits for their slices of time, which are as
long as a redraw takes. Here a piece of work takes TIMES as long and begins at once, within the length of one stop; the
server and the terminal, with which it talks, are as fast as ever.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

RUNS = 0.001
"""Seconds for which it runs in one go."""


@contextmanager
def slowed(pid: int, times: float) -> Iterator[None]:
    """Meanwhile everything that the process does takes so many times as long; 1: nothing is done."""
    if times == 1:
        yield
        return
    helper = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.slower", str(pid), str(times)])
    try:
        yield
    finally:
        helper.kill()
        helper.wait()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def slow_down(pid: int, times: float) -> None:
    """Until the process ends, or somebody ends us."""
    try:
        while True:
            began = time.monotonic()
            os.kill(pid, signal.SIGCONT)
            time.sleep(RUNS)
            os.kill(pid, signal.SIGSTOP)
            # a sleep is never exact: the stop is as long as this run asks for
            time.sleep((time.monotonic() - began) * (times - 1))
    except ProcessLookupError:
        return


if __name__ == "__main__":
    slow_down(int(sys.argv[1]), float(sys.argv[2]))
