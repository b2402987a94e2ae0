"""Interleaved rounds of contestants against one blaster, and the rows of what they cost."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests.benchmarks.rows import Row, digits, row
from tests.kit.foreign import CLIENTS, ROOT, SCRIPTS, UnavailableError, foreign_python

HERE = Path(__file__).parent
LABELS = {
    "rtcli": "rtcli, whole transport",
    "rtcli-fast": "rtcli[fast], whole transport",
    "raw": "`websockets`, bytes only",
    "json": "`websockets` + json",
    "orjson": "`websockets` + orjson + pybase64",
    "openai": "openai (official client)",
    "agents": "openai-agents, WebSocket model",
    "agents-js": "@openai/agents-realtime (Node)",
}
FOREIGN = ("openai", "agents")
PEERS = ("openai", "agents", "agents-js")
OURS = ("rtcli", "rtcli-fast")
Seen: TypeAlias = Mapping[str, float]


@contextmanager
def blaster() -> Iterator[str]:
    """The server process; gives its address."""
    command = [sys.executable, "-m", "tests.benchmarks.blaster"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        yield f"ws://127.0.0.1:{process.stdout.readline().strip()}/v1"
        process.communicate()


def _command(name: str, mode: str, url: str, count: int) -> list[str]:
    if name == "agents-js":
        modules = SCRIPTS.folder()
        return ["node", str(HERE / "contestant.mjs"), str(modules), mode, url, str(count)]
    if name == "rtcli-fast" and importlib.util.find_spec("picows") is None:
        raise UnavailableError("picows is not installed")
    python = str(foreign_python()) if name in FOREIGN else sys.executable
    if name in FOREIGN:
        CLIENTS.folder()
    return [python, str(HERE / "contestant.py"), name, mode, url, str(count)]


def run(name: str, mode: str, base: str, count: int, query: str = "") -> Seen:
    """One contestant, once. Raises RuntimeError with what it said when it fails."""
    url = f"{base}/{mode}/realtime?count={count}{query}"
    done = subprocess.run(
        _command(name, mode, url, count), capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
    seen: Seen = json.loads(done.stdout.splitlines()[-1])
    return seen


@dataclass(slots=True)
class Played:
    """What each contestant saw and took in each round, and who did not take part."""

    count: int
    rounds: list[dict[str, Seen]] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)

    def cost(self, name: str) -> float:
        """Microseconds of CPU an event: the median of the rounds."""
        return statistics.median(round_[name]["cpu"] for round_ in self.rounds) / self.count * 1e6

    def ratio(self, name: str, to: str) -> float:
        """The CPU of one against that of another in the same round: the median of the rounds."""
        return statistics.median(round_[name]["cpu"] / round_[to]["cpu"] for round_ in self.rounds)

    def more(self, name: str, than: str) -> float:
        """How many microseconds an event one takes more than another in the same round."""
        difference = (round_[name]["cpu"] - round_[than]["cpu"] for round_ in self.rounds)
        return statistics.median(difference) / self.count * 1e6

    def takes_part(self, *names: str) -> bool:
        return all(name in self.rounds[0] for name in names)


def play(names: Sequence[str], mode: str, count: int, rounds: int, query: str = "") -> Played:
    """Every contestant in turn, `rounds` times, so that what else the machine does disturbs all alike."""
    played = Played(count)
    with blaster() as base:
        for number in range(rounds):
            seen = {}
            for name in names:
                if name not in played.absent:
                    try:
                        seen[name] = run(name, mode, base, count, query)
                    except UnavailableError as error:
                        played.absent[name] = "cannot be installed here"
                        sys.stderr.write(f"without {name}: {error}\n")
                    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
                        played.absent[name] = "does not run here"
                        sys.stderr.write(f"without {name}: {error}\n")
            played.rounds.append(seen)
            sys.stderr.write(f"{mode}: round {number + 1} of {rounds}\n")
    played.rounds = [{name: of[name] for name in of if name not in played.absent} for of in played.rounds]
    return played


def rows_of(
    title: str, played: Played, *, peers: Mapping[str, float] | None = None, own: float | None = None
) -> Iterator[Row]:
    """What each costs; the peers beside ours (`peers`: so many times less CPU); ours beside `websockets`' own."""
    for name, reason in played.absent.items():
        yield Row(f"{title}: {LABELS[name]}", "", reason)
    for name in played.rounds[0]:
        best = min(round_[name]["cpu"] for round_ in played.rounds) / played.count * 1e6
        rate = statistics.median(played.count / round_[name]["seconds"] for round_ in played.rounds)
        peak = statistics.median(round_[name]["peak_mb"] for round_ in played.rounds)
        beside = f"best {digits(best)}; {rate:,.0f} events/s; peak {peak:.0f} MB"
        yield row(f"{title}: {LABELS[name]}", played.cost(name), "us CPU", beside)
    for name in PEERS:
        for ours in OURS:
            if played.takes_part(name, ours):
                bound = (peers or {}).get(name) if ours == "rtcli-fast" else None
                what, short = f"{title}: {LABELS[name]}", LABELS[ours].partition(",")[0]
                yield row(what, played.ratio(name, ours), "x", f"the CPU of {short}", at_least=bound)
    if own is not None and played.takes_part("rtcli", "raw"):
        yield row(
            f"{title}: what is ours of an event",
            played.more("rtcli", "raw"),
            "us",
            "over `websockets`' own",
            at_most=own,
        )
