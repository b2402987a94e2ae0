"""Where a request of an app goes, with which headers, and what in it is a secret: pure rules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from rtcli.config.endpoints import parse_url
from rtcli.errors import UsageError
from rtcli.masking import add_header, add_secret, add_url

DEFAULT_TO = "wss://api.openai.com/v1/realtime"

Headers = tuple[tuple[str, str], ...]
"""Names and values, in the order in which they came; a name may come twice."""

_REALTIME = "/realtime"
_REALTIME_PART = re.compile(r".*?(?=/realtime(?:/|$))")
_APP_BASES = re.compile(r"(/openai)?/v1(?=/|$)")  # what an app's base URL ends in, where it is not about /realtime
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)  # a target as an HTTP proxy is sent it

# Hop by hop (RFC 9110, section 7.6.1), and what the handshake of each side writes itself.
_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade", "host", "content-length", "expect"),
    )
)
_HANDSHAKE = "sec-websocket-"
_MAX_APP = 60  # characters of a User-Agent that are shown


@dataclass(frozen=True, slots=True)
class Target:
    """The endpoint behind the proxy: `origin` is its scheme (ws or wss) and host, `base` the path before /realtime.

    None: `--to` names no path, so that all of it is the app's.
    """

    origin: str
    base: str | None

    @classmethod
    def of(cls, url: str) -> Target:
        """Raises UsageError for a URL that names no endpoint, or says what is the app's to say."""
        parts = parse_url(url, "--to")
        if parts.query:
            raise UsageError("--to has a query", why="the query is the app's own", hint="leave out what follows the ?")
        path = parts.path.rstrip("/")
        if path == _REALTIME and not urlsplit(url.strip()).path.strip("/"):
            return cls(f"{parts.scheme}://{parts.netloc}", None)
        base = path[: path.rindex(_REALTIME)] if _REALTIME in path else path
        return cls(f"{parts.scheme}://{parts.netloc}", base)

    @property
    def label(self) -> str:
        """As a line for users names it."""
        return f"{urlsplit(self.origin).netloc}{self.base or ''}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.origin)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)

    def url(self, request_target: str, *, http: bool = False) -> str:
        """Where a request goes: from `--to` what stands before /realtime, from the app what follows, and its query."""
        path, mark, query = _ABSOLUTE.sub("", request_target).partition("?")
        if self.base is not None:
            found = _REALTIME_PART.search(path) or _APP_BASES.match(path)
            path = self.base + (path[found.end() :] if found else path)
        origin = self.origin.replace("ws", "http", 1) if http else self.origin
        return f"{origin}{path}{mark}{query}"


def passed(headers: Iterable[tuple[str, str]]) -> Headers:
    """What of a message's headers goes to the other side: all but what is said from hop to hop."""
    pairs = tuple(headers)
    named = {word.strip().lower() for name, value in pairs if name.lower() == "connection" for word in value.split(",")}
    return tuple(
        (name, value)
        for name, value in pairs
        if not ((lower := name.lower()) in _HOP or lower in named or lower.startswith(_HANDSHAKE))
    )


def note_secrets(request_target: str, headers: Iterable[tuple[str, str]]) -> None:
    """The keys of a request are shown nowhere from now on: headers, a browser's subprotocol, the query."""
    add_url(request_target)
    for name, value in headers:
        add_header(name, value)
        if name.lower() == "sec-websocket-protocol":
            for word in value.split(","):
                # "openai-insecure-api-key.KEY"; the names without a point are protocols
                add_secret(word.strip().partition(".")[2])


def app_of(headers: Iterable[tuple[str, str]]) -> str:
    """What an app calls itself, "" where it does not say."""
    agent = next((value for name, value in headers if name.lower() == "user-agent"), "")
    return " ".join(agent.split())[:_MAX_APP]


def model_of(request_target: str) -> str:
    """The model that a request asks for, or the call that it joins; "" where it says neither."""
    query = dict(parse_qsl(urlsplit(request_target).query))
    return query.get("model") or query.get("deployment") or query.get("call_id") or ""
