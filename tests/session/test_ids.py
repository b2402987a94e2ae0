"""Ids in their short forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.session.ids import expand, fits, shortened

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
def test_a_shortened_id_can_be_typed_back(id_: str) -> None:
    """What a table shows is enough to name it."""
    assert fits(id_, shortened(id_))
