"""`rtcli serve`: a server that runs until it is told to stop, and says where it is and what runs in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from rtcli.errors import UsageError
from rtcli.server.app import RealtimeServer
from rtcli.server.tls import tls_context


async def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    reply: str = "rules",
    script: Path | str | None = None,
    faults: Sequence[str] = (),
    key: str | None = None,
    voice: str = "auto",
    expires_after: float = 3600,
    allow_origin: Sequence[str] = (),
    tls_cert: Path | str | None = None,
    tls_key: Path | str | None = None,
    announce: Callable[[str], None],
    log: Callable[[str], None],
    stop: asyncio.Event,
) -> None:
    """Serve until `stop` is set. `announce` gets the address once clients can connect, `log` lines for a person.

    Raises UsageError or InputError where something given cannot be used, also engines that turn out to be missing.
    """
    server = RealtimeServer(
        host,
        port,
        reply=reply,
        script=script,
        faults=faults,
        key=key,
        voice=voice,
        expires_after=expires_after,
        allow_origin=allow_origin,
        ssl=tls_context(tls_cert, tls_key),
    )
    async with server:
        announce(server.url)
        log(f"replies: {server.reply_name}")
        if faults:
            log(f"faults: {', '.join(faults)}")
        log("a key is demanded of every client" if key else "any key is accepted, or none")
        try:
            async with asyncio.TaskGroup() as group:
                loading = group.create_task(_tell_engines(server, log), name="tells which engines run")
                await stop.wait()
                loading.cancel()
        except* UsageError as missing:
            raise missing.exceptions[0] from None


async def _tell_engines(server: RealtimeServer, log: Callable[[str], None]) -> None:
    """Engines load while clients connect; a person learns which they are as soon as they are there."""
    engines = await server.engines()
    log(f"engines: {', '.join(engines.names)}")
