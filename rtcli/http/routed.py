"""The HTTP client's way to the network: each request, also a redirected one, goes through its own proxy."""

from __future__ import annotations

import ssl

import httpx2

from rtcli.http.proxies import Proxy, proxy_for, usable_proxy
from rtcli.http.reasons import reason_of
from rtcli.masking import masking_logger

# httpx2 logs URLs, httpcore2 logs headers
_LOGGERS = ("httpx2", *(f"httpcore2.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))


class RoutedTransport(httpx2.AsyncBaseTransport):
    """Holds a transport for each proxy that was needed, and one for none. Its libraries' log records are masked."""

    def __init__(self, tls: ssl.SSLContext, proxy: str | bool | None = True) -> None:
        """`proxy` is an address, None for none, or True: what the environment says. Raises ConnectError."""
        self._by_environment = proxy is True
        self._proxy = usable_proxy(proxy, "the argument proxy") if isinstance(proxy, str) else None
        self._tls = tls  # for the target, and for a proxy that is spoken to over TLS
        self._transports: dict[Proxy | None, httpx2.AsyncHTTPTransport] = {}  # each keeps its connections
        for name in _LOGGERS:
            masking_logger(name)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises ConnectError where it is the proxy that fails."""
        proxy = proxy_for(str(request.url)) if self._by_environment else self._proxy
        transport = self._transports.get(proxy)
        if transport is None:
            transport = self._transports[proxy] = self._transport(proxy)
        try:
            return await transport.handle_async_request(request)
        except httpx2.ProxyError as error:
            assert proxy is not None
            raise proxy.refused(str(request.url.copy_with(query=None)), str(error), _status(str(error))) from error
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            if proxy is None or _reached_target(error):
                raise
            raise proxy.not_reached(reason_of(error)) from error

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self._transports.values():
            await transport.aclose()

    def _transport(self, proxy: Proxy | None) -> httpx2.AsyncHTTPTransport:
        if proxy is None:
            return httpx2.AsyncHTTPTransport(verify=self._tls)
        own_tls = self._tls if proxy.secure else None
        return httpx2.AsyncHTTPTransport(verify=self._tls, proxy=httpx2.Proxy(proxy.url, ssl_context=own_tls))


def _status(text: str) -> int | None:
    """Of an answer like "407 Proxy Authentication Required"."""
    number = text.partition(" ")[0]
    return int(number) if number.isdigit() else None


def _reached_target(error: BaseException | None) -> bool:
    """TLS failed, which is spoken with the target: the proxy has done its work."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__  # httpx2 wraps what httpcore2 wrapped
    return False
