"""Session descriptions."""

from __future__ import annotations

import pytest

from rtcli.rtc.sdp import max_message_bytes, without_candidates


def test_addresses_are_taken_out() -> None:
    """And nothing else, whatever ends the lines."""
    text = "v=0\r\na=candidate:1 1 udp 1 10.0.0.7 9 typ host\r\na=end-of-candidates\r\na=mid:0\r\n"

    assert without_candidates(text) == "v=0\r\na=mid:0\r\n"
    assert without_candidates("v=0\na=mid:0\n") == "v=0\na=mid:0\n"


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ("a=max-message-size:262144", 262_144),
        ("a=max-message-size:0", None),
        ("a=max-message-size:many", 65_536),
        ("a=mid:0", 65_536),
    ],
)
def test_how_large_a_message_may_be(line: str, size: int | None) -> None:
    """0 is any size; who says nothing takes 64 KiB."""
    assert max_message_bytes(f"v=0\r\n{line}\r\n") == size
