"""Session descriptions."""

from __future__ import annotations

import pytest

from rtcli.rtc.sdp import check_groups, max_message_bytes, without_candidates


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


SECTIONS = ["v=0", "a=group:BUNDLE 0 1", "m=audio 9", "a=mid:0", "m=application 9", "a=mid:1"]


def test_a_group_names_sections_that_are_there() -> None:
    """Without groups there may be any."""
    check_groups("\r\n".join(SECTIONS))
    check_groups("\n".join(line for line in SECTIONS if "group" not in line))


@pytest.mark.parametrize(
    ("line", "instead"),
    [("a=mid:0", "a=mid:1"), ("a=mid:0", "a=mid:7"), ("a=mid:1", "a=odd"), ("m=application 9", "a=odd")],
)
def test_sections_without_a_name_of_their_own_are_refused(line: str, instead: str) -> None:
    """The library would fail on them later, where nobody asks for the reason."""
    with pytest.raises(ValueError, match="name"):
        check_groups("\r\n".join(instead if one == line else one for one in SECTIONS))
