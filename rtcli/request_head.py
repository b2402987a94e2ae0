"""What may stand at the head of a request: hosts, header names and values, and keys; checked before anybody is dialed.

What is wrong with a secret is named by its place and its code point, and the secret itself is not shown.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from rtcli.errors import UsageError

ApiKey: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""A key, or a function, sync or async, that returns one."""

_AUTHORITY = re.compile(r"[^\s/?#@,]+")  # host and port
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_.])?")
_ASSIGNMENT = re.compile(r"(?:export\s+|set\s+|\$env:)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*(?=.)")
_SCHEME = re.compile(r"(?:bearer|basic)\s", re.IGNORECASE)
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"

# what a client library writes itself; a second one of them would break the upgrade
_OURS = frozenset(
    {"connection", "upgrade", "content-length", "transfer-encoding", "te", "trailer", "keep-alive", "proxy-connection"}
)


def check_host(url: str) -> None:
    """Raise UsageError if the host of a URL is written with what no host name has.

    Two programs may read such a name differently: the one that decides whether a key is for it, and the one that dials.
    """
    control = next(((place, one) for place, one in enumerate(url, 1) if one < " " or one == "\x7f"), None)
    if control is not None:  # urlsplit leaves some of them out without a word
        place, character = control
        raise UsageError(f"the URL holds a control character: {_named(character)} at {place}")
    try:
        host = urlsplit(url).hostname or ""
    except ValueError as error:
        raise UsageError("not a URL", why=str(error)) from error
    # urlsplit has taken the brackets off
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError as error:
            raise UsageError("not an IPv6 address in the URL", why=str(error)) from error
        return
    odd = next(((place, one) for place, one in enumerate(host, 1) if not re.match(r"[a-z0-9._-]", one)), None)
    if odd is not None:
        place, character = odd
        hint = "write an international name as the network has it: xn--..." if ord(character) > 0x7F else ""
        what = f"the host name in the URL holds a character that no host name has: {_named(character)} at {place}"
        raise UsageError(what, hint=hint)
    if host and not _HOST.fullmatch(host):
        raise UsageError(f"not a host name: {host!r}")


def checked_key(key: str, place: str) -> str:
    """The key, fit for a header. Raises UsageError that says what is wrong with the one in `place`."""
    if key.startswith("\ufeff"):
        raise UsageError(
            f"the key in {place} begins with a byte order mark (U+FEFF)", hint="save it as UTF-8 without a BOM"
        )
    # "" is in every text
    if key[:1] in _QUOTES and key:
        raise UsageError(f"the key in {place} begins with a quotation mark ({_named(key[0])})", hint="leave it out")
    if key[-1:] in _QUOTES and key:
        raise UsageError(f"the key in {place} ends with a quotation mark ({_named(key[-1])})", hint="leave it out")
    if found := _SCHEME.match(key):
        raise UsageError(
            f'the key in {place} begins with "{found[0].strip()} "',
            hint="leave that out: --auth says how a key is sent",
        )
    if found := _ASSIGNMENT.match(key):
        raise UsageError(f'the key in {place} begins with an assignment ("NAME=")', hint="keep the value alone there")
    for position, character in enumerate(key, 1):
        # Visible ASCII: what a header can carry, and what every key of every provider is made of.
        if not "!" <= character <= "~":
            what = f"the key in {place} holds a character that no key has: {_named(character)} at {position}"
            raise UsageError(what, hint="it may have been pasted along: type that part anew")
    return key


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise UsageError for a header that cannot be sent, or that the WebSocket protocol sets itself."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise UsageError(f"not the name of a header: {name!r}", hint="letters, digits and - _ . are allowed")
        if name.lower() in _OURS or name.lower().startswith("sec-websocket-"):
            raise UsageError(f"the header {name} cannot be set", why="it is part of how a WebSocket is opened")
        _check_value(name, value)
        if name.lower() == "host" and not _AUTHORITY.fullmatch(value):
            raise UsageError(f"the header {name} does not hold a host: {value!r}")


def _check_value(name: str, value: str) -> None:
    for position, character in enumerate(value, 1):
        if not ("\x20" <= character <= "\x7e" or character == "\t"):
            raise UsageError(
                f"the header {name} holds a character that cannot be sent: {_named(character)} at {position}"
            )


def _named(character: str) -> str:
    return f"U+{ord(character):04X}"
