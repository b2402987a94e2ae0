"""The record of a frame."""

from __future__ import annotations

import pytest

from rtcli.protocol.record import size_of


@pytest.mark.parametrize(
    ("raw", "size"),
    [("", 0), ("abc", 3), ("ä€", 5), (b"\xc3\xa4", 2), ("\ud800", 3)],
    ids=["empty", "ascii", "text", "bytes", "lone surrogate"],
)
def test_a_frame_is_measured_in_bytes(raw: str | bytes, size: int) -> None:
    """Text counts as the UTF-8 that crosses the wire."""
    assert size_of(raw) == size
