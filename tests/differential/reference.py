"""The official JavaScript transport in a process of its own: scenarios go in, their recordings come out."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

from tests.kit.foreign import foreign_node_modules

Scenario: TypeAlias = dict[str, Any]

_RECORDER = Path(__file__).parents[1] / "foreign" / "recorder.mjs"
_LONGEST_LINE = 64 * 2**20
_AHEAD = 64  # scenarios that the recorder may be ahead of who reads the recordings


class Reference:
    """Records scenarios, in order, as fast as they are taken."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout

    async def record(self, scenarios: Sequence[Scenario]) -> AsyncIterator[Scenario]:
        """Each scenario with its results. One that cannot be played comes back as `{"problem": text}`."""
        room = asyncio.Semaphore(_AHEAD)
        feeding = asyncio.create_task(self._feed(scenarios, room))
        try:
            for _ in scenarios:
                line = await self._output.readline()
                if not line:
                    raise RuntimeError("the recorder has ended")
                room.release()
                yield json.loads(line)
        finally:
            await feeding

    async def _feed(self, scenarios: Sequence[Scenario], room: asyncio.Semaphore) -> None:
        for scenario in scenarios:
            await room.acquire()
            self._input.write(json.dumps(scenario).encode() + b"\n")
            await self._input.drain()


@asynccontextmanager
async def running_reference() -> AsyncIterator[Reference]:
    """The recorder runs. Raises UnavailableError where the package cannot be had."""
    copy = await asyncio.to_thread(foreign_node_modules) / _RECORDER.name  # a script imports what lies beside it
    await asyncio.to_thread(shutil.copyfile, _RECORDER, copy)
    process = await asyncio.create_subprocess_exec(
        "node", str(copy), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LONGEST_LINE
    )
    try:
        yield Reference(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
