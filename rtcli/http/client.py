"""HTTP requests: what fails becomes a ConnectError that says why."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rtcli import __version__
from rtcli.errors import ConnectError
from rtcli.http.tls import CERTIFICATE_HINT, is_untrusted_certificate, ssl_context

if TYPE_CHECKING:
    import httpx2

_BODY_SHOWN = 300  # characters of what a server says about a failure
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@asynccontextmanager
async def stream(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    timeout: float,  # noqa: ASYNC109  (of each step: connect, write, read; not of the whole)
    follow_redirects: bool = False,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[httpx2.Response]:
    """A response of status 2xx, its body not read yet.

    Redirects are off: they would carry a key in `headers` to wherever they point. Proxy variables count, but never
    for loopback. Raises ConnectError: with status and text for another status, else with the network's reason.
    """
    import httpx2

    client = httpx2.AsyncClient(
        verify=tls or ssl_context(),
        headers={"User-Agent": f"rtcli/{__version__}", **(headers or {})},
        timeout=timeout,
        follow_redirects=follow_redirects,
        mounts=dict.fromkeys(f"all://{host}" for host in _LOOPBACK),  # None: without a proxy
    )
    try:
        async with client, client.stream(method, url, json=json) as response:
            if not response.is_success:
                raise await _refused(method, url, response)
            yield response
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        hint = CERTIFICATE_HINT if is_untrusted_certificate(error) else ""
        why = str(error) or type(error).__name__
        raise ConnectError(f"{method} {shown(url)} failed", why=why, hint=hint, url=url) from error


def is_loopback(host: str) -> bool:
    """Whether a host, as a URL names it, is this machine: a proxy knows nothing of it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


def shown(url: str) -> str:
    """A URL without its query, which may hold a key, and without credentials."""
    try:
        parts = urlsplit(url)
    except ValueError:  # it is about to be refused as no URL
        return url.partition("?")[0]
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


async def _refused(method: str, url: str, response: httpx2.Response) -> ConnectError:
    status = response.status_code
    try:
        body = (await response.aread()).decode().strip()
    except UnicodeDecodeError:  # an image, say
        body = ""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    said = f": {' '.join(body.split())[:_BODY_SHOWN]}" if body else ""
    why = f"HTTP {status} {phrase}".rstrip() + said
    return ConnectError(f"{method} {shown(url)} failed", why=why, url=url, status=status, body=body)
