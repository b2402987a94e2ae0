"""Sends a request of somebody else's as it stands, and gives the answer as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rtcli.errors import ConnectError, RtcliError
from rtcli.http.client import failed_request
from rtcli.http.tls import ssl_context
from rtcli.masking import mask_exception

if TYPE_CHECKING:
    from rtcli.http.routed import RoutedTransport

_TIMEOUT = {"connect": 10.0, "read": 600.0, "write": 60.0, "pool": 10.0}  # seconds; a model may think for long


class Forwarded:
    """An answer whose body has not been read yet."""

    def __init__(self, status: int, headers: tuple[tuple[str, str], ...], body: AsyncIterator[bytes]) -> None:
        self.status = status
        self.headers = headers
        self.body = body  # not decoded: with its Content-Encoding


class Forwarder:
    """Keeps the connections to where it forwards. It follows no redirect, decodes nothing and adds no header."""

    def __init__(self) -> None:
        self._transport: RoutedTransport | None = None  # httpx2 is loaded with the first request

    @asynccontextmanager
    async def send(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> AsyncIterator[Forwarded]:
        """Raises ConnectError where nobody answers, or stops in the middle."""
        import httpx2

        from rtcli.http.routed import RoutedTransport

        try:
            if self._transport is None:
                self._transport = RoutedTransport(ssl_context())
            request = httpx2.Request(
                method, url, headers=list(headers), content=body or None, extensions={"timeout": _TIMEOUT}
            )
            response = await self._transport.handle_async_request(request)
        except RtcliError:
            raise
        except Exception as error:
            raise _failed(method, url, error) from error
        pairs = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
        try:
            yield Forwarded(response.status_code, pairs, _pieces(response, method, url))
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            await self._transport.aclose()


async def _pieces(response: object, method: str, url: str) -> AsyncIterator[bytes]:
    import httpx2

    assert isinstance(response, httpx2.Response)
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    try:
        async for piece in response.stream:  # of the stream itself: the response would decode it
            yield piece
    except httpx2.HTTPError as error:
        raise _failed(method, url, error) from error


def _failed(method: str, url: str, error: Exception) -> ConnectError:
    mask_exception(error)
    return failed_request(method, url, error)
