"""Which proxy stands between us and an address: the environment's variables, read alike for HTTP and WebSockets."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import platform
import re
import socket
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from rtcli.errors import ConnectError
from rtcli.installation import install_command
from rtcli.masking import add_url

_DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080, "socks4": 1080, "socks4a": 1080}
_ALIASES = {"socks": "socks5h"}  # what desktops write into ALL_PROXY
_SECURE = ("https", "wss")
_SOCKS_PACKAGES = {"python_socks": "python-socks[asyncio]", "socksio": "socksio"}  # for WebSockets, for HTTP
_NUMERIC_HOST = re.compile(r"[0-9a-fx.]+")  # 127.1, 2130706433, 0x7f000001: system calls take them as addresses


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that can be used. `url` may hold a password; `origin` is the variable that names the proxy."""

    url: str
    origin: str

    @property
    def shown(self) -> str:
        """As a message names it: where it is, and which variable says so."""
        return f"the proxy {urlsplit(self.url).netloc.rpartition('@')[2]} ({self.origin})"

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken with the proxy itself."""
        return self.url.startswith("https:")

    def not_reached(self, why: str) -> ConnectError:
        """The proxy itself does not answer."""
        hint = f"is it running? Without it: unset {self.origin}, or name the host in NO_PROXY"
        return ConnectError(f"cannot connect to {self.shown}", why=why, hint=hint)

    def refused(self, target: str, why: str, status: int | None) -> ConnectError:
        """The proxy answers, and does not connect to the target."""
        hint = f"check {self.origin} and NO_PROXY"
        if status == 407:
            hint = f"give it a user and a password: {self.origin}=http://USER:PASSWORD@HOST:PORT"
        return ConnectError(f"{self.shown} did not connect to {target}", why=why, hint=hint, url=target, status=status)


def proxy_for(url: str, environ: Mapping[str, str] | None = None) -> Proxy | None:
    """The proxy for an address: HTTPS_PROXY or HTTP_PROXY (by its scheme), else ALL_PROXY; never for loopback.

    Lower case comes first, as everywhere. Raises ConnectError that names the variable and what is wrong with its value.
    """
    environ = os.environ if environ is None else environ
    parts = urlsplit(url)
    secure = parts.scheme in _SECURE
    host = parts.hostname or ""
    if is_loopback(host) or _exempt(parts, host, environ):
        return None
    for name in ("https_proxy" if secure else "http_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            if value := environ.get(variable, "").strip():
                return usable_proxy(value, variable)
    return _of_the_system("https" if secure else "http", environ)


def usable_proxy(value: str, origin: str) -> Proxy:
    """A proxy as somebody wrote it. Raises ConnectError that says what is wrong with it."""
    add_url(value)
    if "://" not in value:
        where = value.rpartition("@")[2]
        raise _unusable(origin, "it has no scheme", f"write {origin}=http://{where}, or socks5h://{where}")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise _unusable(origin, str(error), f"write {origin}=http://HOST:PORT") from None
    scheme = _ALIASES.get(parts.scheme, parts.scheme)
    if scheme not in _DEFAULT_PORTS:
        raise _unusable(
            origin, f"the scheme {parts.scheme!r} is not one of a proxy", "http, https, socks5 and socks5h are"
        )
    if not parts.hostname:
        raise _unusable(origin, "it names no host", f"write {origin}=http://HOST:PORT")
    if scheme.startswith("socks"):
        _require_socks(origin)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user, at, _ = parts.netloc.rpartition("@")
    user = user if ":" in user or not at else f"{user}:"
    return Proxy(f"{scheme}://{user}{at}{host}:{port or _DEFAULT_PORTS[scheme]}", origin)


def is_loopback(host: str) -> bool:
    """Whether a host, as a URL names it, is this machine: a proxy knows nothing of it."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return _is_loopback_number(name)
    # 0.0.0.0 and :: are what a server listens on everywhere; who dials them reaches this machine.
    return any(one.is_loopback or one.is_unspecified for one in (address, getattr(address, "ipv4_mapped", None)) if one)


def listens_locally(host: str) -> bool:
    """Whether a server that listens on this host can be reached from this machine alone; 0.0.0.0 is everywhere."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_loopback_number(name: str) -> bool:
    if not _NUMERIC_HOST.fullmatch(name) or not name[0].isdigit():
        return False
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name)).is_loopback
    except OSError:
        return False


def _exempt(parts: SplitResult, host: str, environ: Mapping[str, str]) -> bool:
    excepted = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    try:
        port = parts.port
    except ValueError:  # it is about to be refused as no URL
        port = None
    address = f"{host}:{port or (443 if parts.scheme in _SECURE else 80)}"
    return bool(urllib.request.proxy_bypass_environment(address, {"no": excepted}))  # type: ignore[attr-defined]


def _of_the_system(scheme: str, environ: Mapping[str, str]) -> Proxy | None:
    """What the settings of macOS or Windows say."""
    if environ is not os.environ or platform.system() not in ("Darwin", "Windows"):
        return None
    value = urllib.request.getproxies().get(scheme)
    return usable_proxy(value, "the system's settings") if value else None


def _require_socks(origin: str) -> None:
    missing = [needed for package, needed in _SOCKS_PACKAGES.items() if importlib.util.find_spec(package) is None]
    if missing:
        raise ConnectError(
            f"{origin} names a SOCKS proxy",
            why=f"that needs {' and '.join(name.partition('[')[0] for name in missing)}",
            hint=f"{install_command(*missing)}, or unset {origin}",
        )


def _unusable(origin: str, why: str, hint: str) -> ConnectError:
    return ConnectError(f"{origin} cannot be used as a proxy", why=why, hint=hint)
