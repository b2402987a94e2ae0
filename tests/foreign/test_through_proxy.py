"""The official clients, unmodified, through the proxy: their conversations pass as they do without it."""

from __future__ import annotations

import pytest

from tests.foreign.conftest import Drive
from tests.foreign.test_clients import DRIVERS

pytestmark = pytest.mark.foreign

FAST = "openai_agents"


@pytest.mark.parametrize(
    "driver", [driver if driver == FAST else pytest.param(driver, marks=pytest.mark.slow) for driver in DRIVERS]
)
def test_every_conversation_passes_unchanged(drive: Drive, driver: str) -> None:
    """Every check of the driver holds, every event fits the typed models, and the rules find nothing."""
    outcome = drive(driver, "tone", through=True)

    assert {name: failure for name, failure in outcome.checks.items() if failure is not None} == {}
    assert outcome.problems == []
    assert outcome.false_alarms == []
    assert len(outcome.events) > 20
    assert outcome.sessions > 5
