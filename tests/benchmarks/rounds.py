"""Interleaved rounds of contestants against one blaster, and the table of what they cost."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kit.foreign import CLIENTS, ROOT, SCRIPTS, UnavailableError, foreign_python

HERE = Path(__file__).parent
LABELS = {
    "rtcli": "**rtcli, whole transport**",
    "rtcli-fast": "**rtcli, with picows**",
    "raw": "`websockets`, bytes only",
    "json": "`websockets` + json",
    "orjson": "`websockets` + orjson + pybase64",
    "openai": "openai (official client)",
    "agents": "openai-agents, WebSocket model",
    "agents-js": "@openai/agents-realtime (Node)",
}
FOREIGN = ("openai", "agents")
OURS = ("rtcli", "rtcli-fast")


@contextmanager
def blaster() -> Iterator[str]:
    """The server process; gives its address."""
    command = [sys.executable, "-m", "tests.benchmarks.blaster"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        yield f"ws://127.0.0.1:{process.stdout.readline().strip()}/v1"
        process.communicate()


def available(names: Sequence[str]) -> list[str]:
    """Those of the contestants whose library is here; the others are named on stderr."""
    here = []
    for name in names:
        try:
            _command(name, "receive", "", 0)
            here.append(name)
        except UnavailableError as error:
            sys.stderr.write(f"without {name}: {error}\n")
    return here


def _command(name: str, mode: str, url: str, count: int) -> list[str]:
    if name == "agents-js":
        modules = SCRIPTS.folder()
        return ["node", str(HERE / "contestant.mjs"), str(modules), mode, url, str(count)]
    python = str(foreign_python()) if name in FOREIGN else sys.executable
    if name in FOREIGN:
        CLIENTS.folder()
    return [python, str(HERE / "contestant.py"), name, mode, url, str(count)]


def run(name: str, mode: str, base: str, count: int, query: str = "") -> dict[str, float]:
    """One contestant, once. Raises RuntimeError with what it said when it fails."""
    url = f"{base}/{mode}/realtime?count={count}{query}"
    done = subprocess.run(
        _command(name, mode, url, count), capture_output=True, text=True, timeout=300, check=False, cwd=ROOT
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
    seen: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seen


def play(
    names: Sequence[str], mode: str, count: int, rounds: int, query: str = ""
) -> list[dict[str, dict[str, float]]]:
    """Every contestant in turn, `rounds` times, so that a noisy neighbour disturbs all alike."""
    played = []
    with blaster() as base:
        for number in range(rounds):
            played.append({name: run(name, mode, base, count, query) for name in names})
            sys.stderr.write(f"{mode}: round {number + 1} of {rounds}\n")
    return played


def table(played: Sequence[dict[str, dict[str, float]]], count: int) -> str:
    """Medians, and the median over the rounds of what each costs against ours in the same round, by backend."""
    ours = [name for name in played[0] if name in OURS]
    against = " | ".join(f"CPU against {name}" for name in ours)
    head = f"| contestant | CPU us/event | best | events/s | peak MB | {against} |"
    lines = [head, "|---|---:|---:|---:|---:" + "|---:" * len(ours) + "|"]
    for name in played[0]:
        cost = [round_[name]["cpu"] / count * 1e6 for round_ in played]
        rate = [count / round_[name]["seconds"] for round_ in played]
        peak = [round_[name]["peak_mb"] for round_ in played]
        ratios = [statistics.median(round_[name]["cpu"] / round_[one]["cpu"] for round_ in played) for one in ours]
        cells: list[Any] = [LABELS[name], f"{statistics.median(cost):.1f}", f"{min(cost):.1f}"]
        cells += [
            f"{statistics.median(rate):,.0f}",
            f"{statistics.median(peak):.0f}",
            *(f"{ratio:.2f} x" for ratio in ratios),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def rounds_asked(default: int) -> int:
    """The number of rounds: the first argument of the command line, or the default."""
    return int(sys.argv[1]) if len(sys.argv) > 1 else default
