"""What the events of a server mean for the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.errors import ExitCode


def outcome(event: Mapping[str, Any]) -> ExitCode:
    """What one server event means for the exit code. A response that was cancelled is not a failure."""
    if event.get("type") == "error":
        return ExitCode.SERVER_ERROR
    response = event.get("response")
    if event.get("type") == "response.done" and isinstance(response, Mapping):
        return ExitCode.RESPONSE_FAILED if response.get("status") in ("failed", "incomplete") else ExitCode.OK
    return ExitCode.OK
