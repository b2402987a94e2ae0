"""What the server answers beside WebSockets: client secrets by POST, and a browser's question whether it may post."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from rtcli.http.front import HttpRequest, HttpResponse
from rtcli.server.net.client_secrets import PATHS as CLIENT_SECRET_PATHS
from rtcli.server.net.client_secrets import TRANSLATION_PATHS, ClientSecrets
from rtcli.server.net.handshake import AccessPolicy, UpgradeRequest, holds_key

_Post: TypeAlias = Callable[[bytes], tuple[int, dict[str, Any]]]

_PREFLIGHT_SECONDS = "600"  # how long a browser may remember the answer


class HttpEndpoints:
    """The endpoints of one server."""

    def __init__(self, policy: AccessPolicy, secrets: ClientSecrets) -> None:
        self._policy = policy
        self._posts: Mapping[str, _Post] = {
            **dict.fromkeys(CLIENT_SECRET_PATHS, secrets.create),
            **dict.fromkeys(TRANSLATION_PATHS, secrets.create_for_translation),
        }

    def handle(self, request: HttpRequest) -> HttpResponse:
        """The answer to one request. A page's request is answered so that the page may read it, or refused."""
        origin = request.headers.get("origin")
        if origin is not None and not self._policy.allows_origin(origin):
            return HttpResponse.error(403, "This origin is not allowed.")
        page = {} if origin is None else {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        post = self._posts.get(urlsplit(request.target).path)
        if post is None:
            return HttpResponse.error(404, "Not found.", page)
        if request.method == "OPTIONS":
            return HttpResponse(204, {**page, **_preflight(request.headers)})
        if request.method != "POST":
            return HttpResponse.error(
                405, f"{request.method} is not supported here.", {**page, "Allow": "POST, OPTIONS"}
            )
        if not holds_key(UpgradeRequest(request.target, request.headers), self._policy):
            return HttpResponse.error(401, "Incorrect API key provided.", page)
        status, content = post(request.body)
        return HttpResponse.of_json(status, content, page)


def _preflight(headers: Mapping[str, str]) -> dict[str, str]:
    """What a page may send. Chrome asks besides whether a page of the internet may reach this machine."""
    allowed = {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": headers.get("access-control-request-headers", "*"),
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
        "Allow": "POST, OPTIONS",
    }
    if headers.get("access-control-request-private-network") == "true":
        allowed["Access-Control-Allow-Private-Network"] = "true"
    return allowed
