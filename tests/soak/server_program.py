"""The built-in server as a process of its own: prints its URL and answers, at once, with what was said."""

from __future__ import annotations

import asyncio
import sys

from rtcli import RealtimeServer


async def main() -> None:
    async with RealtimeServer(pace=0, reply="echo", voice="tone") as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
