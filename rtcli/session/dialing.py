"""From an Endpoint to the transport that dials it, with its key where that belongs."""

from __future__ import annotations

from typing import Any

from rtcli.config.endpoints import Endpoint
from rtcli.transports import OpenAIRealtimeWebRTC, OpenAIRealtimeWebSocket
from rtcli.transports.calling import calls_url


def transport_for(endpoint: Endpoint, **options: Any) -> OpenAIRealtimeWebSocket:
    """A transport that will dial this endpoint; tracing stays off unless the session's config asks for it."""
    headers = {**endpoint.headers, **auth_header(endpoint)}
    options = {"auto_tracing": False, "backend": endpoint.websocket, **options}
    return OpenAIRealtimeWebSocket(model=endpoint.model, url=endpoint.url, headers=headers, **options)


def call_transport_for(endpoint: Endpoint, **options: Any) -> OpenAIRealtimeWebRTC:
    """A transport that will call this endpoint by WebRTC; the same otherwise."""
    headers = {**endpoint.headers, **auth_header(endpoint)}
    return OpenAIRealtimeWebRTC(
        model=endpoint.model, base_url=calls_url(endpoint.url), headers=headers, auto_tracing=False, **options
    )


def auth_header(endpoint: Endpoint) -> dict[str, str]:
    """The header that carries the endpoint's key; none without a key: a local server wants none."""
    key = endpoint.api_key
    if key is None:
        return {}
    assert isinstance(key, str)  # what the command line resolves is text; functions are for programs
    return {"api-key": key} if endpoint.auth == "api-key" else {"Authorization": f"Bearer {key}"}
