"""What scenarios cost.

Two hundred of them in text, each with two turns, played by the program in a process of its own with `--pace 0`; and
what the runner adds to each step: the time of a step that does nothing but to look.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.rows import Row, row

COUNT = 200
SCENARIO = """session: {output_modalities: [text]}
steps:
  - say: hello
  - expect:
      - text: hello
      - {type: response.done, response.status: completed}
      - no: {type: error}
  - capture: {id: response.id}
  - say: repeat ${id}
  - expect: [{text: resp_}]
"""
MAX_SECONDS = 20.0
MAX_STEP_MS = 10.0


def played(folder: Path, *options: str) -> tuple[float, list[dict[str, object]]]:
    """Seconds for all of them, the start of the program included, and what it told of each step."""
    began = time.perf_counter()
    command = (sys.executable, "-m", "rtcli", "run", str(folder), "--pace", "0", "--json", *options)
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, [json.loads(line) for line in ended.stdout.splitlines()]


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(COUNT):
            (folder / f"{number}.scenario.yaml").write_text(SCENARIO, encoding="utf-8")
        for jobs in ("1", "4"):
            runs = [played(folder, "-j", jobs, "--recordings", str(folder / "recordings")) for _ in range(2)]
            seconds, told = min(runs, key=lambda run: run[0])
            looks = [float(str(one["seconds"])) for one in told if str(one.get("step")).startswith("capture")]
            yield row(f"{COUNT} scenarios of two turns, -j {jobs}", seconds, "s", "best of two", at_most=MAX_SECONDS)
            added = statistics.quantiles(looks, n=20)[-1] * 1000
            yield row(f"a step that only looks, -j {jobs}: p95", added, "ms", at_most=MAX_STEP_MS)
