"""What bench_display measures: a real session on a real socket, in front of the prompt or of nothing.

    python -m tests.benchmarks.display_program URL live|null FILE

At the end it writes to FILE, as JSON, its CPU seconds and wall seconds between the first and the last delta, and the
moment (time.monotonic) at which each word came out of the session.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rtcli.config.endpoints import Endpoint
from rtcli.repl.backend import Backend, Edit
from rtcli.repl.completer import Work
from rtcli.repl.loop import run_prompt
from rtcli.session.session import RealtimeSession
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import DisplaySettings, Quit, SessionStatus, SpeechDelta, SpeechDone, View


class Measured:
    """A session's views on their way to a display, with the clock read at each word."""

    def __init__(self, url: str) -> None:
        endpoint = Endpoint(url=url, model="bench", label="bench", local=True)
        self.session = RealtimeSession(OpenAIRealtimeWebSocket(url=url, api_key="none"), endpoint=endpoint)
        self.words: dict[str, float] = {}
        self._began = (0.0, 0.0)
        self.cpu = self.wall = 0.0
        self.ended = asyncio.Event()

    async def start(self, show: Callable[[View], None]) -> None:
        def measured(view: View) -> None:
            if isinstance(view, SpeechDelta):
                now = time.monotonic()
                if not self.words:
                    self._began = (time.process_time(), now)
                self.words[view.delta.strip()] = now
            show(view)
            if isinstance(view, SpeechDone):
                self.cpu = time.process_time() - self._began[0]
                self.wall = time.monotonic() - self._began[1]
                self.ended.set()

        self.session.subscribe(measured)
        await self.session.start()

    def save(self, file: Path) -> None:
        file.write_text(json.dumps({"cpu": self.cpu, "wall": self.wall, "words": self.words}))


class MeasuredBackend:
    """The prompt's view of it; it leaves by itself when the answer has ended."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    @property
    def status(self) -> SessionStatus:
        return self._measured.session.status

    async def start(self, show: Callable[[View], None], edit: Edit) -> None:
        def until_the_end(view: View) -> None:
            show(view)
            if isinstance(view, SpeechDone):
                asyncio.get_running_loop().call_later(0.3, show, Quit())

        await self._measured.start(until_the_end)

    async def run_line(self, line: str) -> Sequence[View]:
        return []

    def complete(self, text: str) -> Work:
        return tuple

    async def close(self) -> None:
        await self._measured.session.close()

    def farewell(self) -> Sequence[View]:
        return ()


async def main(url: str, display: str, file: Path) -> None:
    measured = Measured(url)

    async def open_backend() -> Backend:
        return MeasuredBackend(measured)

    if display == "live":
        await run_prompt(open_backend, display=DisplaySettings())
    else:
        await measured.start(lambda view: None)
        await measured.ended.wait()
        await measured.session.close()
    measured.save(file)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
