"""The webhook that announces a telephone call, signed as the API signs its own (standard-webhooks)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from rtcli.errors import UsageError
from rtcli.http.client import stream
from rtcli.http.proxies import is_loopback
from rtcli.masking import add_secret
from rtcli.protocol.events import WireObject
from rtcli.server.ids import random_text

_SECRET_PREFIX = "whsec_"  # behind it the secret is base64


@dataclass(frozen=True, slots=True)
class SipHeader:
    """One header of the INVITE."""

    name: str
    value: str


DEFAULT_HEADERS = (
    ("From", "sip:+15550100@sip.example.com"),
    ("To", "sip:proj_rtcli@sip.example.com"),
    ("Call-ID", "rtcli"),
)
"""Of a call whose caller does not matter."""

_SECONDS = 10.0  # for the application to take the webhook


def incoming_call(call_id: str, headers: Sequence[SipHeader], created_at: int) -> WireObject:
    """The event `realtime.call.incoming`."""
    return {
        "object": "event",
        "id": f"evt_{random_text(24)}",
        "type": "realtime.call.incoming",
        "created_at": created_at,
        "data": {
            "call_id": call_id,
            "sip_headers": [{"name": header.name, "value": header.value} for header in headers],
        },
    }


def signed(event: WireObject, secret: str | None, *, timestamp: int) -> tuple[bytes, dict[str, str]]:
    """The body of the request and its headers; without a secret it carries no signature.

    Raises UsageError for a secret that is neither plain text nor `whsec_` with base64 behind it.
    """
    body = json.dumps(event, separators=(",", ":")).encode()
    webhook_id = f"wh_{random_text(24)}"
    headers = {"Content-Type": "application/json", "webhook-id": webhook_id, "webhook-timestamp": str(timestamp)}
    if secret is not None:
        signature = hmac.digest(_key(secret), f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256)
        headers["webhook-signature"] = f"v1,{base64.b64encode(signature).decode()}"
    return body, headers


class Webhook:
    """Where calls by telephone are announced; without a URL nobody is told, and who knows the id may take the call."""

    def __init__(self, url: str | None, secret: str | None) -> None:
        """Raises UsageError for an address or a secret that cannot be used."""
        if secret is not None:
            add_secret(secret)
            _key(secret)
        if url is not None:
            _check(url)
        self._url, self._secret = url, secret

    async def announce(self, call_id: str, headers: Sequence[SipHeader]) -> None:
        """Tell of a call. Raises ConnectError where the other side does not take it."""
        if self._url is None:
            return
        now = int(time.time())
        body, head = signed(incoming_call(call_id, headers, now), self._secret, timestamp=now)
        async with stream("POST", self._url, headers=head, content=body, timeout=_SECONDS, total=_SECONDS):
            pass


def _check(url: str) -> None:
    """Another machine is told of a call over TLS alone: who reads its id can take it."""
    hint = "give one like http://127.0.0.1:8000/webhook"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"the webhook {url} is not a URL", why=str(error), hint=hint) from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"the webhook {url} is not an http or https URL", hint=hint)
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError(
            f"the webhook {url} leaves this machine unencrypted",
            why="who reads the id of a call can take it",
            hint="use https, or a loopback address",
        )


def _key(secret: str) -> bytes:
    if not secret.startswith(_SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise UsageError(
            "the webhook secret cannot be used", why=f"what follows {_SECRET_PREFIX} is not base64: {error}"
        ) from None
