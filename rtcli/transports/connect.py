"""Open a WebSocket to a Realtime endpoint; every way to fail becomes a ConnectError that says what to do."""

from __future__ import annotations

import os
import socket as sockets
import ssl
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import ClientConnection as LibraryClient
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, ProxyError
from websockets.typing import Subprotocol

from rtcli import __version__
from rtcli.errors import ConnectError
from rtcli.http.client import shown
from rtcli.http.liveness import Keepalive
from rtcli.http.proxies import Proxy, proxy_for, usable_proxy
from rtcli.http.reasons import tls_reason
from rtcli.http.tls import CERTIFICATE_HINT, is_untrusted_certificate
from rtcli.http.tls import ssl_context as default_ssl_context
from rtcli.http.unread import MAX_QUEUE
from rtcli.masking import mask_exception, masked_start, masking_logger
from rtcli.transports.one_host import OneHost
from rtcli.transports.whole_texts import WholeTexts

Explainer: TypeAlias = Callable[[str, Any], ConnectError]

OPENAI_URL = "wss://api.openai.com/v1/realtime"
_CLOSE_TIMEOUT = 1.0  # seconds a peer has to answer our close frame; a dead one is noticed that much later
_BODY_SHOWN = 300

_STATUS_HINTS = {
    HTTPStatus.UNAUTHORIZED: "check the API key, and how this endpoint wants it (Authorization: Bearer, or api-key)",
    HTTPStatus.FORBIDDEN: "the key is known but may not use this: check the project, the model and the region",
    HTTPStatus.NOT_FOUND: "check the path and the model or deployment; a call_id that is over gives 404 too",
    HTTPStatus.TOO_MANY_REQUESTS: "the endpoint asks to slow down: wait, or check the quota",
}
_NO_CREDIT = ("insufficient_quota", "credit_balance_exhausted")  # in the body of a 429 that no waiting ends
_SERVER_TROUBLE_HINT = "the server, or a proxy before it, is in trouble: try again in a moment"
_NO_REALTIME_HINT = "is there a Realtime endpoint at this address? The path usually ends in /v1/realtime"


def default_url(model: str) -> str:
    """OpenAI's endpoint for a model."""
    return f"{OPENAI_URL}?model={quote(model, safe='')}"


def call_url(call_id: str) -> str:
    """OpenAI's endpoint to join a running call."""
    return f"{OPENAI_URL}?call_id={quote(call_id, safe='')}"


class WatchedClient(Keepalive, WholeTexts, OneHost):
    """Watched for life, and read past the library where that is the same."""


