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
        ("https://h/v1/realtime/translations", "wss://h/v1/realtime/translations?model=gpt-realtime-translate"),
        ("wss://h/v1/realtime/translations?model=m", "wss://h/v1/realtime/translations?model=m"),
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


@pytest.mark.parametrize("url", ["wss://h/v1/realtime?intent=transcription", "wss://h/v1/live/sessions"])
def test_a_model_stays_out_of_an_address_that_takes_none(url: str) -> None:
    """With it the session would be a conversation, or be refused: the first event names it."""
    endpoint = resolve_endpoint(url=url, model="m", default_model="other", environ={})

    assert (endpoint.url, endpoint.model) == (url, "m")
    assert resolve_endpoint(url=url, default_model="other", environ={}).model is None


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
    [
        "Authorization: x",
        "authorization:x",
        "api-key: x",
        "Proxy-Authorization: x",
        "apikey: x",
        "X-Auth-Token: x",
        "Ocp-Apim-Subscription-Key: x",
        "X-Goog-Api-Key: x",
        "x-access-token: x",
        "X-Other: sk-proj-abcdefghijklmnop",
    ],
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


@pytest.mark.parametrize(
    "header",
    [
        *("Connection: close", "Upgrade: h2c", "Sec-WebSocket-Protocol: x", "X Bad Name: 1"),
        *("Host:", "Host: a b", "Host: http://a/"),
    ],
)
def test_a_header_that_opens_a_websocket_or_has_no_name_is_refused(header: str) -> None:
    """It would be sent twice, or not be understood, and the server would be blamed."""
    with pytest.raises(UsageError, match=r"cannot be set|not the name of a header|does not hold a host"):
        parse_headers([header])


GATEWAY = {"OPENAI_API_KEY": "gateway-key-123", "OPENAI_BASE_URL": "http://127.0.0.1:4000/v1"}


def test_the_base_url_of_the_environment_goes_with_its_key() -> None:
    """Both belong together, as in OpenAI's own clients, and so do the names of the account."""
    environ = {**GATEWAY, "OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj_1"}
    endpoint = resolve_endpoint(environ=environ, headers=["openai-project: mine"])

    assert endpoint.url.startswith("ws://127.0.0.1:4000/v1/realtime?model=")
    assert endpoint.api_key == "gateway-key-123"
    assert endpoint.headers == {"OpenAI-Organization": "org-1", "openai-project": "mine"}
    assert resolve_endpoint(environ={"OPENAI_BASE_URL": GATEWAY["OPENAI_BASE_URL"]}).api_key is None
    assert resolve_endpoint(environ={**OPENAI, "OPENAI_ORG_ID": "org-1"}).headers == {"OpenAI-Organization": "org-1"}
    assert resolve_endpoint(url="ws://h", environ={**OPENAI, "OPENAI_ORG_ID": "org-1"}).headers == {}


@pytest.mark.parametrize("url", ["wss://api.openai.com/v1", "ws://127.0.0.1:4001/v1", "wss://127.0.0.1:4000/v1"])
def test_a_gateways_key_goes_to_the_gateway_alone(url: str) -> None:
    """Not to OpenAI, nor to another port or scheme of the same machine."""
    with pytest.raises(UsageError, match="only sent to the host of OPENAI_BASE_URL"):
        resolve_endpoint(url=url, key=KeySource(variable="OPENAI_API_KEY"), environ=GATEWAY)
    if "openai" in url:
        with pytest.raises(UsageError, match="only sent to the host of OPENAI_BASE_URL"):
            resolve_endpoint(url=url, environ=GATEWAY)
    else:
        assert resolve_endpoint(url=url, environ=GATEWAY).api_key is None


@pytest.mark.parametrize("host", ["api.openai.com", "eu.api.openai.com", "api.openai.com."])
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_openais_own_host_gets_no_key_without_tls(host: str, scheme: str) -> None:
    """Also where OPENAI_BASE_URL says so: it would be readable on the way."""
    environ = {"OPENAI_API_KEY": "sk-1234567890", "OPENAI_BASE_URL": f"{scheme}://{host}/v1"}
    with pytest.raises(UsageError, match="over TLS") as caught:
        resolve_endpoint(environ=environ)
    assert caught.value.why == "this URL does not use TLS"

    del environ["OPENAI_API_KEY"]
    assert resolve_endpoint(environ=environ).api_key is None


