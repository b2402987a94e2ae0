"""What the pytest plugin adds to a run that has no use for it.

pytest is run in an empty folder without the plugin and with it, in turn, each in a process of its own; what it adds is
the median of the differences within a round.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.rows import Row, row
from tests.kit.foreign import ROOT

PLUGIN = "rtcli.testing.plugin"
ROUNDS = 15
MAX_ADDED_MS = 10.0


def milliseconds(folder: Path, *options: str) -> float:
    """Processor time of one run of pytest that collects nothing."""
    # as where it is installed: what was compiled once is kept
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ = kept | {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(folder)]
    ended = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.returncode == 5, ended.stdout + ended.stderr  # no tests
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for options in ((), ("-p", PLUGIN)):  # compiles
            milliseconds(folder, *options)
        rounds = [(milliseconds(folder), milliseconds(folder, "-p", PLUGIN)) for _ in range(ROUNDS)]
    added = statistics.median(beside - without for without, beside in rounds)
    alone = statistics.median(without for without, _ in rounds)
    beside = f"an empty run without it: {alone:.0f} ms"
    yield row("an empty run of pytest: what the plugin adds", added, "ms CPU", beside, at_most=MAX_ADDED_MS)
