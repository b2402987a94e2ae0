"""Where to connect and which key goes there: the frozen Endpoint, and the rules that choose one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from rtcli.config.keys import KeySource
from rtcli.config.settings import Settings
from rtcli.errors import UsageError
from rtcli.masking import add_header, add_url, is_secret_name, is_secret_parameter, masked
from rtcli.protocol.models import DEFAULT_MODEL, DEFAULT_TRANSLATOR
from rtcli.protocol.session_kind import SessionKind, kind_of
from rtcli.request_head import ApiKey, check_headers, check_host

OPENAI_URL = "wss://api.openai.com/v1/realtime"
OPENAI_KEY_VARIABLE = "OPENAI_API_KEY"
OPENAI_URL_VARIABLE = "OPENAI_BASE_URL"

_OPENAI_HOST = "api.openai.com"  # regional hosts end in it
# a base URL is written for HTTP as often as for WebSocket
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_BASE_PATHS = ("", "/v1", "/openai/v1")  # what OPENAI_BASE_URL holds; any other path is taken as it is
# What in a query already says which session is meant: a model is then neither missing nor added.
_NAMES_THE_SESSION = frozenset({"model", "deployment", "call_id", "intent"})
# With a model in it, the address of a transcription would be a conversation's, and GPT-Live takes no query.
_MODEL_ELSEWHERE = frozenset({SessionKind.TRANSCRIPTION, SessionKind.LIVE})
# Azure's portal shows a resource's bare address, which serves the API below this path.
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com", ".openai.azure.us")
_AZURE_PATH = "/openai/v1"
_ACCOUNT_HEADERS = {"OPENAI_ORG_ID": "OpenAI-Organization", "OPENAI_PROJECT_ID": "OpenAI-Project"}

CHOICES = (
    "give --url URL, --local (the built-in server) or --profile NAME, "
    "or set OPENAI_API_KEY (OpenAI's own API) or OPENAI_BASE_URL"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a session connects.

    `url` is used verbatim ("" for the built-in server until it runs, see `at`). `label` is what the first line of
    chat says. `headers` hold no key; `api_key` is sent as `auth` says: "bearer" (Authorization) or "api-key".
    """

    url: str
    # what the URL names, or the session's first event will; None where it names a call or the server chooses
    model: str | None
    label: str
    call_id: str | None = None  # of a WebRTC or SIP call that is joined
    local: bool = False  # the built-in server
    webrtc: bool = False  # by a call, not over a WebSocket
    headers: Mapping[str, str] = field(default_factory=dict)
    api_key: ApiKey | None = field(default=None, repr=False)
    auth: str = "bearer"
    websocket: str = "auto"  # what reads and writes its frames

    @property
    def kind(self) -> SessionKind:
        """Which protocol is spoken there."""
        return kind_of(self.url)

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
    """The endpoint that was asked for: `url`, else `local`, else OPENAI_BASE_URL, else OpenAI if there is a key for it.

    `model` overrides what the URL names, `default_model` fills it in where nothing else does. `key` says where the
    key for this endpoint is; without one, `OPENAI_API_KEY` is used for OPENAI_BASE_URL's host where that is set, else
    for OpenAI's own hosts, and for nothing else; the account of OPENAI_ORG_ID and OPENAI_PROJECT_ID goes with it.
    `headers` are a mapping or lines "Name: value". With nothing to go by, `local_by_default` picks the built-in
    server. Raises UsageError for a contradiction, a key where it would leak, or nothing to go by.
    """
    environ = os.environ if environ is None else environ
    extra = parse_headers(headers)
    if url and local:
        raise UsageError("--url and --local exclude each other", hint="remove one of them")
    if local and call_id:
        raise UsageError("--call-id joins a call of a running server", why="--local starts a new one", hint="use --url")
    origin = ""
    if not url and not local:
        if base := environ.get(OPENAI_URL_VARIABLE, "").strip():
            # Before OPENAI_API_KEY: where both are set, the key belongs to that address.
            url, origin = base, OPENAI_URL_VARIABLE
        elif environ.get(OPENAI_KEY_VARIABLE) or key is not None or call_id:
            url = OPENAI_URL
        elif local_by_default:
            local = True
        else:
            raise UsageError("no endpoint", why="no URL, key or profile was given", hint=CHOICES)
    if local:
        return Endpoint("", model or default_model, "the built-in server", local=True, headers=extra)
    if model and call_id:
        raise UsageError("--model and --call-id exclude each other", why="a call already has its model")
    parts = parse_url(url or OPENAI_URL, origin)
    kind = kind_of(urlunsplit(parts))
    if not model and not call_id and not _NAMES_THE_SESSION & _query(parts).keys():
        model = {SessionKind.REALTIME: default_model, SessionKind.TRANSLATION: DEFAULT_TRANSLATOR}.get(kind)
    if kind not in _MODEL_ELSEWHERE:
        parts = _with_session(parts, model, call_id)
    query = _query(parts)
    # None: no key goes out, which a server on loopback or a gateway may accept.
    source = _key_source(parts, key, environ)
    if source is not None and source.variable == OPENAI_KEY_VARIABLE:
        extra = {**_account_headers(environ, extra), **extra}
    return Endpoint(
        url=urlunsplit(parts),
        model=query.get("model") or query.get("deployment") or (model if kind in _MODEL_ELSEWHERE else None),
        call_id=query.get("call_id"),
        label=parts.netloc,
        headers=extra,
        api_key=None if source is None else source.read(environ),
        auth=_auth(auth, parts),
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
    endpoint = resolve_endpoint(
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
    return replace(endpoint, websocket=settings.get("websocket") or endpoint.websocket)


def parse_url(url: str, origin: str = "") -> SplitResult:
    """`url` as a WebSocket address whose path leads to the Realtime API; `origin` says what gave it.

    Raises UsageError, which repeats no secret of the address.
    """
    # First: also the message about an address that cannot be read must not show what is in it.
    add_url(url)
    of = f" in {origin}" if origin else ""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise UsageError(f"not a URL{of}: {_without_secrets(url)}", why=str(error)) from error
    scheme = _SCHEMES.get(parts.scheme.lower())
    if scheme is None or not parts.hostname:
        raise UsageError(
            f"not a WebSocket or HTTP URL{of}: {_without_secrets(url)}",
            hint="write wss://HOST/v1/realtime or http://HOST:PORT/v1",
        )
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            f"the URL{of} contains a user name or a password",
            hint="name the key's variable with --api-key-env instead",
        )
    check_host(url.strip())
    secret = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if is_secret_parameter(name)}
    if secret:
        raise UsageError(
            f"the URL{of} contains a key ({', '.join(sorted(secret))}=)",
            why="it would show in process lists and logs",
            hint="name the key's variable with --api-key-env and use --auth api-key",
        )
    # urlsplit takes the brackets of an IPv6 address away.
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return SplitResult(
        scheme=scheme,
        netloc=host if port is None else f"{host}:{port}",
        path=_realtime_path(parts),
        query=parts.query,
        fragment="",
    )


