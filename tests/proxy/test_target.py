"""Where requests go, which headers pass, and what is a secret."""

from __future__ import annotations

import pytest

from rtcli.errors import UsageError
from rtcli.masking import masked
from rtcli.proxy.target import Target, app_of, model_of, note_secrets, passed


@pytest.mark.parametrize(
    ("to", "asked", "url"),
    [
        ("https://api.openai.com", "/v1/realtime?model=m", "wss://api.openai.com/v1/realtime?model=m"),
        ("wss://api.openai.com/v1/realtime", "/realtime?model=m", "wss://api.openai.com/v1/realtime?model=m"),
        ("https://h.test/openai/v1", "/v1/realtime?a=1&b=%20", "wss://h.test/openai/v1/realtime?a=1&b=%20"),
        ("http://h.test:81/deep/er/realtime", "/openai/v1/realtime/translations", "ws://h.test:81/deep/er/realtime/translations"),
        ("ws://h.test", "/v1/models/x%2Fy?z", "ws://h.test/v1/models/x%2Fy?z"),
        ("ws://h.test/v1", "/chat/completions", "ws://h.test/v1/chat/completions"),
        ("ws://h.test/v1", "/v1", "ws://h.test/v1"),
        ("ws://h.test/v1", "/v12/x", "ws://h.test/v1/v12/x"),
        ("ws://h.test", "http://127.0.0.1:8089/v1/realtime", "ws://h.test/v1/realtime"),
    ],
)  # fmt: skip
def test_scheme_host_and_base_are_the_endpoints_and_the_rest_is_the_apps(to: str, asked: str, url: str) -> None:
    assert Target.of(to).url(asked) == url


def test_a_request_beside_a_session_goes_by_http() -> None:
    assert Target.of("wss://h.test/v1").url("/v1/realtime/calls", http=True) == "https://h.test/v1/realtime/calls"
    assert Target.of("ws://h.test/v1").url("/v1/files", http=True) == "http://h.test/v1/files"


@pytest.mark.parametrize(
    "to", ["ftp://h.test", "h.test", "wss://u:password1234@h.test/v1", "wss://h.test/v1?model=m", ""]
)
def test_an_endpoint_that_cannot_be_used_is_refused_with_what_to_do(to: str) -> None:
    with pytest.raises(UsageError) as caught:
        Target.of(to)

    assert caught.value.hint
    assert "password1234" not in str(caught.value)


def test_headers_pass_but_those_from_hop_to_hop() -> None:
    came = (
        *(("Host", "a"), ("Connection", "Upgrade, X-Own"), ("X-Own", "1"), ("Upgrade", "websocket")),
        *(("Sec-WebSocket-Key", "k"), ("Sec-WebSocket-Extensions", "permessage-deflate"), ("Content-Length", "3")),
        *(("Authorization", "Bearer x"), ("OpenAI-Beta", "b"), ("User-Agent", "app/1"), ("Cookie", "a=1")),
        *(("X-Two", "1"), ("X-Two", "2"), ("Origin", "http://o")),
    )

    assert [name for name, _ in passed(came)] == [
        *("Authorization", "OpenAI-Beta", "User-Agent", "Cookie", "X-Two", "X-Two", "Origin")
    ]


def test_the_keys_of_an_app_are_known_however_it_sends_them() -> None:
    headers = (
        *(("Authorization", "Bearer oddKEY-one-0123456789"), ("api-key", "oddKEY-two-0123456789")),
        ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.oddKEY-three-0123456789"),
    )
    note_secrets("/v1/realtime?api-key=oddKEY-four-0123456789&model=m", headers)

    text = " ".join(f"oddKEY-{word}-0123456789" for word in ("one", "two", "three", "four"))
    assert "oddKEY" not in masked(text)


def test_an_app_is_named_by_its_user_agent_and_its_session_by_the_model() -> None:
    assert app_of([("user-agent", "  OpenAI/Python \t 2.0  ")]) == "OpenAI/Python 2.0"
    assert app_of([]) == ""
    assert len(app_of([("User-Agent", "x" * 1000)])) <= 60
    assert model_of("/v1/realtime?model=gpt-realtime") == "gpt-realtime"
    assert model_of("/v1/realtime?call_id=rtc_1") == "rtc_1"
    assert model_of("/v1/realtime") == ""
