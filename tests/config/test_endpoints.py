"""Where a session connects, and which key goes there."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from rtcli.config.endpoints import endpoint_of, parse_headers, resolve_endpoint
from rtcli.config.keys import KeySource
from rtcli.config.settings import load_settings
from rtcli.errors import UsageError
from rtcli.protocol.models import DEFAULT_MODEL

OPENAI = {"OPENAI_API_KEY": "sk-openai"}


@pytest.mark.parametrize(
    ("given", "dialled"),
    [
        ("ws://h:1", f"ws://h:1/realtime?model={DEFAULT_MODEL}"),
        ("http://h/", f"ws://h/realtime?model={DEFAULT_MODEL}"),
        ("https://h/v1", f"wss://h/v1/realtime?model={DEFAULT_MODEL}"),
        ("https://h/v1/", f"wss://h/v1/realtime?model={DEFAULT_MODEL}"),
        ("HTTPS://h/openai/v1", f"wss://h/openai/v1/realtime?model={DEFAULT_MODEL}"),
        ("wss://h/other/path", f"wss://h/other/path?model={DEFAULT_MODEL}"),
        ("wss://h/v1/realtime?model=m", "wss://h/v1/realtime?model=m"),
        ("wss://h/v1?x=a%20b", f"wss://h/v1/realtime?x=a%20b&model={DEFAULT_MODEL}"),
        ("wss://h/v1/realtime?call_id=rtc_1", "wss://h/v1/realtime?call_id=rtc_1"),
        ("wss://h/v1/realtime?intent=transcription", "wss://h/v1/realtime?intent=transcription"),
        ("wss://h/openai/realtime?api-version=1&deployment=d", "wss://h/openai/realtime?api-version=1&deployment=d"),
        ("ws://[::1]:80/v1", f"ws://[::1]:80/v1/realtime?model={DEFAULT_MODEL}"),
    ],
)
def test_a_url_is_completed(given: str, dialled: str) -> None:
    """Base addresses get /realtime, a missing model is added, everything else stays as it was written."""
    assert resolve_endpoint(url=given, environ={}).url == dialled


def test_a_model_that_is_asked_for_replaces_the_urls() -> None:
    """The flag is nearer to the user than the URL; what it holds is percent-encoded."""
    endpoint = resolve_endpoint(url="ws://h/v1/realtime?model=a&x=1", model="b/c &", environ={})

    assert endpoint.url == "ws://h/v1/realtime?x=1&model=b%2Fc%20%26"
    assert endpoint.model == "b/c &"


def test_a_default_model_fills_a_gap_only() -> None:
    """A model of the settings does not override what a URL says."""
    assert resolve_endpoint(url="ws://h?model=a", default_model="b", environ={}).model == "a"
    assert resolve_endpoint(url="ws://h", default_model="b", environ={}).model == "b"


def test_a_call_is_joined_without_a_model() -> None:
    """A call has its model already."""
    endpoint = resolve_endpoint(url="wss://h/v1?model=m", call_id="rtc/1", environ={})

    assert endpoint.url == "wss://h/v1/realtime?call_id=rtc%2F1"
    assert (endpoint.call_id, endpoint.model) == ("rtc/1", None)


@pytest.mark.parametrize(
    "url", ["wss://api.openai.com/v1", "https://us.api.openai.com/v1", "wss://API.OpenAI.com:443/v1/realtime"]
)
def test_openais_key_goes_to_openai(url: str) -> None:
    """Its regional hosts are its own too."""
    assert resolve_endpoint(url=url, environ=OPENAI).api_key == "sk-openai"


@pytest.mark.parametrize(
    "url",
    [
        "wss://example.com/v1",
        "wss://api.openai.com.example.com/v1",
        "wss://xapi.openai.com/v1",
        "wss://openai.com/v1",
        "ws://localhost:1/v1?host=api.openai.com",
        "ws://127.0.0.1:1",
        "ws://api.openai.com/v1",
        "http://api.openai.com/v1",
    ],
)
def test_openais_key_goes_nowhere_else(url: str) -> None:
    """Neither by default nor when it is named does it leave for another host, or travel without TLS."""
    assert resolve_endpoint(url=url, environ=OPENAI).api_key is None
    with pytest.raises(UsageError, match="only sent to OpenAI's own host"):
        resolve_endpoint(url=url, key=KeySource(variable="OPENAI_API_KEY"), environ=OPENAI)


def test_another_host_gets_the_key_that_is_named_for_it() -> None:
    """The user names the variable and how it is sent."""
    endpoint = resolve_endpoint(
        url="wss://x.example/openai/v1", key=KeySource(variable="MINE"), auth="api-key", environ={**OPENAI, "MINE": "k"}
    )

    assert (endpoint.api_key, endpoint.auth) == ("k", "api-key")
    assert "api_key=" not in repr(endpoint)


def test_keys_can_be_kept_in_a_file(tmp_path: Path) -> None:
    """A key in a file, without the newline that editors add."""
    (tmp_path / "key").write_text("abc\n")

    assert resolve_endpoint(url="ws://h", key=KeySource(file=str(tmp_path / "key")), environ={}).api_key == "abc"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({"variable": "UNSET"}, "UNSET is not set"),
        ({"file": "/nowhere/key"}, "/nowhere/key cannot be read"),
        ({"file": "."}, "cannot be read"),
    ],
)
def test_a_place_without_a_key_is_named(key: dict[str, str], message: str) -> None:
    """Nothing is dialled without the key that was asked for."""
    with pytest.raises(UsageError, match=message):
        resolve_endpoint(url="ws://h", key=KeySource(**key), environ={})


def test_an_empty_key_file_is_named(tmp_path: Path) -> None:
    """An empty key would be refused far away with another message."""
    (tmp_path / "key").touch()
    with pytest.raises(UsageError, match="is empty"):
        KeySource(file=str(tmp_path / "key")).read({})


class Keyring(types.ModuleType):
    """The package `keyring`, with one entry."""

    def get_password(self, service: str, user: str) -> str | None:
        return {("rtcli", "me"): "kept", ("rtcli", "api-key"): "default"}.get((service, user))


def test_keys_can_be_kept_in_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """SERVICE/USER, or SERVICE alone; an entry that is not there is named."""
    errors = types.ModuleType("keyring.errors")
    errors.KeyringError = OSError  # type: ignore[attr-defined]
    fake = Keyring("keyring")
    fake.errors = errors  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", fake)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)

    assert KeySource(keyring="rtcli/me").read({}) == "kept"
    assert KeySource(keyring="rtcli").read({}) == "default"
    with pytest.raises(UsageError, match="no key for rtcli/you"):
        KeySource(keyring="rtcli/you").read({})


def test_without_the_keyrings_package_its_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is not among the dependencies."""
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(UsageError) as caught:
        KeySource(keyring="rtcli/me").read({})
    assert "pip install keyring" in caught.value.hint