def _realtime_path(parts: SplitResult) -> str:
    path = parts.path.rstrip("/")
    if path in ("", "/openai") and is_azure(parts.hostname or ""):
        path = _AZURE_PATH
    return f"{path}/realtime" if path in _BASE_PATHS else parts.path


def parse_headers(headers: Mapping[str, str] | Iterable[str]) -> dict[str, str]:
    """Extra headers, from a mapping or from lines "Name: value".

    Raises UsageError for a line without a colon, and for every header that carries a key: keys have ways of their own.
    """
    pairs = headers.items() if isinstance(headers, Mapping) else map(_header, headers)
    result: dict[str, str] = {}
    for name, value in pairs:
        add_header(name, value)
        if is_secret_name(name) or masked(value) != value:
            raise UsageError(
                f"--header does not accept {name}",
                why="keys are never passed on the command line",
                hint="name the key's variable with --api-key-env, and --auth bearer or api-key",
            )
        result[name] = value
    check_headers(result)
    return result


def is_openai(url: str) -> bool:
    """Whether `url` leads to OpenAI's own API (its regional hosts included) over TLS."""
    parts = urlsplit(url)
    return parts.scheme in ("wss", "https") and _is_openai_host(parts)


def _is_openai_host(parts: SplitResult) -> bool:
    # "api.openai.com." is the same host, fully qualified.
    host = (parts.hostname or "").rstrip(".")
    return host == _OPENAI_HOST or host.endswith(f".{_OPENAI_HOST}")


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or any(mark in line for mark in "\r\n"):
        raise UsageError(f"not a header: {name.strip() or line!r}", hint='write --header "Name: value"')
    return name.strip(), value.strip()


