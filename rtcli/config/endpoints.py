"""Where to connect and which key goes there: the frozen Endpoint, and the rules that choose one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from rtcli.config.keys import ApiKey, KeySource
from rtcli.config.settings import Settings
from rtcli.errors import UsageError
from rtcli.protocol.models import DEFAULT_MODEL

OPENAI_URL = "wss://api.openai.com/v1/realtime"
OPENAI_KEY_VARIABLE = "OPENAI_API_KEY"

_OPENAI_HOST = "api.openai.com"
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_BASE_PATHS = ("", "/v1", "/openai/v1")
# What in a query already says which session is meant: a model is then neither missing nor added.
_NAMES_THE_SESSION = frozenset({"model", "deployment", "call_id", "intent"})
_SECRET_PARAMETERS = frozenset({"api-key", "api_key", "apikey", "key", "token", "access_token"})
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"})

CHOICES = (
    "give --url URL, --local (the built-in server) or --profile NAME, "
    "or set OPENAI_API_KEY to talk with OpenAI's own API"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a session connects.

    `url` is used verbatim ("" for the built-in server until it runs, see `at`). `label` is what the first line of
    chat says. `headers` hold no key; `api_key` is sent as `auth` says: "bearer" (Authorization) or "api-key".
    """

    url: str
    model: str | None
    label: str
    call_id: str | None = None
    local: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    api_key: ApiKey = field(default=None, repr=False)
    auth: str = "bearer"

    def at(self, url: str) -> Endpoint:
        """The built-in server's endpoint, now that it runs at `url` (which names no model yet)."""
        return replace(self, url=urlunsplit(_with_session(urlsplit(url), self.model, self.call_id)))


def resolve_endpoint(
    *,
    url: str | None = None,
    local: bool = False,
    model: str | None = None,
    default_model: str = DEFAULT_MODEL,
    call_id: str | None = None,
    key: KeySource | None = None,
    auth: str | None = None,
    headers: Mapping[str, str] | Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    local_by_default: bool = False,
) -> Endpoint:
    """The endpoint that was asked for: `url`, else `local`, else OpenAI if the environment holds its key.

    `model` overrides what the URL names, `default_model` fills it in where nothing else does. `key` says where the
    key for this endpoint is; without one, `OPENAI_API_KEY` is used for OpenAI's own host and for nothing else.
    `headers` are a mapping or lines "Name: value". With nothing to go by, `local_by_default` picks the built-in
    server. Raises UsageError for a contradiction, a key in a place where it would leak, or nothing to go by.
    """
    environ = os.environ if environ is None else environ
    extra = parse_headers(headers)
    if url and local:
        raise UsageError("--url and --local exclude each other", hint="remove one of them")
    if local and call_id:
        raise UsageError("--call-id joins a call of a running server", why="--local starts a new one", hint="use --url")
    if not url and not local:
        if environ.get(OPENAI_KEY_VARIABLE) or key is not None or call_id:
            url = OPENAI_URL
        elif local_by_default:
            local = True
        else:
            raise UsageError("no endpoint", why="no URL, key or profile was given", hint=CHOICES)
    if local:
        return Endpoint("", model or default_model, "the built-in server", local=True, headers=extra)
    if model and call_id:
        raise UsageError("--model and --call-id exclude each other", why="a call already has its model")
    parts = parse_url(url or OPENAI_URL)
    if not model and not call_id and not _NAMES_THE_SESSION & _query(parts).keys():
        model = default_model
    parts = _with_session(parts, model, call_id)
    query = _query(parts)
    return Endpoint(
        url=urlunsplit(parts),
        model=query.get("model") or query.get("deployment"),
        call_id=query.get("call_id"),
        label=parts.netloc,
        headers=extra,
        api_key=_api_key(parts, key, environ),
        auth=_auth(auth),
    )


def endpoint_of(
    settings: Settings,
    *,
    call_id: str | None = None,
    environ: Mapping[str, str] | None = None,
    local_by_default: bool = False,
) -> Endpoint:
    """The endpoint that the settings say, see `resolve_endpoint`. A model given as a flag overrides the URL's."""
    found = settings.find("model")
    model, origin = found or (None, "")
    return resolve_endpoint(
        url=settings.get("url"),
        local=bool(settings.get("local")),
        model=model if origin == "flag" else None,
        default_model=model or DEFAULT_MODEL,
        call_id=call_id,
        key=settings.key_source(),
        auth=settings.get("auth"),
        headers=settings.get("headers") or (),
        environ=environ,
        local_by_default=local_by_default,
    )


