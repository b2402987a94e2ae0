"""What the built-in server's voice detector made of the last seconds: the one server that says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from rtcli.config.endpoints import Endpoint
from rtcli.errors import ConnectError
from rtcli.session.dialing import auth_header

_SECONDS = 1.0  # it is this machine, or nobody
_HTTP = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Detection:
    """Probabilities of speech, the last one newest, `step_ms` each; `threshold` begins speech."""

    probabilities: tuple[float, ...]
    step_ms: int
    threshold: float


async def detection_of(endpoint: Endpoint, session_id: str) -> Detection | None:
    """Of a session of the built-in server; None where there is none, or it has a detector without probabilities."""
    if not endpoint.local or not session_id:
        return None
    from rtcli.http.client import stream

    parts = urlsplit(endpoint.url)
    path = f"/rtcli/sessions/{quote(session_id, safe='')}/detector"
    url = urlunsplit((_HTTP[parts.scheme], parts.netloc, path, "", ""))
    try:
        async with stream("POST", url, headers=auth_header(endpoint), timeout=_SECONDS, total=_SECONDS) as reply:
            await reply.aread()
            return _read(reply.json())
    except (ConnectError, ValueError):
        return None  # the chart does without


def _read(value: Any) -> Detection | None:
    """Raises ValueError for what is none."""
    if not isinstance(value, Mapping) or not value.get("probabilities"):
        return None
    try:
        probabilities = tuple(min(max(float(one), 0.0), 1.0) for one in value["probabilities"])
        return Detection(probabilities, max(int(value["step_ms"]), 1), float(value["threshold"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a detection: {error}") from error
