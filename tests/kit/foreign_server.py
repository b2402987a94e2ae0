"""A RealtimeServer in a process of its own: says where it is and whether it understands speech, then serves."""

from __future__ import annotations

import asyncio
import json
import sys

from rtcli.server import RealtimeServer


async def serve(options: dict[str, object]) -> None:
    """Serve with these options of RealtimeServer until standard input is closed."""
    async with RealtimeServer(**options) as server:  # type: ignore[arg-type]
        engines = await server.engines()
        sys.stdout.write(json.dumps({"url": server.url, "recognizer": engines.recognizer is not None}) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