class _Connect(connect):
    """Dials one address and no other: a redirect would carry the key to wherever it points."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def dial(
    url: str,
    headers: Mapping[str, str] | Sequence[tuple[str, str]],
    *,
    ping_interval: float | None,
    ping_timeout: float | None,
    open_timeout: float | None,
    max_message_bytes: int | None,
    ssl_context: ssl.SSLContext | None,
    proxy: str | bool | None,
    subprotocols: Sequence[str] = (),
    user_agent: str | None = f"rtcli/{__version__}",
    connection: type[LibraryClient] = WatchedClient,
) -> LibraryClient:
    """An open connection of `websockets`, without compression: it costs more than all the rest.

    `proxy` is an address, None, or True: what the environment says, see `proxy_for`. Without `ssl_context` a wss
    address gets the program's own. A Host among `headers` takes the place of the URL's. `connection` is the class of
    what is returned. Raises what `websockets` raises, and ConnectError for a proxy or a CA file of no use.
    """
    if ssl_context is None and urlsplit(url).scheme == "wss":
        ssl_context = default_ssl_context()
    way = proxy_for(url) if proxy is True else usable_proxy(proxy, "the argument proxy") if proxy else None
    options: dict[str, Any] = {} if ssl_context is None else {"ssl": ssl_context}
    if way is not None and way.secure:
        options["proxy_ssl"] = default_ssl_context()
    try:
        return await _Connect(
            url,
            additional_headers=list(headers.items()) if isinstance(headers, Mapping) else headers,
            user_agent_header=user_agent,
            subprotocols=[Subprotocol(one) for one in subprotocols] or None,
            compression=None,
            max_size=max_message_bytes,
            max_queue=MAX_QUEUE,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            open_timeout=open_timeout,
            close_timeout=_CLOSE_TIMEOUT,
            logger=masking_logger("rtcli.transports.websockets"),
            create_connection=connection,
            proxy=None if way is None else way.url,
            **options,
        )
    except (OSError, ProxyError) as error:
        if way is not None and (problem := _problem_of(way, url, error)):
            mask_exception(error)
            raise problem from error
        raise


def _problem_of(proxy: Proxy, url: str, error: OSError | ProxyError) -> ConnectError | None:
    """The error as one of the proxy, if it is: nothing else is dialed, so what does not listen is the proxy."""
    if isinstance(error, ProxyError):
        response = getattr(error, "response", None)
        why = _text(error) if response is None else f"HTTP {response.status_code} {response.reason_phrase}"
        if isinstance(error.__cause__, OSError):
            return proxy.not_reached(_text(error.__cause__))
        return proxy.refused(shown(url), why, response and response.status_code)
    if isinstance(error, TimeoutError | ssl.SSLError | ConnectionResetError | BrokenPipeError):
        return None  # or the target's, through the proxy
    return proxy.not_reached(_text(error))


def to_connect_error(url: str, error: BaseException) -> ConnectError:
    """What went wrong on the way to an open connection."""
    for kinds, explainer in _EXPLAINERS:
        if isinstance(error, kinds):
            return explainer(url, error)
    return ConnectError(f"cannot connect to {shown(url)}", why=_text(error), url=url)


def _text(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno and not isinstance(error, (sockets.gaierror, ssl.SSLError)):
        return os.strerror(error.errno)  # asyncio's own text repeats the address
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _status(url: str, error: Any) -> ConnectError:
    status, raw = error.response.status_code, error.response.body or b""
    body = bytes(raw).decode("utf-8", "replace").strip()
    said = f": {masked_start(' '.join(body.split()), _BODY_SHOWN)}" if body else ""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    hint = hint_for_status(status, body)
    why = f"HTTP {status} {phrase}".rstrip() + said
    return ConnectError(f"{shown(url)} refused the connection", why=why, hint=hint, url=url, status=status, body=body)


def hint_for_status(status: int | None, body: str) -> str:
    """What to do about an HTTP status other than 2xx; None: there was no answer."""
    if status is None:
        return ""
    if status == HTTPStatus.TOO_MANY_REQUESTS and any(code in body for code in _NO_CREDIT):
        return "the account has no credit left: see its billing page"
    known = _STATUS_HINTS.get(HTTPStatus(status)) if status in set(HTTPStatus) else _NO_REALTIME_HINT
    in_trouble = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return known or (_SERVER_TROUBLE_HINT if in_trouble else _NO_REALTIME_HINT)


def _dns(url: str, error: Any) -> ConnectError:
    host = urlsplit(url).hostname or "?"
    hint = "check the spelling of the host name, and the network"
    return ConnectError(f"cannot resolve host {host}", why=_text(error), hint=hint, url=url)


def _tls(url: str, error: Any) -> ConnectError:
    reason = tls_reason(error) if isinstance(error, ssl.SSLError) else _text(error)
    hint = "is this the right host, and does it speak TLS (wss) on this port?"
    if is_untrusted_certificate(error):
        hint = f"is this the right host? {CERTIFICATE_HINT}"
    return ConnectError(f"TLS handshake failed with {shown(url)}", why=reason, hint=hint, url=url)


def _refused(url: str, error: Any) -> ConnectError:
    hint = "is the server running, and is this its port?"
    return ConnectError(
        f"nothing is listening at {urlsplit(url).netloc.rpartition('@')[2]}", why=_text(error), hint=hint, url=url
    )


def _reset(url: str, error: Any) -> ConnectError:
    hint = "is this the right port, and the right scheme (ws:// or wss://)?"
    return ConnectError(f"{shown(url)} closed the connection", why=_text(error), hint=hint, url=url)


def _timeout(url: str, error: Any) -> ConnectError:
    hint = "check the address, the network and the proxy"
    return ConnectError(f"no answer from {shown(url)}", why=_text(error), hint=hint, url=url)


def _uri(url: str, error: Any) -> ConnectError:
    return ConnectError(
        f"{shown(url)!r} is not a WebSocket URL", why=_text(error), hint="it starts with ws:// or wss://", url=url
    )


def _handshake(url: str, error: Any) -> ConnectError:
    cause = f"{_text(error)} ({_text(error.__cause__)})" if error.__cause__ else _text(error)
    return ConnectError(f"{shown(url)} did not accept a WebSocket", why=cause, hint=_NO_REALTIME_HINT, url=url)


# The first row that fits: more particular kinds stand before the kinds that contain them.
_EXPLAINERS: tuple[tuple[tuple[type[BaseException], ...], Explainer], ...] = (
    ((InvalidStatus,), _status),
    ((InvalidURI,), _uri),
    ((InvalidHandshake, EOFError), _handshake),
    ((TimeoutError,), _timeout),
    ((sockets.gaierror,), _dns),
    ((ssl.SSLError, ssl.CertificateError), _tls),
    ((ConnectionRefusedError,), _refused),
    ((ConnectionResetError, BrokenPipeError), _reset),
)
