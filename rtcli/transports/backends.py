"""Which package reads and writes the frames of a WebSocket: `websockets`, or `picows` where it is installed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import ModuleType
from typing import Any

from rtcli.errors import UsageError
from rtcli.transports.connect import WatchedClient, dial
from rtcli.transports.sockets import OpenSocket


class FrameBackend(StrEnum):
    """AUTO is picows where it is installed."""

    AUTO = "auto"
    PICOWS = "picows"
    WEBSOCKETS = "websockets"


def faster(backend: FrameBackend | str) -> ModuleType | None:
    """The module that lets picows take a connection over, or None: `websockets` keeps it.

    Raises UsageError when picows is asked for by name and cannot be imported, and for an unknown name.
    """
    if FrameBackend(backend) is FrameBackend.WEBSOCKETS:
        return None
    try:
        from rtcli.transports import picows_socket
    except ImportError as error:
        if FrameBackend(backend) is FrameBackend.AUTO:
            return None
        raise UsageError("picows is not installed", why=str(error), hint="pip install 'rtcli[fast]'") from error
    return picows_socket


async def dial_with(
    url: str, headers: Mapping[str, str], *, backend: FrameBackend | str, max_message_bytes: int | None, **options: Any
) -> OpenSocket:
    """An open connection, whose frames the backend reads and writes. Raises what `dial` and `faster` raise."""
    options["max_message_bytes"] = max_message_bytes
    if (picows := faster(backend)) is None:
        connection = await dial(url, headers, connection=WatchedClient, **options)
        if isinstance(connection, WatchedClient) and max_message_bytes is not None:
            connection.largest_text = min(connection.largest_text, max_message_bytes)
        return connection
    opened = await dial(url, headers, connection=picows.Opened, **options)
    taken: OpenSocket = picows.PicowsSocket(opened, max_message_bytes)
    return taken
