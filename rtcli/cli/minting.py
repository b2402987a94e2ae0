"""Ephemeral keys: what a browser would get from its server, minted with the real key before a chat connects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from rtcli.config.endpoints import Endpoint
from rtcli.errors import ConnectError, UsageError
from rtcli.masking import add_secret
from rtcli.protocol.session_kind import SessionKind

_SECONDS = 10.0
_HTTP = {"ws": "http", "wss": "https"}

_SESSIONS: Mapping[SessionKind, str] = {
    SessionKind.REALTIME: "realtime",
    SessionKind.TRANSCRIPTION: "transcription",
    SessionKind.TRANSLATION: "translation",
}
"""The kinds of session that a secret can be made for, by the `type` of their configuration."""


def secrets_url(endpoint: Endpoint) -> str:
    """Where secrets for this endpoint are minted. Raises UsageError where nobody does that."""
    if endpoint.call_id is not None or endpoint.kind not in _SESSIONS:
        what = "a call" if endpoint.call_id is not None else "GPT-Live"
        raise UsageError(f"--secret cannot be used for {what}", why="the API mints no ephemeral keys for it")
    parts = urlsplit(endpoint.url)
    return urlunsplit((_HTTP[parts.scheme], parts.netloc, f"{parts.path.rstrip('/')}/client_secrets", "", ""))


async def mint(endpoint: Endpoint) -> tuple[Endpoint, str]:
    """The same endpoint with an ephemeral key in the place of the real one, and the path that was asked for it.

    Raises ConnectError where the server refuses or gives none.
    """
    from rtcli.http.client import stream
    from rtcli.session.dialing import auth_header
    from rtcli.transports.connect import hint_for_status

    url = secrets_url(endpoint)
    headers = {**endpoint.headers, **auth_header(endpoint)}
    try:
        async with stream(
            "POST", url, headers=headers, json={"session": _session(endpoint)}, timeout=_SECONDS, total=_SECONDS
        ) as reply:
            await reply.aread()
            value = _value_of(reply.json())
    except ConnectError as error:
        error.hint = error.hint or hint_for_status(error.status, error.body)
        raise
    except ValueError as error:
        raise ConnectError("the answer holds no ephemeral key", why=str(error), url=url) from error
    add_secret(value)
    # An ephemeral key is always a bearer token, however the real one is sent.
    return replace(endpoint, api_key=value, auth="bearer"), urlsplit(url).path


def _session(endpoint: Endpoint) -> dict[str, Any]:
    # Sessions of a translation have no type: the address says what they are.
    kind = {} if endpoint.kind is SessionKind.TRANSLATION else {"type": _SESSIONS[endpoint.kind]}
    # The model of a transcription belongs to its audio input; the API refuses one at this place.
    named = endpoint.model if endpoint.kind is not SessionKind.TRANSCRIPTION else None
    return kind | ({"model": named} if named else {})


def _value_of(answer: object) -> str:
    """The key in the answer; older servers have it one level deeper. Raises ValueError."""
    if isinstance(answer, Mapping):
        answer = answer.get("client_secret", answer)
    value = answer.get("value") if isinstance(answer, Mapping) else None
    if not isinstance(value, str) or not value:
        raise ValueError("expected a string under `value`")
    return value
