"""The language of /filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.protocol.filters import parse_filter
from rtcli.protocol.record import Direction, Frame


def frame(type_: str, direction: str = "<", **fields: Any) -> Frame:
    return Frame(1, 0.0, Direction(direction), {"type": type_, **fields}, 10)


def matches(expression: str, record: Frame) -> bool:
    return parse_filter(expression).matches(record)


DELTA = frame("response.output_text.delta", item_id="item_AAAAAAAAAAAAAAAA12345")
CREATE = frame("response.create", ">")
ADDED = frame("conversation.item.added", item={"id": "item_B"}, previous_item_id="item_A")
DONE = frame("response.done", response={"status": "failed", "output": [{"id": "item_B"}]})
BAD = Frame(2, 0.0, Direction.RECEIVED, None, 3, problem="not JSON")


@pytest.mark.parametrize(
    ("expression", "record", "expected"),
    [
        ("", BAD, True),
        ("response.*", DELTA, True),
        ("response.*", ADDED, False),
        ("response", DELTA, False),
        ("*.delta", DELTA, True),
        ("response.d?ne", DONE, True),
        ("<", DELTA, True),
        ("<", CREATE, False),
        (">", CREATE, True),
        ("-*.delta", DELTA, False),
        ("-*.delta", CREATE, True),
        ("response.* -*.delta <", DONE, True),
        ("response.* -*.delta <", CREATE, False),
        ("item=item_B", ADDED, True),
        ("item=item_A", ADDED, False),
        ("item=item_B", DONE, True),
        ("item=item_…12345", DELTA, True),
        ("item=item_…54321", DELTA, False),
        ("item=12345", DELTA, True),
        ("-item=item_B", DELTA, True),
        ("error", frame("error", error={}), True),
        ("error", DONE, True),
        ("error", BAD, True),
        ("error", frame("mcp_list_tools.failed"), True),
        ("error", DELTA, False),
        ("-error", DELTA, True),
        ("response.*", BAD, False),
    ],
)
def test_every_term_has_to_match(expression: str, record: Frame, expected: bool) -> None:
    """Globs, directions, items (also in the short form of the rows), trouble; `-` turns any of them around."""
    assert matches(expression, record) is expected


@pytest.mark.parametrize("expression", ["-", "response.* -", "colour=red", "item=", "{}", "--"])
def test_a_term_that_can_match_nothing_is_refused(expression: str) -> None:
    """A typing mistake must not look like a quiet server."""
    with pytest.raises(UsageError):
        parse_filter(expression)


@pytest.mark.parametrize("event", [{"type": 7}, {"type": "x", "item": 3, "response": [], "item_id": None}, {}])
def test_odd_frames_are_filtered_like_any_other(event: Mapping[str, Any]) -> None:
    """A server may send anything: no frame makes a filter fail."""
    record = Frame(1, 0.0, Direction.RECEIVED, event, 1)

    assert [matches(term, record) for term in ("item=item_B", "error", "-error")] == [False, False, True]
