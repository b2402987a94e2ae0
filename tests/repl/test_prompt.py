"""What Enter does with JSON."""

from __future__ import annotations

import pytest

from rtcli.repl.prompt import unfinished


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", False),
        ('{"type": "response.create"}', False),
        ('{"type": "response.create"', True),
        ("{", True),
        ('{"type": "resp', True),
        ('{"a": [1,\n2', True),
        ('{"a": 1,\n', False),
        ("{broken: 1}", False),
        ('  {"a":', True),
        ('{"a": 1} trailing', False),
        ('{"a": ' + "[" * 100_000, False),
        ('{"a": ' + "1" * 5_000 + "}", False),
    ],
)
def test_json_that_is_not_ended_goes_on_in_the_next_row(text: str, expected: bool) -> None:
    """Broken JSON is sent and refused with a reason; an empty row ends the waiting."""
    assert unfinished(text) is expected
