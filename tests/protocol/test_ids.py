"""Ids in their short forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.protocol.ids import expand, fits, short_id

KNOWN = ("item_AbCdEfGhIjKl", "item_ZzCdEfGhXxKl", "call_1")


@pytest.mark.parametrize("typed", ["item_AbCdEfGhIjKl", "item_…hIjKl", "…IjKl", "IjKl"])
def test_every_form_stands_for_the_id(typed: str) -> None:
    """Whole, as a row shows it, or by its end."""
    assert fits(KNOWN[0], typed)
    assert expand(typed, KNOWN) == KNOWN[0]


@pytest.mark.parametrize("typed", ["", "l", "…l", "item_…", "resp_…hIjKl", "AbCd"])
def test_what_says_too_little_or_something_else_fits_nothing(typed: str) -> None:
    """A letter is no name."""
    assert not fits(KNOWN[0], typed)


def test_what_fits_several_or_none_stays_as_it_was_typed() -> None:
    """The server, or the message, has the last word."""
    assert [expand(typed, (*KNOWN, "x_jKl")) for typed in ("jKl", "nothing", "call_1")] == ["jKl", "nothing", "call_1"]


@given(st.text(alphabet="abcXYZ019_", min_size=1, max_size=30))
def test_a_short_id_can_be_typed_back(id_: str) -> None:
    """What a table shows is enough to name it."""
    assert fits(id_, short_id(id_))


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("item_AbCdEfGhIjKlMnOpQrStU", "item_…QrStU"),
        ("call_abcdefghijklmnop", "call_…lmnop"),
        ("item_1", "item_1"),
        ("msg", "msg"),
        ("0123456789abcdef0123456789abcdef", "012345…bcdef"),
    ],
)
def test_ids_keep_their_kind_and_end(id_: str, expected: str) -> None:
    """Short enough for a row, long enough to tell apart."""
    assert short_id(id_) == expected
