"""The language of /filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.filters import parse_filter
from rtcli.protocol.record import Direction, Frame
from tests.kit.filter_vectors import REFUSED, VECTORS


def matches(expression: str, record: Frame) -> bool:
    return parse_filter(expression).matches(record)


@pytest.mark.parametrize(("expression", "record", "expected"), VECTORS)
def test_every_term_has_to_match(expression: str, record: Frame, expected: bool) -> None:
    """Globs, directions, items (also in the short form of the rows), trouble; `-` turns any of them around."""
    assert matches(expression, record) is expected


@pytest.mark.parametrize("expression", REFUSED)
def test_a_term_that_can_match_nothing_is_refused(expression: str) -> None:
    """A typing mistake must not look like a quiet server."""
    with pytest.raises(UsageError):
        parse_filter(expression)


@pytest.mark.parametrize("event", [{"type": 7}, {"type": "x", "item": 3, "response": [], "item_id": None}, {}])
def test_odd_frames_are_filtered_like_any_other(event: Mapping[str, Any]) -> None:
    """A server may send anything: no frame makes a filter fail."""
    record = Frame(1, 0.0, Direction.RECEIVED, event, 1)

    assert [matches(term, record) for term in ("item=item_B", "error", "-error")] == [False, False, True]
