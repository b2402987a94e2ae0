"""Made-up scenarios are about everything that the recorded ones are about, and what is counted is really there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.differential.__main__ import make, plan
from tests.differential.subjects import SUBJECTS, counted

_ENOUGH = 2000  # scenarios in which every subject comes up


@pytest.mark.slow
def test_made_up_scenarios_are_about_every_subject() -> None:
    """Whatever a transport is asked for, and each kind of input that was once read wrongly."""
    counts: Counter[str] = Counter()
    for batch in plan(_ENOUGH, 1):
        counts += counted(make(*batch))

    assert [name for name in SUBJECTS if not counts[name]] == []


_AGAIN = {"call": "resetHistory", "args": [[], []]}
_REFUSED = {"server": {"type": "error", "error": {"event_id": "agents_create_1"}}}


@pytest.mark.parametrize(
    ("subject", "steps", "is_about"),
    [
        ("history, after a refused edit", [_AGAIN, _REFUSED, _AGAIN], True),
        ("history, after a refused edit", [_REFUSED, _AGAIN, _AGAIN], False),
        ("request in a turn_started listener", [{"on": "turn_started", "do": [{"call": "requestResponse"}]}], True),
        ("request in a turn_started listener", [{"on": "audio", "do": [{"call": "requestResponse"}]}], False),
        ("tool_choice, null", [{"call": "updateSessionConfig", "args": [{"toolChoice": None}]}], True),
        ("tool_choice, null", [{"call": "updateSessionConfig", "args": [{}]}], False),
        ("connect_payload", [{"call": "connect", "args": [{"initialSessionConfig": {}}]}], True),
        ("connect_payload", [{"call": "connect", "args": [{"initialSessionConfig": {}}], "setup": True}], False),
    ],
)
def test_a_scenario_counts_for_what_it_is_about(subject: str, steps: list[dict[str, Any]], is_about: bool) -> None:
    """And not for what merely looks like it."""
    assert counted([{"steps": steps}])[subject] == is_about
