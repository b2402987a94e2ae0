"""Who may connect, and to what: the outcomes of a handshake, OpenAI's and Azure's."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rtcli.http.cross_origin import allows
from rtcli.protocol.models import DEFAULT_MODEL
from rtcli.server.validation.api_errors import INVALID_REQUEST, ApiError

PATHS = ("/v1/realtime", "/realtime")  # without /v1: a client whose base address lacks it
AZURE_PATHS = ("/openai/v1/realtime", "/openai/realtime")
TRANSLATIONS = "/translations"  # behind any of these
_KEY_PROTOCOL = "openai-insecure-api-key."  # a browser cannot set headers, so its key comes as a subprotocol
# the beginnings of the names of models that make realtime sessions; "rtcli" is this server's own
_FAMILIES = ("gpt-realtime", "gpt-audio", "gpt-4o-realtime", "gpt-4o-mini-realtime", "rtcli")
_OTHER_KINDS = ("gpt-realtime-whisper", "gpt-realtime-translate")  # transcribe and translate, in spite of their names

_TRANSLATORS = ("gpt-realtime-translate", "rtcli")


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """What a client asked for with its upgrade: header names are lower-case, `protocols` what it offered."""

    target: str
    headers: Mapping[str, str]
    protocols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """What the server demands of clients. Without a key any key, or none, is accepted.

    `secret_session` gives the configuration that a client secret carries, None for any other key. With `any_model` no
    model is refused, nor the lack of one.
    """

    key: str | None = None
    origins: frozenset[str] = frozenset()  # of web pages; "*" is any
    secret_session: Callable[[str], dict[str, Any] | None] = lambda key: None
    any_model: bool = False

    def allows_origin(self, origin: str) -> bool:
        """Whether a web page from there may connect."""
        return allows(self.origins, origin)


@dataclass(frozen=True, slots=True)
class RejectUpgrade:
    """The upgrade is refused with an HTTP status."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class RejectAfterUpgrade:
    """The upgrade is made, and then an error and a close frame follow: as OpenAI does it."""

    error: ApiError
    code: int  # of the close frame

    @property
    def reason(self) -> str:
        """The reason of the close frame."""
        return f"{self.error.type}.{self.error.code}" if self.error.code else self.error.type


@dataclass(frozen=True, slots=True)
class Accept:
    """`kind` is "realtime", "transcription" or "translation"; with a `call_id` the client joins a running session.

    `session` is what a client secret configured.
    """

    kind: str
    model: str = ""
    call_id: str | None = None
    session: dict[str, Any] | None = None


def before_upgrade(request: UpgradeRequest, policy: AccessPolicy, calls: Iterable[str]) -> RejectUpgrade | None:
    """What is refused with an HTTP status: a page's Origin, a path, an unknown call, and Azure's missing key."""
    url = urlsplit(request.target)
    origin = request.headers.get("origin")
    # a page of any site could talk to loopback otherwise: a browser sends its Origin, and nobody else does
    if origin is not None and not policy.allows_origin(origin):
        return RejectUpgrade(403, f"Origin {origin} is not allowed.\n")
    if url.path.removesuffix(TRANSLATIONS) not in PATHS + AZURE_PATHS:
        return RejectUpgrade(404, "Not found.\n")
    if _is_azure(request) and not _key_fits(_presented_key(request), policy):
        text = "Access denied due to invalid subscription key or wrong API endpoint."
        return RejectUpgrade(401, f'{{"error":{{"code":"401","message":"{text}"}}}}\n')
    call_id = query_of(request).get("call_id")
    if call_id is not None and call_id not in calls:
        return RejectUpgrade(404, '{"error":{"code":"call_id_not_found","message":"No such call."}}\n')
    return None


