"""Runs the program as a user does: a process, its input, its output, its exit code."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.kit.waiting import DEADLINE


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output as NDJSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def types(self) -> list[str]:
        """The event types on standard output."""
        return [str(event["type"]) for event in self.events]


async def start(
    *arguments: str, environ: Mapping[str, str] | None = None, **streams: Any
) -> asyncio.subprocess.Process:
    """The program, running; its three streams are pipes unless `streams` say otherwise."""
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rtcli", *arguments), env={**os.environ, **(environ or {})}, **(pipes | streams)
    )


async def rtcli(*arguments: str, text: str | bytes = "", environ: Mapping[str, str] | None = None) -> Ended:
    """Run the program to its end, with this on its standard input."""
    process = await start(*arguments, environ=environ)
    data = text.encode() if isinstance(text, str) else text
    try:
        out, err = await asyncio.wait_for(process.communicate(data), DEADLINE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def one_clear_line(ended: Ended, code: int, *words: str) -> None:
    """The promise for everything that goes wrong: this exit code, one line on stderr with these words, no traceback."""
    assert "Traceback" not in ended.err
    lines = [line for line in ended.err.splitlines() if not line.startswith(("rtcli: warning:", "  "))]
    assert ended.code == code, ended
    assert len(lines) == 1, lines
    for word in words:
        assert word in lines[0], lines[0]
