"""What the events of a server mean for the exit code."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import ExitCode
from rtcli.protocol.outcome import outcome


def done(status: str) -> dict[str, Any]:
    return {"type": "response.done", "response": {"id": "r", "status": status}}


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "error", "error": {"code": "x"}}, ExitCode.SERVER_ERROR),
        (done("failed"), ExitCode.RESPONSE_FAILED),
        (done("incomplete"), ExitCode.RESPONSE_FAILED),
        (done("cancelled"), ExitCode.OK),
        (done("completed"), ExitCode.OK),
        ({"type": "response.done", "response": None}, ExitCode.OK),
        ({"type": "session.updated"}, ExitCode.OK),
    ],
)
def test_what_an_event_means_for_the_exit_code(event: dict[str, Any], code: ExitCode) -> None:
    """Errors are 4, failed and incomplete responses 5, a cancelled response no failure."""
    assert outcome(event) == code