def parse_url(url: str) -> SplitResult:
    """`url` as a WebSocket address whose path leads to the Realtime API. Raises UsageError."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise UsageError(f"not a URL: {_redacted(url)}", why=str(error)) from error
    scheme = _SCHEMES.get(parts.scheme.lower())
    if scheme is None or not parts.hostname:
        raise UsageError(
            f"not a WebSocket or HTTP URL: {_redacted(url)}",
            hint="write it as wss://HOST/v1/realtime or http://HOST:PORT/v1",
        )
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "the URL contains a user name or a password", hint="name the key's variable with --api-key-env instead"
        )
    secret = _SECRET_PARAMETERS & {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if secret:
        raise UsageError(
            f"the URL contains a key ({', '.join(sorted(secret))}=)",
            why="it would show in process lists and logs",
            hint="name the key's variable with --api-key-env and use --auth api-key",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = parts.path.rstrip("/")
    return SplitResult(
        scheme=scheme,
        netloc=host if port is None else f"{host}:{port}",
        path=f"{path}/realtime" if path in _BASE_PATHS else parts.path,
        query=parts.query,
        fragment="",
    )


def parse_headers(headers: Mapping[str, str] | Iterable[str]) -> dict[str, str]:
    """Extra headers, from a mapping or from lines "Name: value".

    Raises UsageError for a line without a colon, and for every header that carries a key: keys have ways of their own.
    """
    pairs = headers.items() if isinstance(headers, Mapping) else map(_header, headers)
    result: dict[str, str] = {}
    for name, value in pairs:
        if name.lower() in _SECRET_HEADERS or name.lower().startswith("sec-websocket-"):
            raise UsageError(
                f"--header does not accept {name}",
                why="keys are never passed on the command line",
                hint="name the key's variable with --api-key-env, and --auth bearer or api-key",
            )
        result[name] = value
    return result


def is_openai(url: str) -> bool:
    """Whether `url` leads to OpenAI's own API (its regional hosts included) over TLS."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    return parts.scheme in ("wss", "https") and (host == _OPENAI_HOST or host.endswith(f".{_OPENAI_HOST}"))


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or any(mark in line for mark in "\r\n"):
        raise UsageError(f"not a header: {name.strip() or line!r}", hint='write --header "Name: value"')
    return name.strip(), value.strip()


def _query(parts: SplitResult) -> dict[str, str]:
    return dict(parse_qsl(parts.query, keep_blank_values=True))


def _with_session(parts: SplitResult, model: str | None, call_id: str | None) -> SplitResult:
    """The URL with model or call_id in its query, percent-encoded; with neither it stays as it was written."""
    wanted = {"call_id": call_id} if call_id else {"model": model} if model else {}
    if not wanted:
        return parts
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in ("model", *wanted)]
    return parts._replace(query=urlencode([*kept, *wanted.items()], quote_via=quote))


def _auth(auth: str | None) -> str:
    if auth not in (None, "bearer", "api-key"):
        raise UsageError(f"unknown --auth value: {auth}", hint="--auth is bearer or api-key")
    return auth or "bearer"


def _api_key(parts: SplitResult, key: KeySource | None, environ: Mapping[str, str]) -> ApiKey:
    """The key for this host. OpenAI's variable never leaves for another one, even if it is named."""
    openai = is_openai(urlunsplit(parts))
    if key is None and not openai:
        return None
    if key is None:
        key = KeySource(variable=OPENAI_KEY_VARIABLE)
    if key.variable == OPENAI_KEY_VARIABLE and not openai:
        raise UsageError(
            f"{OPENAI_KEY_VARIABLE} is only sent to OpenAI's own host, over TLS",
            why=f"{parts.hostname} is another host" if parts.hostname != _OPENAI_HOST else "this URL does not use TLS",
            hint=f"put the key for {parts.hostname} in another variable and name it with --api-key-env",
        )
    return key.read(environ)


def _redacted(url: str) -> str:
    """What may be shown of a URL that could not be read: nothing behind a `?` and no user part."""
    head = url.strip().partition("?")[0]
    return head.rpartition("@")[2] if "@" in head else head
