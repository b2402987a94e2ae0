"""The webhook: its shape, its signature, and where it may go."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from rtcli.errors import UsageError
from rtcli.server.calls.webhook import SipHeader, Webhook, incoming_call, signed

EVENT = incoming_call("rtc_abc", [SipHeader("From", "sip:+1@x"), SipHeader("X-Two", "a"), SipHeader("X-Two", "b")], 7)


def test_the_event_names_the_call_and_its_headers_in_order() -> None:
    """Headers that come twice stay two."""
    assert EVENT["type"] == "realtime.call.incoming"
    assert EVENT["created_at"] == 7
    assert EVENT["data"]["call_id"] == "rtc_abc"
    assert [(header["name"], header["value"]) for header in EVENT["data"]["sip_headers"]][1:] == [
        ("X-Two", "a"),
        ("X-Two", "b"),
    ]


@pytest.mark.parametrize("secret", ["plain text", "whsec_" + base64.b64encode(b"key of 24 bytes, or more").decode()])
def test_the_signature_is_over_id_time_and_body(secret: str) -> None:
    """As standard-webhooks has it; behind `whsec_` the secret is base64."""
    body, headers = signed(EVENT, secret, timestamp=1_700_000_000)

    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    covered = f"{headers['webhook-id']}.1700000000.".encode() + body
    wanted = base64.b64encode(hmac.new(key, covered, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert json.loads(body) == EVENT


def test_without_a_secret_nothing_is_signed() -> None:
    """An application that verifies refuses it; one that does not is served."""
    assert "webhook-signature" not in signed(EVENT, None, timestamp=1)[1]


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://127.0.0.1/", "http://", "http://[::1", "http://x:port/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """The line names it and says what one looks like."""
    with pytest.raises(UsageError) as refused:
        Webhook(url, None)

    assert url in refused.value.what
    assert "http://127.0.0.1" in (refused.value.hint or "")


def test_another_machine_is_told_over_tls_alone() -> None:
    """Who reads the id of a call can take it."""
    with pytest.raises(UsageError, match="unencrypted"):
        Webhook("http://example.com/hook", None)
    for url in ("https://example.com/hook", "http://localhost:1/hook", "http://[::1]:1/hook"):
        Webhook(url, None)


def test_a_secret_that_cannot_be_used_is_refused_without_being_shown() -> None:
    """Before anything is served."""
    with pytest.raises(UsageError, match="base64") as refused:
        Webhook(None, "whsec_not/base64?")

    assert "not/base64?" not in str(refused.value)