def test_openai_without_its_key_is_said_before_dialling() -> None:
    """The variable is named."""
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set"):
        resolve_endpoint(url="wss://api.openai.com/v1", environ={})


def test_the_order_of_choices() -> None:
    """--url, then --local, then OpenAI's key, then (for chat) the built-in server, else an error that lists them."""
    assert resolve_endpoint(url="ws://h", environ=OPENAI).label == "h"
    assert resolve_endpoint(local=True, environ=OPENAI).local
    assert resolve_endpoint(environ=OPENAI).url == f"wss://api.openai.com/v1/realtime?model={DEFAULT_MODEL}"
    assert resolve_endpoint(environ={}, local_by_default=True).local
    with pytest.raises(UsageError) as caught:
        resolve_endpoint(environ={})
    for choice in ("--url", "--local", "--profile", "OPENAI_API_KEY"):
        assert choice in caught.value.hint


def test_the_built_in_server_is_dialled_where_it_runs() -> None:
    """Its address is known only when it is up; the model is added then."""
    endpoint = resolve_endpoint(local=True, model="m", environ={}).at("ws://127.0.0.1:9/v1/realtime")

    assert endpoint.url == "ws://127.0.0.1:9/v1/realtime?model=m"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "ws://h", "local": True}, "exclude each other"),
        ({"local": True, "call_id": "c"}, "--local starts a new one"),
        ({"url": "ws://h", "model": "m", "call_id": "c"}, "exclude each other"),
        ({"url": "ftp://h"}, "not a WebSocket or HTTP URL"),
        ({"url": "localhost:8080"}, "not a WebSocket or HTTP URL"),
        ({"url": "ws://h:port"}, "not a URL: "),
        ({"url": "ws://"}, "not a WebSocket or HTTP URL"),
        ({"url": "ws://user:secret@h"}, "user name or a password"),
        ({"url": "wss://h/v1?api-key=secret"}, "contains a key"),
        ({"url": "ws://h", "auth": "basic"}, "bearer or api-key"),
    ],
)
def test_a_contradiction_or_a_bad_url_is_a_usage_error(arguments: dict[str, Any], message: str) -> None:
    """It is said before anything is dialled, and no secret of the URL is repeated."""
    with pytest.raises(UsageError) as caught:
        resolve_endpoint(**arguments, environ={})

    assert message in f"{caught.value} {caught.value.hint}"
    assert "secret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "header",
    ["Authorization: x", "authorization:x", "api-key: x", "Proxy-Authorization: x", "Sec-WebSocket-Protocol: x"],
)
def test_a_header_that_carries_a_key_is_refused(header: str) -> None:
    """Flags show in process lists."""
    with pytest.raises(UsageError, match="does not accept"):
        parse_headers([header])


@pytest.mark.parametrize("header", ["nothing", ": x", "A: b\r\nAuthorization: x"])
def test_a_line_that_is_no_header_is_refused(header: str) -> None:
    """Also one that smuggles a second header."""
    with pytest.raises(UsageError, match="not a header"):
        parse_headers([header])


def test_headers_are_taken_as_lines_or_as_a_table() -> None:
    """Flags give lines, settings a table."""
    assert parse_headers(["OpenAI-Project: p"]) == parse_headers({"OpenAI-Project": "p"}) == {"OpenAI-Project": "p"}


def test_a_profile_brings_its_own_key(tmp_path: Path) -> None:
    """And only for its own address: with --url on the command line it stays at home."""
    (tmp_path / "config.toml").write_text(
        'profile = "azure"\n[profiles.azure]\nurl = "https://r.example/openai/v1"\n'
        'api_key_env = "AZURE_KEY"\nauth = "api-key"\nmodel = "deployment"\n'
    )
    environ = {"AZURE_KEY": "az"}

    def endpoint(**flags: Any) -> Any:
        return endpoint_of(
            load_settings(flags, environ=environ, folder=tmp_path, file=tmp_path / "config.toml"), environ=environ
        )

    assert endpoint().url == "wss://r.example/openai/v1/realtime?model=deployment"
    assert (endpoint().api_key, endpoint().auth) == ("az", "api-key")
    assert endpoint(url="ws://other").api_key is None
    assert endpoint(local=True).local
    assert endpoint(profile="azure", model="m").model == "m"
