"""What `rtcli serve` runs: a server until it is stopped, with a few lines about what runs in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from rtcli.errors import UsageError
from rtcli.server.net.app import RealtimeServer


async def serve(
    server: RealtimeServer,
    *,
    announce: Callable[[str], None],
    log: Callable[[str], None],
    stop: asyncio.Event,
    once: bool = False,
) -> None:
    """Serve until `stop` is set; with `once` until the first client has left.

    `announce` gets the address once clients can connect, `log` lines for the user.

    Raises UsageError where it cannot listen, and for engines that turn out to be missing.
    """
    async with server:
        announce(server.url)
        log(f"replies: {server.reply_name}")
        if server.faults:
            log(f"faults: {', '.join(server.faults)}")
        log("clients must present the key" if server.requires_key else "any key is accepted, or none")
        missing: list[Exception] = []
        try:
            async with asyncio.TaskGroup() as group:
                loading = group.create_task(_log_engines(server, log), name="log engines")
                await _first(stop.wait(), *([server.connection_ended.wait()] if once else []))
                loading.cancel()
                if once:
                    server.judge_end()
        except* UsageError as problems:
            missing += problems.exceptions
        if missing:  # raised in the except* block, Python 3.11.2 (Debian 12) would put it into a group again
            raise missing[0] from None


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait until one of these is over."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _log_engines(server: RealtimeServer, log: Callable[[str], None]) -> None:
    """Engines load while clients connect; the user learns which they are as soon as they are loaded."""
    if server.plays_recording:
        return
    engines = await server.engines()
    log(f"engines: {', '.join(engines.names)}")
