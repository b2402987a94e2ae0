"""A connection of `websockets` that sends the Host which its caller gives, and no other."""

from __future__ import annotations

from websockets.asyncio.client import ClientConnection as LibraryClient
from websockets.datastructures import HeadersLike
from websockets.http11 import Request


class OneHost(LibraryClient):
    """Sends one Host: the caller's, where the headers have one (a tunnel, a virtual host)."""

    async def handshake(
        self, additional_headers: HeadersLike | None = None, user_agent_header: str | None = None
    ) -> None:
        """The library adds headers to its own, and a request with two Hosts is refused everywhere."""
        own_connect = self.protocol.connect

        def connect_with_host() -> Request:
            request: Request = own_connect()
            if any(name.lower() == "host" for name in dict(additional_headers or {})):
                del request.headers["Host"]
            return request

        setattr(self.protocol, "connect", connect_with_host)  # noqa: B010  (a method, replaced for this one object)
        await super().handshake(additional_headers, user_agent_header)
