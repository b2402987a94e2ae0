"""From an Endpoint to a connected transport, and the built-in server where the endpoint is ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from rtcli.cli.options import bounds_of
from rtcli.config.endpoints import Endpoint

if TYPE_CHECKING:
    from rtcli.cli.chat.options import ChatOptions
    from rtcli.commands import Context
    from rtcli.server import RealtimeServer
    from rtcli.session.session import RealtimeSession
    from rtcli.views import Notice


async def minted_for(options: ChatOptions, endpoint: Endpoint) -> tuple[Endpoint, str]:
    """The endpoint, with an ephemeral key where the user asked for one, and the path that was asked for it ("": none).

    Raises ConnectError.
    """
    if not options.secret:
        return endpoint, ""
    from rtcli.cli.minting import mint

    return await mint(endpoint)


def session_for(options: ChatOptions, endpoint: Endpoint, *, terminal: bool) -> RealtimeSession:
    """The session of a chat, not started. In a terminal, replies play on the system's speaker if none was named.

    Raises AudioUnavailableError and InputError for devices and files that were asked for.
    """
    import rtcli
    from rtcli.cli.chat.session_config import DEFAULTS
    from rtcli.session.dialing import call_transport_for, transport_for
    from rtcli.session.first_update import SessionUpdate
    from rtcli.session.recorder import RecordingSetup
    from rtcli.session.session import RealtimeSession

    microphone = options.audio.microphone()
    session = RealtimeSession(
        (call_transport_for if endpoint.webrtc else transport_for)(endpoint, read_only=options.watch),
        endpoint=replace(endpoint, api_key=None),  # the transport has it in its headers
        config=options.config,
        defaults=DEFAULTS,
        session_update=SessionUpdate(options.settings.get("session_update") or SessionUpdate.FULL),
        speaker=options.audio.speaker(default=terminal),
        microphone=microphone,
        tools=options.tools.tools if options.tools else (),
        recording=RecordingSetup(
            options.recording.folder,
            program=rtcli.__version__,
            # What a pipe reads is in the file before it is read; a prompt shows things a turn of the loop later.
            defer=asyncio.get_running_loop().call_soon if terminal else None,
        ),
    )
    session.tools.timeout = options.tool_seconds
    session.tools.file = options.tools.path if options.tools else None
    # Else the session's own default counts, which depends on the devices.
    if mode := options.settings.get("echo"):
        session.audio.set_echo(mode)
    # A setting that is absent is None, and means on.
    session.talk.barge_in = options.settings.get("barge_in") is not False
    return session


def context_for(options: ChatOptions, session: RealtimeSession) -> Context:
    """What the commands of a chat work with."""
    from rtcli.commands import Context, default_registry

    prices, bounds = options.settings.get("prices") or {}, bounds_of(options.settings)
    return Context(session, options.display, default_registry(), prices=prices, bounds=bounds)


@asynccontextmanager
async def serving_in_process(
    endpoint: Endpoint, *, pace: float = 1.0
) -> AsyncIterator[tuple[Endpoint, RealtimeServer | None]]:
    """The endpoint; if it is the built-in server, that runs inside this process meanwhile, and is given too."""
    if not endpoint.local:
        yield endpoint, None
        return
    from rtcli.server import RealtimeServer

    async with RealtimeServer(pace=pace) as server:
        yield endpoint.at(server.url), server


@asynccontextmanager
async def serving_in_child_process(
    endpoint: Endpoint, say: Callable[[str], None], show: Callable[[Notice], None], *, pace: float = 1.0
) -> AsyncIterator[Endpoint]:
    """The endpoint; if it is the built-in server, that runs in a process of its own meanwhile.

    What it says goes to `say`, what becomes of it to `show`.
    """
    if not endpoint.local:
        yield endpoint
        return
    from rtcli.cli.server_process import SERVE, ServerProcess

    child = ServerProcess(say, show, command=(*SERVE, "--pace", str(pace)))
    try:
        yield endpoint.at(await child.start())
    finally:
        await child.close()
