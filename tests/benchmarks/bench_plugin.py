"""What the pytest plugin adds to a run that has no use for it: `python -m tests.benchmarks.bench_plugin [ROUNDS]`.

pytest is run in an empty folder without the plugin and with it, in turn (20 rounds if no other number is given), each
in a process of its own. The figures are the median and the best of processor time, and the median of the differences
within a round. The target: less than 10 ms.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.rounds import rounds_asked
from tests.kit.foreign import ROOT

PLUGIN = "rtcli.testing.plugin"
TARGET_MS = 10.0


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


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for options in ((), ("-p", PLUGIN)):  # compiles
            milliseconds(folder, *options)
        rounds = [(milliseconds(folder), milliseconds(folder, "-p", PLUGIN)) for _ in range(rounds_asked(20))]
    without, beside = zip(*rounds, strict=True)
    added = statistics.median(b - a for a, b in rounds)
    lines = [
        "| an empty run of pytest | CPU ms | best |",
        "|---|---:|---:|",
        f"| without the plugin | {statistics.median(without):.1f} | {min(without):.1f} |",
        f"| with it | {statistics.median(beside):.1f} | {min(beside):.1f} |",
        f"| **it adds** (target: less than {TARGET_MS:g}) | {added:.1f} | {min(beside) - min(without):.1f} |",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
