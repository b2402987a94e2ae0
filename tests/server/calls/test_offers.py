"""What is posted to start a call: three content types, and what is none."""

from __future__ import annotations

import json

import pytest

from rtcli.server.calls.offers import Offer, read_offer
from rtcli.server.validation.api_errors import ApiError

SDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"  # noqa: E501
SESSION = {"type": "realtime", "instructions": "Grüße"}


def form(**parts: bytes) -> bytes:
    """The body of a form with the boundary `limit`."""
    lines = [
        b'--limit\r\nContent-Disposition: form-data; name="' + name.encode() + b'"\r\n\r\n' + content + b"\r\n"
        for name, content in parts.items()
    ]
    return b"".join([*lines, b"--limit--\r\n"])


FORM = 'multipart/form-data; boundary="limit"'


def test_an_offer_may_come_raw() -> None:
    """Then it asks for nothing; parameters of the content type and upper case do not matter."""
    assert read_offer("Application/SDP; charset=utf-8", SDP.encode()) == Offer(SDP)


def test_a_form_brings_a_session_too() -> None:
    """In any order, or the offer alone."""
    session = json.dumps(SESSION).encode()

    assert read_offer(FORM, form(sdp=SDP.encode(), session=session)) == Offer(SDP, SESSION)
    assert read_offer(FORM, form(session=session, sdp=SDP.encode())).session == SESSION
    assert read_offer(FORM, form(sdp=SDP.encode())).session is None


def test_json_does_as_well() -> None:
    """`session` may be missing or null."""
    assert read_offer("application/json", json.dumps({"sdp": SDP, "session": SESSION}).encode()) == Offer(SDP, SESSION)
    assert read_offer("application/json", json.dumps({"sdp": SDP, "session": None}).encode()) == Offer(SDP)


@pytest.mark.parametrize(
    ("kind", "body", "code", "words"),
    [
        ("application/sdp", b"hello", "invalid_offer", "WHIP"),
        ("application/sdp", b"", "invalid_offer", "WHIP"),
        ("application/sdp", b"\xff\xfe", "invalid_offer", "WHIP"),
        ("application/sdp", SDP.replace("m=application", "m=video").encode(), "invalid_offer", "WHIP"),
        ("application/sdp", SDP.replace("m=audio", "m=video").encode(), "invalid_offer", "WHIP"),
        ("text/plain", SDP.encode(), None, "text/plain"),
        ("", SDP.encode(), None, "application/sdp"),
        (FORM, form(session=b"{}"), "missing_required_parameter", "'sdp'"),
        (FORM, SDP.encode(), "missing_required_parameter", "'sdp'"),
        ("multipart/form-data", form(sdp=SDP.encode()), "missing_required_parameter", "'sdp'"),
        (FORM, form(sdp=SDP.encode(), session=b"{"), "invalid_json", "JSON"),
        (FORM, form(sdp=SDP.encode(), session=b"[]"), "invalid_type", "'session'"),
        ("application/json", b"[" * 100_000, "invalid_json", "JSON"),
        ("application/json", b"{}", "missing_required_parameter", "'sdp'"),
        ("application/json", b'{"sdp": 1}', "invalid_type", "'sdp'"),
        ("application/json", b'{"sdp": "v=0", "session": "x"}', "invalid_type", "'session'"),
    ],
)
def test_a_body_that_holds_no_offer_is_refused(kind: str, body: bytes, code: str | None, words: str) -> None:
    """The error names what is wrong with it."""
    with pytest.raises(ApiError) as refused:
        read_offer(kind, body)

    assert refused.value.code == code
    assert words in refused.value.message
