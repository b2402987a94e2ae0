"""What a user does with a running proxy: chooses a connection, holds, changes, injects, drops, closes."""

from __future__ import annotations

from rtcli.proxy.thread import RelayThread
from rtcli.proxy.watch import Watch
from rtcli.views import Notice


class ProxyControl:
    """Lives on the loop of the user; the relay has a thread of its own."""

    def __init__(self, relay: RelayThread, watch: Watch, *, local: bool = False) -> None:
        self._relay, self._watch = relay, watch
        self._local = local

    @property
    def greeting(self) -> Notice:
        """Where apps connect, where that leads, and whether it is recorded."""
        proxy = self._relay.proxy
        to = "the built-in server" if self._local else proxy.target.label
        folder = self._watch.folder
        recorded = f"recording to {folder.path}" if folder is not None else ""
        base = proxy.url.replace("ws", "http", 1)
        return Notice(f"proxy at {base} -> {to}", recorded, "give an app this address as its base URL")
