"""What reading a long recording costs.

A session of spoken turns with tools (100,000 records) is written to a file, then decoded plainly (JSON, line by line,
no more), read into records, into a timeline, checked, and compared with itself, each in a process of its own: processor
time on one core, best of three, its ratio to plain decoding, and the peak of memory. A diff reads two files of half of
that each.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import orjson

from rtcli.protocol.record_lines import record_line
from rtcli.recording.reader import open_recording
from tests.benchmarks.contestant import peak_mb
from tests.benchmarks.rows import Row, row
from tests.kit.told import Told, tone

RECORDS = 100_000
MAX_SECONDS, MAX_MB = 2.0, 200.0
_ROUNDS = 3
_HEADER = (
    b'{"rtcli": {"recording": 1, "version": "0", "started": "2026-01-01T00:00:00Z", "command": "chat", '
    b'"endpoint": "x", "model": "gpt-realtime-2.1"}}\n'
)


def _turn(told: Told, number: int, dice: random.Random) -> None:
    """The user asks for 2 s; a tool runs; 4 s of answer arrive and are heard."""
    told.gets("input_audio_buffer.speech_started", item_id=f"u{number}")
    told.speaks(tone(2.0, level=dice.random()) + tone(0.5, level=0))
    told.ends_speech(f"u{number}")
    told.begins(f"r{number}")
    told.calls(f"r{number}", f"c{number}")
    told.ends(f"r{number}")
    told.answers(f"c{number}")
    told.begins(f"s{number}")
    for piece in range(40):
        told.now += 0.02
        about = {"response_id": f"s{number}", "item_id": f"i{number}", "content_index": 0}
        told.gets("response.output_audio_transcript.delta", **about, delta="some words ")
        told.plays(f"s{number}", f"i{number}", tone(0.1, level=0.3))
        told.hears(f"i{number}", piece * 20)
    told.ends(f"s{number}", usage={"input_tokens": 100, "output_tokens": 50})


def _write(path: Path, count: int) -> None:
    dice, told = random.Random(1), Told()
    left, number = count, 0
    with path.open("wb") as file:
        file.write(_HEADER)
        while left > 0:
            _turn(told, number, dice)
            lines = [record_line(record) for record in told.records[:left]]
            file.write(b"\n".join(lines) + b"\n")
            left, number = left - len(lines), number + 1
            told.records.clear()


def _decode(*paths: str) -> None:
    for path in paths:
        with Path(path).open("rb") as file:
            for line in file:
                orjson.loads(line)


def _records(path: str) -> None:
    with open_recording(path) as reader:
        for _ in reader:
            pass


def _timeline(path: str) -> None:
    from rtcli.timeline.timeline import read

    with open_recording(path) as reader:
        assert read(reader).turns


def _check(path: str) -> None:
    from rtcli.lint import RULES, Linter

    linter = Linter(RULES)
    with open_recording(path) as reader:
        for record in reader:
            linter.observe(record)
    linter.finish()


def _diff(*paths: str) -> None:
    from rtcli.commands.differences import Comparison
    from rtcli.timeline.timeline import read

    turns = []
    for path in paths:
        with open_recording(path) as reader:
            turns.append(read(reader).turns)
    assert Comparison(turns[0], turns[1], lambda *_: 0.0).pairs


_TASKS: Mapping[str, Callable[..., None]] = {
    "plain decoding": _decode,
    "records": _records,
    "timeline": _timeline,
    "check": _check,
    "plain decoding of two halves": _decode,
    "diff of two halves": _diff,
}


def _measured(task: str, paths: list[str]) -> Iterator[dict[str, float]]:
    for _ in range(_ROUNDS):
        command = [sys.executable, "-m", "tests.benchmarks.bench_timeline", task, *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        yield json.loads(done.stdout)


def _run(task: str, paths: list[str]) -> None:
    begun = time.process_time()
    _TASKS[task](*paths)
    used = time.process_time() - begun
    sys.stdout.write(json.dumps({"seconds": used, "peak": peak_mb()}))


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        whole, half = str(Path(folder) / "whole.ndjson"), str(Path(folder) / "half.ndjson")
        _write(Path(whole), RECORDS)
        _write(Path(half), RECORDS // 2)
        size = Path(whole).stat().st_size / 1e6
        plain = 0.0
        for task in _TASKS:
            found = list(_measured(task, [half, half] if "halves" in task else [whole]))
            seconds, peak = min(one["seconds"] for one in found), max(one["peak"] for one in found)
            title = f"{RECORDS:,} records, {size:.0f} MB: {task}"
            if task.startswith("plain"):
                plain = seconds
                yield row(title, seconds, "s CPU")
                continue
            yield row(title, seconds, "s CPU", f"{seconds / plain:.1f} x plain decoding", at_most=MAX_SECONDS)
            yield row(f"{title}, peak of memory", peak, "MB", at_most=MAX_MB)


if __name__ == "__main__":
    _run(sys.argv[1], sys.argv[2:])
