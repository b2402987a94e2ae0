"""What `rtcli serve` runs: a server that goes on until it is told to stop, and says where it is and what runs in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rtcli.errors import UsageError
from rtcli.server.net.app import RealtimeServer


async def serve(
    server: RealtimeServer, *, announce: Callable[[str], None], log: Callable[[str], None], stop: asyncio.Event
) -> None:
    """Serve until `stop` is set. `announce` gets the address once clients can connect, `log` lines for a person.

    Raises UsageError where it cannot listen, also for engines that turn out to be missing.
    """
    async with server:
        announce(server.url)
        log(f"replies: {server.reply_name}")
        if server.faults:
            log(f"faults: {', '.join(server.faults)}")
        log("a key is demanded of every client" if server.requires_key else "any key is accepted, or none")
        missing: list[Exception] = []
        try:
            async with asyncio.TaskGroup() as group:
                loading = group.create_task(_log_engines(server, log), name="tells which engines run")
                await stop.wait()
                loading.cancel()
        except* UsageError as problems:
            missing += problems.exceptions
        if missing:  # raised in there, Python 3.11.2 (Debian 12) would put it into a group again
            raise missing[0] from None


async def _log_engines(server: RealtimeServer, log: Callable[[str], None]) -> None:
    """Engines load while clients connect; a person learns which they are as soon as they are there."""
    engines = await server.engines()
    log(f"engines: {', '.join(engines.names)}")
