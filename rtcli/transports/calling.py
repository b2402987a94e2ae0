"""How a call is asked for: its address, the request, and what the answer says. Nothing is sent from here."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from rtcli.errors import ConnectError, message_of
from rtcli.protocol.events import read_json
from rtcli.transports.connect import hint_for_status

CALLS_URL = "https://api.openai.com/v1/realtime/calls"
OFFER_TYPE = "application/sdp"

_HTTP = {"ws": "http", "wss": "https"}


def calls_url(url: str) -> str:
    """The address for calls that belongs to the one of a WebSocket; an http(s) address is taken as it is.

    The model goes: it is in the first session.update.
    """
    parts = urlsplit(url)
    if parts.scheme not in _HTTP:
        return url
    query = urlencode([(key, value) for key, value in parse_qsl(parts.query) if key != "model"])
    return urlunsplit((_HTTP[parts.scheme], parts.netloc, f"{parts.path.rstrip('/')}/calls", query, ""))


def call_id_in(location: str | None) -> str | None:
    """The id at the end of a Location header; None without one."""
    path = urlsplit(location or "").path.rstrip("/")
    return path.rpartition("/")[2] or None


def refused(error: ConnectError) -> ConnectError:
    """The same in the reference's words, for an error with the status of the server's answer."""
    return ConnectError(
        f"Realtime call request failed with status {error.status}",
        why=message_in(error.body) or error.why,
        hint=hint_for_status(error.status, error.body),
        url=error.url,
        status=error.status,
        body=error.body,
    )


def message_in(body: str) -> str:
    """What a body says: the message of its `error`, or all of it on one line."""
    try:
        answer = read_json(body)
    except ValueError:
        answer = None
    message = message_of(answer) if isinstance(answer, Mapping) else ""
    return " ".join((message or body).split())[:300]