def _query(parts: SplitResult) -> dict[str, str]:
    return dict(parse_qsl(parts.query, keep_blank_values=True))


def _with_session(parts: SplitResult, model: str | None, call_id: str | None) -> SplitResult:
    """The URL with model or call_id in its query, percent-encoded; with neither it stays as it was written."""
    requested = {"call_id": call_id} if call_id else {"model": model} if model else {}
    if not requested:
        return parts
    # The rest of a query is the user's: gateways route by it.
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in ("model", *requested)]
    return parts._replace(query=urlencode([*kept, *requested.items()], quote_via=quote))


def is_azure(host: str) -> bool:
    """Whether this is a resource of Azure's, as its portal names them."""
    return host.rstrip(".").endswith(_AZURE_HOSTS)


def _auth(auth: str | None, parts: SplitResult) -> str:
    if auth not in (None, "bearer", "api-key"):
        raise UsageError(f"unknown --auth value: {auth}", hint="--auth is bearer or api-key")
    return auth or ("api-key" if is_azure(parts.hostname or "") else "bearer")


def _key_source(parts: SplitResult, key: KeySource | None, environ: Mapping[str, str]) -> KeySource | None:
    """Where the key for this host is. OpenAI's variable never leaves for another one, even if it is named."""
    if key is not None and key.variable != OPENAI_KEY_VARIABLE:
        return key
    base = environ.get(OPENAI_URL_VARIABLE, "").strip()
    if not base:
        if not is_openai(urlunsplit(parts)):
            return None if key is None else _not_for(parts, "OpenAI's own host, over TLS")
        return KeySource(variable=OPENAI_KEY_VARIABLE)
    if not _same_host(parts, base):
        named = key is not None or (is_openai(urlunsplit(parts)) and environ.get(OPENAI_KEY_VARIABLE))
        return _not_for(parts, f"the host of {OPENAI_URL_VARIABLE}, where that is set") if named else None
    # A gateway of one's own may want no key.
    if not key and not environ.get(OPENAI_KEY_VARIABLE):
        return None
    if _is_openai_host(parts) and not is_openai(urlunsplit(parts)):
        return _not_for(parts, "OpenAI's own host, over TLS")
    return KeySource(variable=OPENAI_KEY_VARIABLE)


def _not_for(parts: SplitResult, owner: str) -> NoReturn:
    same_host = _is_openai_host(parts) and "OpenAI" in owner
    raise UsageError(
        f"{OPENAI_KEY_VARIABLE} is only sent to {owner}",
        why="this URL does not use TLS" if same_host else f"{parts.hostname} is another host",
        hint=f"put the key for {parts.hostname} in another variable and name it with --api-key-env",
    )


def _same_host(parts: SplitResult, base: str) -> bool:
    """Whether an address has the scheme, the host and the port of another; False for one that cannot be read."""
    try:
        other = parse_url(base)
    except UsageError:
        return False
    return _place(parts) == _place(other)


def _place(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or (443 if parts.scheme == "wss" else 80)


def _account_headers(environ: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The account that OpenAI's own clients name beside the key; what was given by hand goes first."""
    names = {name.lower() for name in given}
    found = {header: environ.get(variable, "").strip() for variable, header in _ACCOUNT_HEADERS.items()}
    headers = {header: value for header, value in found.items() if value and header.lower() not in names}
    check_headers(headers)
    return headers


def _without_secrets(url: str) -> str:
    """What may be shown of a URL that could not be read: nothing behind a `?` and no user part."""
    head = url.strip().partition("?")[0]
    return head.rpartition("@")[2] if "@" in head else head