def after_upgrade(request: UpgradeRequest, policy: AccessPolicy) -> RejectAfterUpgrade | Accept:
    """What OpenAI decides once the connection is open: beta shape, key, model."""
    if "realtime=v1" in request.headers.get("openai-beta", "") or "openai-beta.realtime-v1" in request.protocols:
        return RejectAfterUpgrade(_BETA, 4000)
    key = _presented_key(request)
    if not _key_fits(key, policy):
        if key is None:
            return RejectAfterUpgrade(ApiError("Missing bearer or basic authentication in header"), 3000)
        return RejectAfterUpgrade(_wrong_key(key), 3000)
    query = query_of(request)
    if urlsplit(request.target).path.endswith(TRANSLATIONS):
        return _translation(request, policy.secret_session(key or ""), query.get("model") or query.get("deployment"))
    if "call_id" in query:
        return Accept("realtime", call_id=query["call_id"])
    if session := policy.secret_session(key or ""):
        return Accept(session["type"], session.get("model", ""), session=session)
    if query.get("intent") == "transcription":
        return Accept("transcription")
    model = query.get("model") or query.get("deployment") or ""
    if policy.any_model:
        return Accept("realtime", model)
    if not model:
        return RejectAfterUpgrade(_NO_MODEL, 4000)
    if not supported_model(request, policy, model):
        return RejectAfterUpgrade(unsupported_model(model), 4000)
    return Accept("realtime", model)


def _translation(
    request: UpgradeRequest, session: dict[str, Any] | None, model: str | None
) -> RejectAfterUpgrade | Accept:
    """A translation session: its model is another one, and so is the session that a secret of it carries."""
    if session is not None and session["type"] == "translation":
        return Accept("translation", session["model"], session=session)
    if not model:
        return RejectAfterUpgrade(_NO_MODEL, 4000)
    if not _is_azure(request) and not model.startswith(_TRANSLATORS):
        text = f'Model "{model}" is not supported in translation mode.'  # inferred
        return RejectAfterUpgrade(ApiError(text, "invalid_model"), 4000)
    return Accept("translation", model)


_BETA = ApiError(
    "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.", "beta_api_shape_disabled"
)
_NO_MODEL = ApiError(
    f"You must provide a model parameter, for example wss://api.openai.com/v1/realtime?model={DEFAULT_MODEL}",
    "missing_model",
)


def unsupported_model(model: str) -> ApiError:
    """The API's words for a model that makes no realtime sessions."""
    return ApiError(f'Model "{model}" is not supported in realtime mode.', "invalid_model")


def _knows(model: str) -> bool:
    return model.startswith(_FAMILIES) and not model.startswith(_OTHER_KINDS)


def _wrong_key(key: str) -> ApiError:
    # OpenAI shows the ends of a wrong key; never so much that a short one could be guessed
    hidden = f"{key[:8]}{'*' * max(3, min(len(key) - 12, 120))}{key[-4:]}" if len(key) > 12 else "*" * len(key)
    where = "You can find your API key at https://platform.openai.com/account/api-keys."
    return ApiError(f"Incorrect API key provided: {hidden}. {where}", "invalid_api_key", None, INVALID_REQUEST)


def query_of(request: UpgradeRequest) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(request.target).query).items()}


def _is_azure(request: UpgradeRequest) -> bool:
    """Azure's clients use its path, or its header in the place of a bearer token."""
    headers = request.headers
    path = urlsplit(request.target).path.removesuffix(TRANSLATIONS)
    return path in AZURE_PATHS or ("api-key" in headers and "authorization" not in headers)


def _presented_key(request: UpgradeRequest) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    for protocol in request.protocols:
        if protocol.startswith(_KEY_PROTOCOL):
            return protocol.removeprefix(_KEY_PROTOCOL)
    return request.headers.get("api-key") or query_of(request).get("api-key")


def _key_fits(key: str | None, policy: AccessPolicy) -> bool:
    if policy.key is None:
        return True
    if key is None:
        return False
    # in constant time: how long the comparison takes tells nothing of the key
    return hmac.compare_digest(key.encode(), policy.key.encode()) or policy.secret_session(key) is not None


def key_session(request: UpgradeRequest, policy: AccessPolicy) -> tuple[bool, dict[str, Any] | None]:
    """Whether a request presents a key that opens sessions, and the configuration that this one carries, if any."""
    key = _presented_key(request)
    return _key_fits(key, policy), policy.secret_session(key or "")


def supported_model(request: UpgradeRequest, policy: AccessPolicy, model: str) -> bool:
    """Whether realtime sessions of this model are made for this client."""
    return policy.any_model or _is_azure(request) or _knows(model)  # Azure's deployments have any name


def holds_key(request: UpgradeRequest, policy: AccessPolicy) -> bool:
    """Whether a request presents the server's own key, where one is asked for. A client secret makes no secrets."""
    presented = _presented_key(request) or ""
    return policy.key is None or hmac.compare_digest(presented.encode(), policy.key.encode())
