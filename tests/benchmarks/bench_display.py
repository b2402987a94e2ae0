"""How late, how costly and how soon the prompt shows things; run by `make bench`, every figure beside its rival.

    python -m tests.benchmarks.bench_display [rounds]

- first paint: `rtcli chat` to its first prompt, beside a Python that only imports prompt_toolkit
- display delay: from a delta's leaving the session to its characters' leaving the pseudo terminal
- CPU: the prompt with streaming text and typing, beside the same session on the same socket that shows nothing
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from tests.kit.terminal import Terminal

SECONDS = 4
TYPED = "hello world"
WORD = re.compile(rb"w\d{6}")


async def _stream(connection: ServerConnection, rate: int) -> None:
    """A session that begins to talk by itself: numbered words at `rate` a second, for SECONDS."""
    session = {"type": "realtime", "id": "sess_bench", "model": "bench", "output_modalities": ["text"]}

    async def send(type_: str, **fields: Any) -> None:
        await connection.send(json.dumps({"type": type_, "event_id": "event_x", **fields}))

    part = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    await send("session.created", session=session)
    await asyncio.sleep(0.7)  # let the prompt come to rest
    await send("response.created", response={"id": "resp_1", "status": "in_progress", "output": []})
    loop = asyncio.get_running_loop()
    began, said = loop.time(), []
    for number in range(rate * SECONDS):
        said.append(f"w{number:06} ")
        await send("response.output_text.delta", **part, delta=said[-1], obfuscation="xxxxxxxx")
        await asyncio.sleep(max(began + (number + 1) / rate - loop.time(), 0))
    await send("response.output_text.done", **part, text="".join(said))
    await connection.wait_closed()


@contextmanager
def server(rate: int) -> Iterator[str]:
    """The talking server in a thread of its own; gives its URL."""
    ready, done = threading.Event(), threading.Event()
    url = ""

    async def run() -> None:
        nonlocal url
        async with serve(lambda connection: _stream(connection, rate), "127.0.0.1", 0, compression=None) as running:
            url = f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/v1/realtime?model=bench"
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    ready.wait()
    try:
        yield url
    finally:
        done.set()
        thread.join()


def run_live(rate: int, folder: Path) -> tuple[float, list[float]]:
    """CPU in percent of a core, and the delay of every word in milliseconds."""
    file = folder / "live.json"
    seen: dict[str, float] = {}
    with server(rate) as url:
        argv = [sys.executable, "-m", "tests.benchmarks.display_program", url, "live", str(file)]
        with Terminal(argv, columns=100) as terminal:
            keys, position = iter(TYPED), 0
            next_key = time.monotonic() + 1.5
            while terminal.status is None:
                if terminal.read(0.005):
                    now = time.monotonic()
                    for match in WORD.finditer(terminal.raw, max(position - 16, 0)):
                        seen.setdefault(match[0].decode(), now)
                    position = len(terminal.raw)
                elif file.exists():
                    terminal.wait_exit()
                if time.monotonic() > next_key:
                    terminal.send(next(keys, ""))
                    next_key += 0.25
    result = json.loads(file.read_text())
    file.unlink()
    missing = set(result["words"]) - set(seen)
    assert not missing, f"{len(missing)} words never came out, the first is {min(missing)}"
    delays = [(seen[word] - at) * 1000 for word, at in result["words"].items()]
    return 100 * result["cpu"] / result["wall"], delays


def run_null(rate: int, folder: Path) -> float:
    """CPU in percent of a core of the session without any display."""
    file = folder / "null.json"
    with server(rate) as url:
        argv = [sys.executable, "-m", "tests.benchmarks.display_program", url, "null", str(file)]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    result = json.loads(file.read_text())
    return float(100 * result["cpu"] / result["wall"])


def first_paint() -> float:
    """Seconds from the start of `rtcli chat` to its prompt."""
    program = str(Path(sys.executable).with_name("rtcli"))
    with tempfile.TemporaryDirectory() as home:
        environ = {"HOME": home, "XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home}
        began = time.monotonic()
        with Terminal([program, "chat", "--local", "--text"], environ=environ) as terminal:
            while "›".encode() not in terminal.raw:
                terminal.read(0.005)
            taken = time.monotonic() - began
            terminal.send("\x04")
            terminal.wait_exit()
    return taken


def importing() -> float:
    """Seconds that a Python takes which only imports prompt_toolkit."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import prompt_toolkit"], check=True)
    return time.monotonic() - began


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(rounds: int) -> None:
    paints, imports = [], []
    for _ in range(2 * rounds + 1):
        imports.append(importing())
        paints.append(first_paint())
    ratio = statistics.median(paint / beside for paint, beside in zip(paints, imports, strict=True))
    report(
        f"first paint {statistics.median(paints) * 1000:.0f} ms, importing prompt_toolkit alone "
        f"{statistics.median(imports) * 1000:.0f} ms: {ratio:.2f} x (at most 1.6)"
    )
    with tempfile.TemporaryDirectory() as name:
        for rate, most in ((100, 8), (1000, 12)):
            points, delays = [], []
            for _ in range(rounds):
                null = run_null(rate, Path(name))
                live, late = run_live(rate, Path(name))
                points.append(live - null)
                delays += late
            half, most_of_all, last = (percentile(delays, share) for share in (0.5, 0.95, 1.0))
            report(
                f"{rate} deltas/s: shown after {half:.0f} ms (p50), {most_of_all:.0f} ms (p95, at most 60), "
                f"{last:.0f} ms (max)"
            )
            report(f"  CPU {statistics.median(points):.1f} points over no display (at most {most})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
