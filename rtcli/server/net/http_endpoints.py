"""What the server answers beside WebSockets: client secrets and calls, and a browser's question whether it may post."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from rtcli.http.cross_origin import preflight, readable_by
from rtcli.http.front import HttpRequest, HttpResponse
from rtcli.server.calls.endpoints import VERBS, CallEndpoints
from rtcli.server.net.client_secrets import PATHS as CLIENT_SECRET_PATHS
from rtcli.server.net.client_secrets import ROOTS, TRANSLATION_PATHS, ClientSecrets
from rtcli.server.net.handshake import (
    AccessPolicy,
    UpgradeRequest,
    holds_key,
    key_session,
    query_of,
    supported_model,
    unsupported_model,
)
from rtcli.server.session.turn_detection import TurnDetection
from rtcli.server.validation.api_errors import ApiError
from rtcli.server.voice.detector import STEP_MS

_Answer: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponse]]

_DETECTOR = re.compile(r"/rtcli/sessions/([^/]+)/detector")
_CALL_PATHS = tuple(f"{root}/calls" for root in ROOTS)


class HttpEndpoints:
    """The endpoints of one server. Without `calls` it takes none: a recording is served."""

    def __init__(
        self,
        policy: AccessPolicy,
        secrets: ClientSecrets,
        calls: CallEndpoints | None,
        detection: Callable[[str], TurnDetection | None],
    ) -> None:
        """`detection` gives what follows the audio of a session that runs, by its id."""
        self._policy = policy
        self._detection = detection
        self._calls = calls
        self._answers: Mapping[str, _Answer] = {
            **dict.fromkeys(CLIENT_SECRET_PATHS, self._secret(secrets.create)),
            **dict.fromkeys(TRANSLATION_PATHS, self._secret(secrets.create_for_translation)),
            **dict.fromkeys(_CALL_PATHS, self._create_call),
        }

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """The answer to one request. A page's request is answered so that the page may read it, or refused."""
        origin = request.headers.get("origin")
        if origin is not None and not self._policy.allows_origin(origin):
            return HttpResponse.error(403, "This origin is not allowed.")
        page = {} if origin is None else readable_by(origin)
        response = await self._respond(request)
        return HttpResponse(response.status, {**response.headers, **page}, response.body)

    async def _respond(self, request: HttpRequest) -> HttpResponse:
        path = urlsplit(request.target).path
        answer = self._answers.get(path) or self._control_of(path) or self._detector_of(path)
        if answer is None:
            return HttpResponse.error(404, "Not found.")
        if request.method == "OPTIONS":
            return HttpResponse(204, preflight(request.headers, "POST"))
        if request.method != "POST":
            return HttpResponse.error(405, f"{request.method} is not supported here.", {"Allow": "POST, OPTIONS"})
        try:
            return await answer(request)
        except ApiError as problem:
            status = 429 if problem.code == "rate_limit_exceeded" else 400
            return HttpResponse.of_json(status, problem.http_body())

    def _secret(self, create: Callable[[bytes], tuple[int, dict[str, Any]]]) -> _Answer:
        async def answer(request: HttpRequest) -> HttpResponse:
            if not holds_key(UpgradeRequest(request.target, request.headers), self._policy):
                return _wrong_key()
            return HttpResponse.of_json(*create(request.body))

        return answer

    async def _create_call(self, request: HttpRequest) -> HttpResponse:
        upgrade = UpgradeRequest(request.target, request.headers)
        fits, secret = key_session(upgrade, self._policy)
        if not fits:
            return _wrong_key()
        model = query_of(upgrade).get("model")
        if model is not None:
            self._check_model(upgrade, model)
        if self._calls is None:
            return _no_calls()
        check = partial(self._check_model, upgrade)
        return await self._calls.create(request, model=model, secret=secret, check_model=check)

    def _check_model(self, upgrade: UpgradeRequest, model: str) -> None:
        if not supported_model(upgrade, self._policy, model):
            raise unsupported_model(model)

    def _control_of(self, path: str) -> _Answer | None:
        """What answers `.../calls/{call_id}/VERB`."""
        base, _, verb = path.rpartition("/")
        base, _, call_id = base.rpartition("/")
        if base not in _CALL_PATHS or verb not in VERBS:
            return None

        async def answer(request: HttpRequest) -> HttpResponse:
            upgrade = UpgradeRequest(request.target, request.headers)
            if not holds_key(upgrade, self._policy):
                return _wrong_key()
            if self._calls is None:
                return _no_calls()
            check = partial(self._check_model, upgrade)
            return await self._calls.control(unquote(call_id), verb, request.body, check_model=check)

        return answer

    def _detector_of(self, path: str) -> _Answer | None:
        """What tells the newest probabilities of a session's voice detector: ours alone, the API has no such thing."""
        found = _DETECTOR.fullmatch(path)
        if found is None:
            return None

        async def answer(request: HttpRequest) -> HttpResponse:
            if not holds_key(UpgradeRequest(request.target, request.headers), self._policy):
                return _wrong_key()
            detection = self._detection(unquote(found[1]))
            if detection is None:
                return HttpResponse.error(404, "No such session, or nothing follows its audio.")
            probabilities = [round(one, 3) for one in detection.probabilities]
            about = {"step_ms": STEP_MS, "threshold": detection.threshold, "probabilities": probabilities}
            return HttpResponse.of_json(200, about)

        return answer


def _wrong_key() -> HttpResponse:
    return HttpResponse.error(401, "Incorrect API key provided.")


def _no_calls() -> HttpResponse:
    return HttpResponse.error(501, "A recording is served over WebSockets alone.")
