"""Which proxy stands between us and an address, and how a wrong one is told."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import pytest

from rtcli import masking
from rtcli.errors import ConnectError
from rtcli.http.client import stream
from rtcli.http.proxies import is_loopback, proxy_for
from rtcli.transports import OpenAIRealtimeWebSocket

PROXY = "http://proxy.test:3128"


@pytest.mark.parametrize(
    ("url", "environ", "origin"),
    [
        ("wss://h/", {"HTTPS_PROXY": PROXY}, "HTTPS_PROXY"),
        ("wss://h/", {"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, "https_proxy"),
        ("ws://h/", {"HTTP_PROXY": PROXY}, "HTTP_PROXY"),
        ("wss://h/", {"ALL_PROXY": PROXY}, "ALL_PROXY"),
        ("https://h/", {"all_proxy": PROXY}, "all_proxy"),
        ("wss://h/", {"HTTP_PROXY": PROXY}, None),
        ("wss://h/", {"ALL_PROXY": PROXY, "NO_PROXY": "h"}, None),
        ("wss://a.h.test/", {"ALL_PROXY": PROXY, "no_proxy": ".h.test"}, None),
        ("wss://h/", {"ALL_PROXY": PROXY, "no_proxy": "*"}, None),
        ("ws://127.0.0.1:9/", {"ALL_PROXY": PROXY, "HTTP_PROXY": PROXY}, None),
        ("ws://[::1]:9/", {"ALL_PROXY": PROXY}, None),
        ("wss://localhost/", {"HTTPS_PROXY": "nonsense"}, None),
    ],
)
def test_the_environment_says_which_proxy(url: str, environ: dict[str, str], origin: str | None) -> None:
    """The same variables count for WebSockets and HTTP; loopback has none, whatever they hold."""
    proxy = proxy_for(url, environ)

    assert (proxy and proxy.origin) == origin
    assert proxy is None or proxy.url == PROXY


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::", "127.1.2.3", "localhost", "LOCALHOST.", "a.localhost",
                                  "::1", "127.1", "2130706433", "0x7f000001", "::ffff:127.0.0.1"])  # fmt: skip
def test_this_machine_is_known_under_all_its_names(host: str) -> None:
    """A proxy would look for it at home."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "10.0.0.1", "localhost.example", "fe", "1.2.3.4", "128.0.0.1", "::2"])
def test_other_machines_are_not_this_one(host: str) -> None:
    """They may be behind a proxy."""
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("127.0.0.1:9", "no scheme"),
        ("ftp://127.0.0.1:9", "'ftp'"),
        ("http://", "no host"),
        ("http://h:port", "[Pp]ort"),
    ],
)
def test_a_proxy_of_no_use_is_named_by_its_variable(value: str, problem: str) -> None:
    """Nobody has to guess which of six variables it was."""
    with pytest.raises(ConnectError, match=f"HTTPS_PROXY.*{problem}"):
        proxy_for("wss://h/", {"HTTPS_PROXY": value})


@pytest.mark.parametrize("scheme", ["socks", "socks5", "socks5h"])
def test_a_socks_proxy_says_what_to_install(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command for this installation, and without the password in the address."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(ConnectError, match="ALL_PROXY names a SOCKS proxy: that needs python-socks") as caught:
        proxy_for("wss://h/", {"ALL_PROXY": f"{scheme}://corp:S3cretPass@127.0.0.1:9"})
    assert "install" in caught.value.hint
    assert "S3cretPass" not in f"{caught.value} {caught.value.hint}"
    masking.forget_secrets()


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def test_a_proxy_that_does_not_listen_is_blamed_and_not_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a WebSocket and for a request alike."""
    where = f"127.0.0.1:{closed_port()}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://{where}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    with pytest.raises(ConnectError, match=rf"cannot connect to the proxy {where} \(HTTPS_PROXY\)"):
        await OpenAIRealtimeWebSocket(api_key="k", url="wss://example.invalid/v1").connect()
    with pytest.raises(ConnectError, match=rf"cannot connect to the proxy {where} \(HTTPS_PROXY\)"):
        async with stream("GET", "https://example.invalid/a.png", timeout=5):
            pass


async def test_a_request_that_cannot_be_made_is_a_connect_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ports and certificates that are none raise kinds of their own below the client."""
    with pytest.raises(ConnectError, match="failed"):
        async with stream("GET", "http://127.0.0.1:99999/a.png", timeout=5):
            pass
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(ConnectError, match=r"SSL_CERT_FILE=.*cannot be used"):
        async with stream("GET", "https://example.invalid/a.png", timeout=5):
            pass
