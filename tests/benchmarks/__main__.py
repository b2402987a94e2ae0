"""The measurements: `python -m tests.benchmarks [--write] [NAME ...]`; no NAME stands for all of them.

Each is a module `bench_NAME` whose `rows()` yields rows of the one table. It runs in a process of its own, for at most
four minutes; one that fails says so in a row, and the others go on. `--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from docs.tables import table
from tests.benchmarks.rows import Row, digits, spin_ms
from tests.kit.foreign import CLIENTS, ROOT, SCRIPTS, SPEECH, UnavailableError

HERE = Path(__file__).parent
PAGE = ROOT / "docs" / "performance.md"
PLACE = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->)", re.DOTALL)
HEAD = ("bench", "what", "figure", "beside it", "bound", "met", "spin, ms")
LIMIT = 240  # seconds for one bench
_MET = {None: "", True: "yes", False: "**no**"}


@dataclass(frozen=True, slots=True)
class Measured:
    """The rows of one bench, how long it took, and the spin figure before and after it."""

    name: str
    rows: tuple[Row, ...]
    seconds: float
    spin: tuple[float, float]

    def cells(self) -> Iterable[Iterable[str]]:
        spin = digits(sum(self.spin) / 2)
        for one in self.rows:
            yield self.name, one.what, one.figure, one.beside, one.bound, _MET[one.met], spin


def names() -> list[str]:
    """Every bench."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def rows_of(name: str) -> Iterable[Row]:
    """What one bench yields, and in a last row why it stopped where it did."""
    try:
        yield from importlib.import_module(f"tests.benchmarks.bench_{name}").rows()
    except UnavailableError as error:
        sys.stderr.write(f"{name}: {error}\n")
        yield Row("not measured", "", "what it needs cannot be installed here")
    except Exception as error:  # noqa: BLE001  one bench must not end the others
        traceback.print_exc()
        yield Row("failed", "", type(error).__name__)  # its text may name files of this machine


def measure(name: str, limit: float = LIMIT) -> Measured:
    """One bench in a process of its own, whose group is ended with it."""
    command = [sys.executable, "-m", "tests.benchmarks", "--rows", name]
    spin, began, late = spin_ms(), time.monotonic(), False
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True) as process:
        try:
            out, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            late = True
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if late:
            out, _ = process.communicate()
    rows = [Row(**json.loads(line)) for line in out.splitlines()]
    if late:
        rows.append(Row("stopped", "", f"not finished after {limit:g} s"))
    elif process.returncode:
        rows.append(Row("failed", "", f"ended with {process.returncode}"))
    return Measured(name, tuple(rows), time.monotonic() - began, (spin, spin_ms()))


def fetch() -> None:
    """What contestants and speakers need is fetched beforehand, so that no bench's time goes into it."""
    for one in (CLIENTS, SCRIPTS, SPEECH):
        try:
            one.folder()
        except UnavailableError as error:
            sys.stderr.write(f"without {one.name}: {error}\n")


def processor() -> str:
    """What the system calls it."""
    with suppress(OSError):
        if found := re.search(
            r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE
        ):
            return found[1]
    return platform.processor() or platform.machine()


def report(measured: Sequence[Measured], started: datetime, load: float) -> str:
    """Where and when this was measured, and the table."""
    spins = sorted(figure for one in measured for figure in one.spin)
    rows = [one for bench in measured for one in bench.rows]
    kept, bounded = sum(one.met is True for one in rows), sum(one.met is not None for one in rows)
    minutes = sum(one.seconds for one in measured) / 60
    said = (
        f"Measured on {started:%Y-%m-%d at %H:%M} UTC in {minutes:.0f} minutes: Python {platform.python_version()}, "
        f"{processor()}, {os.cpu_count()} cores, load {load:.1f} before it. Spin figure {digits(spins[0])} to "
        f"{digits(spins[-1])} ms, median {digits(spins[len(spins) // 2])} ms. {kept} of {bounded} bounds are met."
    )
    return f"{said}\n\n{table(HEAD, (cells for one in measured for cells in one.cells()))}"


def main(arguments: list[str]) -> int:
    """Measure, print and, if asked to, write."""
    if arguments[:1] == ["--rows"]:
        for one in rows_of(arguments[1]):
            sys.stdout.write(json.dumps(asdict(one)) + "\n")
            sys.stdout.flush()
        return 0
    chosen = [one for one in arguments if not one.startswith("-")] or names()
    if unknown := set(chosen) - set(names()):
        sys.stderr.write(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(names())}\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or the group of a bench would outlive this process
    fetch()
    started, load, measured = datetime.now(UTC), os.getloadavg()[0], []
    for number, name in enumerate(chosen, 1):
        measured.append(measure(name))
        sys.stderr.write(f"{number} of {len(chosen)}: {name}, {measured[-1].seconds:.0f} s\n")
        for cells in measured[-1].cells():
            sys.stderr.write(f"    {' | '.join(cells)}\n")
    text = report(measured, started, load)
    sys.stdout.write(f"{text}")
    if "--write" in arguments:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(PLACE.sub(lambda match: f"{match[1]}{text}{match[2]}", page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
