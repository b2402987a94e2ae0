"""The collector of cycles, which rests while the program starts, and the end of the process."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import sys
import soxr
from rtcli.cli import app, collector, main

def run(arguments):
    kept = [soxr.ResampleStream(48_000, 24_000, 1)]
    kept.append(kept)
    collector.work()
    return 0

app.run = run
sys.exit(main.main())
"""


def test_what_was_loaded_is_still_collected_at_the_end() -> None:
    """A native module complains on stderr about each object that the interpreter's end does not reach."""
    ended = subprocess.run([sys.executable, "-c", _PROGRAM, "chat"], capture_output=True, text=True, check=False)

    assert ended.stderr == ""
    assert ended.returncode == 0
