"""A local server of the Realtime protocol: `async with RealtimeServer() as server: ... server.url`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtcli.server.net.app import RealtimeServer

__all__ = ["RealtimeServer"]


def __getattr__(name: str) -> Any:
    """The server is imported when it is asked for: `import rtcli.server.engines` costs nothing of it."""
    if name == "RealtimeServer":
        from rtcli.server.net.app import RealtimeServer

        return RealtimeServer
    raise AttributeError(name)
