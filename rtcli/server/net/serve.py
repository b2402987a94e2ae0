"""What `rtcli serve` runs: a server until it is stopped, with a few lines about what runs in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from rtcli.errors import UsageError
from rtcli.server.calls.ringing import call
from rtcli.server.net.app import RealtimeServer


async def serve(
    server: RealtimeServer,
    *,
    announce: Callable[[str], None],
    log: Callable[[str], None],
    until: Callable[[], Awaitable[object]],
    ring: bytes | None = None,
) -> None:
    """Serve until what `until` returns is over.

    `announce` gets the address once clients can connect, `log` lines for the user. With `ring` somebody calls once, and
    says that: 24 kHz PCM16.

    Raises UsageError where it cannot listen, for engines that turn out to be missing, and what `until` raises of it.
    """
    async with server:
        announce(server.url)
        log(f"replies: {server.reply_name}")
        for note in server.passed_over:
            log(f"warning: {note}")
        if server.faults:
            log(f"faults: {', '.join(server.faults)}")
        log("clients must present the key" if server.requires_key else "any key is accepted, or none")
        missing: list[Exception] = []
        try:
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(_log_engines(server, log), name="log engines")]
                if ring is not None:
                    beside.append(group.create_task(call(server, ring, log), name="caller"))
                await until()
                for task in beside:
                    task.cancel()
        except* UsageError as problems:
            missing += problems.exceptions
        if missing:  # raised in the except* block, Python 3.11.2 (Debian 12) would put it into a group again
            raise missing[0] from None


async def _log_engines(server: RealtimeServer, log: Callable[[str], None]) -> None:
    """Engines load while clients connect; the user learns which they are as soon as they are loaded."""
    if server.plays_recording:
        return
    engines = await server.engines()
    log(f"engines: {', '.join(engines.names)}")
