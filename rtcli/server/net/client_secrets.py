"""Client secrets: short-lived keys (`ek_...`) that carry a session's configuration."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from rtcli.protocol.events import WireObject
from rtcli.protocol.models import DEFAULT_TRANSLATOR
from rtcli.server.ids import new_id, random_text
from rtcli.server.session.requested import requested_session
from rtcli.server.session.translation import TranslationCore, translation_session
from rtcli.server.session.weight import weight
from rtcli.server.validation.api_errors import ApiError
from rtcli.server.validation.bodies import json_of
from rtcli.server.validation.schema import check_translation
from rtcli.server.validation.validators import anything, fields, number, one_of

# OpenAI's, the same without /v1, and Azure's
ROOTS = ("/v1/realtime", "/realtime", "/openai/v1/realtime")
PATHS = tuple(f"{root}/client_secrets" for root in ROOTS)
TRANSLATION_PATHS = tuple(f"{root}/translations/client_secrets" for root in ROOTS)
_DEFAULT_SECONDS = 600  # as the API has it
_MAX_SECRETS = 10_000  # that one server keeps; the oldest go first
_MAX_BYTES = 64 * 2**20  # of their sessions
_BODY = fields(
    {
        "expires_after": fields({"anchor": one_of("created_at"), "seconds": number(10, 7_200)}),
        "session": anything,
    }
)


@dataclass(frozen=True, slots=True)
class _Secret:
    expires_at: float  # Unix seconds
    session: WireObject  # effective, but without the id and the end that each connection gives it
    weight: int  # bytes of the session


class ClientSecrets:
    """The secrets of one server. `now` gives the time in Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._secrets: dict[str, _Secret] = {}
        self._bytes = 0  # of all their sessions

    def create(self, body: bytes) -> tuple[int, WireObject]:
        """Answer a POST: HTTP status and body. A configuration is refused as a session.update would be."""
        return self._create(body, requested_session)

    def create_for_translation(self, body: bytes) -> tuple[int, WireObject]:
        """The same for a translation session."""
        return self._create(body, _translation_session)

    def _create(self, body: bytes, effective: Callable[[WireObject], WireObject]) -> tuple[int, WireObject]:
        try:
            requested = _parse(body)
            session = effective(requested.get("session", {"type": "realtime"}))
        except ApiError as problem:
            return 400, problem.http_body()
        seconds = (requested.get("expires_after") or {}).get("seconds", _DEFAULT_SECONDS)
        value, expires_at = f"ek_{random_text(32)}", self._now() + seconds
        secret = _Secret(expires_at, session, weight(session))
        self._forget_old(secret.weight)
        self._secrets[value] = secret
        self._bytes += secret.weight
        return 200, {"value": value, "expires_at": int(expires_at), "session": session}

    def session_of(self, key: str) -> WireObject | None:
        """The configuration that a secret carries; None for anything else, and for a secret that has expired."""
        secret = self._secrets.get(key)
        return copy.deepcopy(secret.session) if secret and secret.expires_at > self._now() else None

    def _forget_old(self, room: int) -> None:
        now = self._now()
        for key in [key for key, secret in self._secrets.items() if secret.expires_at <= now]:
            self._forget(key)
        while self._secrets and (len(self._secrets) >= _MAX_SECRETS or self._bytes + room > _MAX_BYTES):
            self._forget(next(iter(self._secrets)))

    def _forget(self, key: str) -> None:
        self._bytes -= self._secrets.pop(key).weight


def _parse(body: bytes) -> WireObject:
    requested: WireObject = json_of(body)
    _BODY(requested, "")
    return requested


def _translation_session(requested: WireObject) -> WireObject:
    """The effective session of a translation's configuration."""
    requested = {name: value for name, value in requested.items() if (name, value) != ("type", "realtime")}
    check_translation(requested, "session")
    core = TranslationCore(translation_session(new_id("sess"), requested.get("model") or DEFAULT_TRANSLATOR), _deaf)
    update = {"type": "session.update", "session": {name: requested[name] for name in requested if name == "audio"}}
    core.receive(update)
    return core.config


def _deaf() -> NoReturn:
    raise AssertionError("a session that nobody speaks to needs no voice detector")
