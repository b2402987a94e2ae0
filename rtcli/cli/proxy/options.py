"""What was asked of `rtcli proxy`, checked before anything is opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtcli.cli.options import bounds_of
from rtcli.config.settings import Settings
from rtcli.errors import UsageError
from rtcli.files import expanded
from rtcli.protocol.filters import parse_filter
from rtcli.proxy.proxy import check_faults
from rtcli.proxy.target import DEFAULT_TO, Target
from rtcli.views import DisplaySettings, Notice

if TYPE_CHECKING:
    from rtcli.commands import Context
    from rtcli.commands.proxied import Proxied
    from rtcli.recording.folder import RecordingFolder


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """`to` is None for the built-in server; `record` the folder that was named."""

    settings: Settings
    to: str | None
    host: str
    port: int
    allow_remote: bool
    allow_origin: tuple[str, ...]
    faults: tuple[str, ...]
    record: str | None
    no_record: bool
    display: DisplaySettings

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        to: str | None,
        local: bool,
        listen: str,
        allow_remote: bool,
        allow_origin: tuple[str, ...],
        faults: tuple[str, ...],
        record: str | None,
        no_record: bool,
        events: str | None,
    ) -> ProxyOptions:
        """Raises UsageError for what cannot be used."""
        host, port = host_and_port(listen)
        endpoint = None if local else to or DEFAULT_TO
        if endpoint is not None:
            Target.of(endpoint)  # raises now, and not when the first app connects
        check_faults(faults)
        # a proxy is there to be looked at: the setting for chats does not count
        display = DisplaySettings(events=events or "summary", filter=settings.get("filter") or "")
        parse_filter(display.filter)
        return cls(settings, endpoint, host, port, allow_remote, allow_origin, faults, record, no_record, display)

    def folder(self, *, prompt: bool) -> RecordingFolder | None:
        """Where connections are recorded, None: nowhere. A prompt records unless it was told not to.

        Raises InputError for a folder that was named and cannot be used.
        """
        from rtcli.cli.recording_options import folder_of
        from rtcli.recording.folder import RecordingFolder

        if self.record is not None:
            named = RecordingFolder(expanded(self.record))
            named.make()  # now, so that it shows before an app connects
            return named
        off = self.no_record or self.settings.get("record") is False
        return folder_of(self.settings.get("recordings")) if prompt and not off else None

    def context(self, proxied: Proxied) -> Context:
        """What its commands work with."""
        from rtcli.commands import Context, proxy_registry

        prices, bounds = self.settings.get("prices") or {}, bounds_of(self.settings)
        return Context(None, self.display, proxy_registry(), prices=prices, bounds=bounds, proxied=proxied)

    @asynccontextmanager
    async def endpoint(self, say: Callable[[str], None], show: Callable[[Notice], None]) -> AsyncIterator[str]:
        """The address of the endpoint; the built-in server runs in a process of its own meanwhile."""
        if self.to is not None:
            yield self.to
            return
        from rtcli.cli.server_process import SERVE, ServerProcess

        origins = [word for origin in self.allow_origin for word in ("--allow-origin", origin)]
        child = ServerProcess(say, show, command=(*SERVE, *origins))
        try:
            yield await child.start()
        finally:
            await child.close()


def host_and_port(listen: str) -> tuple[str, int]:
    """ "127.0.0.1:8089", "[::1]:0" or ":8089" (loopback). Raises UsageError."""
    host, colon, port = listen.rpartition(":")
    # An IPv6 address has to stand in brackets: "::1:8089" could be either.
    if not colon or not port.isdecimal() or int(port) > 65535 or (":" in host and not host.startswith("[")):
        raise UsageError(f"--listen {listen}", why="it is not HOST:PORT", hint="--listen 127.0.0.1:8089")
    return host.strip("[]") or "127.0.0.1", int(port)  # never all interfaces by default
