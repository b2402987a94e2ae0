"""Runs a client's checks against one server and prints what came of each as a line of JSON; needs only that client."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import struct
import sys
import traceback
import wave
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tests.foreign.drivers.typed_models import TypedModels

TIME_LIMIT = 60.0
AT_ONCE = 12  # connections: most of a check's time is the pace of speech
RATE = 24_000
CHUNK = RATE // 10 * 2  # bytes in 100 ms


@dataclass(frozen=True, slots=True)
class Setup:
    """What a check is given: where the server is, a person's speech, and who reads every event that comes in."""

    url: str  # http://host:port/v1
    speech: bytes  # 24 kHz PCM16: "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."
    recognizer: bool  # whether the server understands speech
    models: TypedModels
    trail: list[str] = field(default_factory=list)  # the types of this check's events, for whoever reads a failure

    @property
    def phrase(self) -> bytes:
        """A person says "Ever tried.", and pauses."""
        return self.speech[: int(1.6 * RATE) * 2]

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/realtime"

    def saw(self, event: dict[str, Any] | bytes | str) -> None:
        """Hold one event of the server against the typed models."""
        decoded = event if isinstance(event, dict) else json.loads(event)
        self.models.read(decoded)
        self.trail.append(str(decoded.get("type")))


Check: TypeAlias = Callable[[Setup], Awaitable[None]]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    """Make a coroutine function with a docstring a check of this driver."""
    CHECKS[function.__name__] = function
    return function


def chunks(pcm: bytes) -> list[bytes]:
    """Sound as a microphone would hand it over, 100 ms at a time."""
    return [pcm[start : start + CHUNK] for start in range(0, len(pcm), CHUNK)]


def image() -> str:
    """A red square of 8 x 8 pixels as a PNG data URI."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = zlib.compress((b"\x00" + b"\xff\x00\x00" * 8) * 8)
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


def silence(seconds: float) -> bytes:
    return bytes(int(seconds * RATE) * 2)


async def _carry_out(name: str, function: Check, setup: Setup) -> dict[str, Any]:
    try:
        async with asyncio.timeout(TIME_LIMIT):
            await function(setup)
    except Exception as error:  # noqa: BLE001 - whatever a client raises is the result
        what = "".join(traceback.format_exception(error))
        return {"check": name, "ok": False, "detail": f"{what}\nevents: {' '.join(setup.trail[-40:])}"}
    return {"check": name, "ok": True, "detail": ""}


async def _run(url: str, speech: bytes, recognizer: bool) -> None:
    models, places = TypedModels(), asyncio.Semaphore(AT_ONCE)

    async def in_turn(name: str, function: Check) -> None:
        async with places:
            _tell(await _carry_out(name, function, Setup(url, speech, recognizer, models)))

    async with asyncio.TaskGroup() as group:
        for name, function in CHECKS.items():
            group.create_task(in_turn(name, function))
    _tell({"events": models.counts, "problems": models.problems})


def _tell(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Command line: URL of the server's API, WAV file of 24 kHz PCM16, whether the server has a recognizer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("speech", type=Path)
    parser.add_argument("--recognizer", action="store_true")
    options = parser.parse_args()
    with wave.open(str(options.speech)) as file:
        speech = file.readframes(file.getnframes())
    asyncio.run(_run(options.url, speech, options.recognizer))
