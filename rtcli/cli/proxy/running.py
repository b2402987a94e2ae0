"""Builds a proxy that runs: the endpoint, the relay's thread, the watch's thread, and the control that a user has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rtcli.cli.proxy.inbox import Inbox
from rtcli.masking import masked
from rtcli.proxy.control import ProxyControl
from rtcli.proxy.link import ProxyLink
from rtcli.proxy.proxy import RealtimeProxy
from rtcli.proxy.tap import Tap
from rtcli.proxy.thread import RelayThread
from rtcli.proxy.watch import Seen, Watch
from rtcli.proxy.watched import WatchedLink
from rtcli.views import Level, Notice

if TYPE_CHECKING:
    from rtcli.cli.proxy.options import ProxyOptions

_STOP_SECONDS = 1.0  # for what has passed to be written at the end


@asynccontextmanager
async def running(
    options: ProxyOptions,
    *,
    prompt: bool,
    seen: Callable[[list[Seen]], None],
    active: Callable[[], bool],
    show: Callable[[Notice], None],
) -> AsyncIterator[ProxyControl]:
    """A proxy, meanwhile. `seen` gets what passes, on the watch's thread; `show` notices, on this loop.

    Raises UsageError and ConnectError where it cannot begin.
    """
    notices: Inbox[Notice] = Inbox(show)

    def tell(link: ProxyLink | None, what: str, hint: str) -> None:
        label = f"[{link.number}] " if link is not None else ""
        notices.put(Notice(f"{label}{masked(what)}", hint=hint), len(what))

    def lost(watched: WatchedLink, why: str) -> None:
        what = f"[{watched.link.number}] the recording ends here"
        notices.put(Notice(what, why, "the connection goes on", Level.WARNING), len(why))

    def say(line: str) -> None:
        # about clients of the built-in server, which here is the proxy itself
        if not line.startswith(("replies:", "any key", "clients must")):
            show(Notice(line))

    folder = options.folder(prompt=prompt)
    async with options.endpoint(say, show) as to:
        tap = Tap(tell)
        proxy = RealtimeProxy(
            to,
            options.host,
            options.port,
            log=tap,
            faults=options.faults,
            allow_origin=options.allow_origin,
            allow_remote=options.allow_remote,
        )
        watch = Watch(tap, folder=folder, active=lambda: folder is not None or active(), seen=seen, lost=lost)
        # A thread of its own: what a slow terminal or a chart takes must not add to an app's latencies.
        relay = RelayThread(proxy)
        await relay.start()
        watch.start()
        try:
            yield ProxyControl(relay, watch, local=options.to is None)
        finally:
            await relay.stop()
            # After the relay, which makes the last records; in a thread, because it joins the watch's own.
            await asyncio.to_thread(watch.stop, _STOP_SECONDS)
