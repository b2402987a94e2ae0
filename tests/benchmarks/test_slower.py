"""A process that is slowed down."""

from __future__ import annotations

import subprocess
import sys

from tests.benchmarks.slower import slowed


def test_a_slowed_process_does_all_its_work_and_goes_on_afterwards() -> None:
    """However it was stopped last; and one that has ended meanwhile is nothing to fail for."""
    work = "print(sum(range(300_000)), flush=True); print(input())"
    with subprocess.Popen([sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdin is not None and it.stdout is not None
        with slowed(it.pid, 3):
            assert it.stdout.readline() == "44999850000\n"
        with slowed(it.pid, 3):
            it.stdin.write("it goes on\n")
            it.stdin.flush()
            assert it.stdout.readline() == "it goes on\n"
            assert it.wait() == 0
