"""HTTP requests: what fails becomes a ConnectError that says why."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from socket import gaierror
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rtcli import __version__
from rtcli.errors import ConnectError, RtcliError
from rtcli.http.reasons import causes_of, reason_of
from rtcli.http.tls import CERTIFICATE_HINT, ssl_context
from rtcli.masking import add_header, add_url, mask_exception, masked_start

if TYPE_CHECKING:
    import httpx2

_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLCertVerificationError, CERTIFICATE_HINT),
    (ssl.SSLError, "is this the right host, and does it speak TLS (https) on this port?"),
    (gaierror, "check the spelling of the host name, and the network"),
    (ConnectionRefusedError, "is the server running, and is this its port?"),
)
"""What to do about a failure; the first row that fits."""

_BODY_SHOWN = 300  # characters of what a server says about a failure


@asynccontextmanager
async def stream(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    content: str | bytes | None = None,
    timeout: float,  # noqa: ASYNC109  (of each step: connect, write, read; not of the whole)
    total: float | None = None,
    follow_redirects: bool = False,
    tls: ssl.SSLContext | None = None,
    proxy: str | bool | None = True,
) -> AsyncIterator[httpx2.Response]:
    """A response of status 2xx, its body not read yet; `total` seconds for all of it, whatever comes in between.

    Redirects are off: they would carry a key in `headers` to wherever they point. `proxy` is an address, None, or True:
    what the environment's variables say, but never for loopback. Raises ConnectError: with status and text for another
    status, else with the network's reason.
    """
    import httpx2

    from rtcli.http.routed import RoutedTransport

    add_url(url)  # a key in it is masked from here on, in errors and log records too
    for name, value in (headers or {}).items():
        add_header(name, value)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_within(total, method, url))
        try:
            client = httpx2.AsyncClient(
                # trust_env would have httpx2 read the proxy variables itself, without our rule for loopback.
                transport=RoutedTransport(tls or ssl_context(), proxy),
                trust_env=False,
                headers={"User-Agent": f"rtcli/{__version__}", **(headers or {})},
                timeout=timeout,
                follow_redirects=follow_redirects,
            )
            await stack.enter_async_context(client)
            response = await stack.enter_async_context(client.stream(method, url, json=json, content=content))
            if not response.is_success:
                raise await _refused(method, url, response)
        except RtcliError:
            raise
        except Exception as error:  # below httpx2, ports and sockets raise kinds of their own, and groups of them
            mask_exception(error)
            raise failed_request(method, url, error) from error
        try:
            yield response
        except httpx2.HTTPError as error:
            mask_exception(error)
            raise failed_request(method, url, error) from error


@asynccontextmanager
async def _within(total: float | None, method: str, url: str) -> AsyncIterator[None]:
    limit = asyncio.timeout(total)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise ConnectError(f"{method} {shown(url)} failed", why=f"not complete after {total:g} s", url=url) from error


def failed_request(method: str, url: str, error: Exception) -> ConnectError:
    """What went wrong with a request that got no answer."""
    causes = list(causes_of(error))
    hint = next((hint for kind, hint in _HINTS for cause in causes if isinstance(cause, kind)), "")
    return ConnectError(f"{method} {shown(url)} failed", why=reason_of(error), hint=hint, url=url)


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
    said = f": {masked_start(' '.join(body.split()), _BODY_SHOWN)}" if body else ""
    why = f"HTTP {status} {phrase}".rstrip() + said
    return ConnectError(f"{method} {shown(url)} failed", why=why, url=url, status=status, body=body)
