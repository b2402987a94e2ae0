"""What scenarios cost: `python -m tests.benchmarks.bench_scenarios [rounds]`.

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
from pathlib import Path

from tests.benchmarks.rounds import rounds_asked

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
TARGET_SECONDS = 20.0
TARGET_STEP_MS = 10.0


def played(folder: Path, *options: str) -> tuple[float, list[dict[str, object]]]:
    """Seconds for all of them, the start of the program included, and what it told of each step."""
    began = time.perf_counter()
    command = (sys.executable, "-m", "rtcli", "run", str(folder), "--pace", "0", "--json", *options)
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, [json.loads(line) for line in ended.stdout.splitlines()]


def main() -> None:
    """Measure, and print the rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(COUNT):
            (folder / f"{number}.scenario.yaml").write_text(SCENARIO, encoding="utf-8")
        for jobs in ("1", "4"):
            for _ in range(rounds_asked(3)):
                seconds, told = played(folder, "-j", jobs, "--recordings", str(folder / "recordings"))
                looks = [float(str(one["seconds"])) for one in told if str(one.get("step")).startswith("capture")]
                added = statistics.quantiles(looks, n=20)[-1] * 1000
                print(  # noqa: T201
                    f"{COUNT} scenarios, -j {jobs}: {seconds:.1f} s (target {TARGET_SECONDS:.0f} s), a step that only "
                    f"looks: {added:.2f} ms at p95 (target {TARGET_STEP_MS:.0f} ms)"
                )


if __name__ == "__main__":
    main()