def test_a_base_url_of_no_use_is_named() -> None:
    """The variable, and nothing of a secret in it."""
    with pytest.raises(UsageError, match="in OPENAI_BASE_URL"):
        resolve_endpoint(environ={"OPENAI_BASE_URL": "localhost:4000"})
    with pytest.raises(UsageError, match="OPENAI_BASE_URL contains a user name"):
        resolve_endpoint(environ={"OPENAI_BASE_URL": "https://u:hunter22@h/v1"})


@pytest.mark.parametrize(
    "url",
    ["wss://evil.test\\.api.openai.com/v1", "wss://evil.test%2f.api.openai.com/v1", "wss://evil.test;.api.openai.com/v1",
     "wss://a\nb.test/v1", "wss://a.test\t/v1", "wss://\x01a.test/v1",
     "wss://b\u00fccher.example/v1", "wss://a b/v1", "wss://-x.test/v1", "ws://[::1z]/v1"],
)  # fmt: skip
def test_a_host_with_odd_characters_is_refused(url: str) -> None:
    """Whoever decides about the key and whoever dials must read the same name."""
    with pytest.raises(UsageError, match=r"host name|IPv6|not a URL|control character"):
        resolve_endpoint(url=url, environ=OPENAI)


@pytest.mark.parametrize(
    ("url", "dialed"),
    [
        ("https://res.openai.azure.com/", "wss://res.openai.azure.com/openai/v1/realtime?model=d"),
        ("https://res.cognitiveservices.azure.com", "wss://res.cognitiveservices.azure.com/openai/v1/realtime?model=d"),
        ("https://res.openai.azure.com/openai/v1/", "wss://res.openai.azure.com/openai/v1/realtime?model=d"),
    ],
)
def test_the_address_that_azures_portal_shows_works(url: str, dialed: str) -> None:
    """It is a bare host; the API is below a path, and takes the key in a header of its own."""
    endpoint = resolve_endpoint(url=url, model="d", key=KeySource(variable="K"), environ={"K": "0123456789abcdef"})

    assert (endpoint.url, endpoint.auth) == (dialed, "api-key")
    target = "https://res.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=d"
    assert resolve_endpoint(url=target, environ={}).url == target.replace("https", "wss")


KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (KEY + "\u2014", "U\\+2014 at 33"),
        (f'"{KEY}"', "quotation mark"),
        (f"\u201c{KEY}\u201d", "quotation mark"),
        (f"Bearer {KEY}", '"Bearer "'),
        (f"export X={KEY}", "assignment"),
        (f"OPENAI_API_KEY={KEY}", "assignment"),
        (KEY[:16] + "\n" + KEY[16:], "U\\+000A at 17"),
        (KEY[:16] + " " + KEY[16:], "U\\+0020 at 17"),
        (KEY[:16] + "\u200b" + KEY[16:], "U\\+200B at 17"),
    ],
)
def test_a_key_that_is_none_is_said_before_anything_is_dialed(written: str, message: str, tmp_path: Path) -> None:
    """Its fault is named by place and code point; the key is not shown. From a variable and from a file alike."""
    (tmp_path / "key.txt").write_text(written + "\n", encoding="utf-8")
    for source, place in (
        (KeySource(variable="K"), "K"),
        (KeySource(file=str(tmp_path / "key.txt")), str(tmp_path / "key.txt")),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            source.read({"K": written})
        assert place in str(caught.value)
        assert "0123" not in f"{caught.value} {caught.value.hint}"


def test_a_live_address_gets_no_model() -> None:
    """GPT-Live names its model in session.start and refuses a query."""
    url = "ws://h/v1/live/sessions"
    assert resolve_endpoint(url=url, environ={}).url == url
