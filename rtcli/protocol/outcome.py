"""What the events of a server mean for the exit code, and why a response ended as it did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.errors import ExitCode, error_of
from rtcli.protocol.events import mapping_of

NO_REASON = "the server gave no reason"


def outcome(event: Mapping[str, Any]) -> ExitCode:
    """What one server event means for the exit code. A response that was cancelled is not a failure."""
    if event.get("type") == "error":
        return ExitCode.SERVER_ERROR
    response = event.get("response")
    if event.get("type") == "response.done" and isinstance(response, Mapping):
        return ExitCode.RESPONSE_FAILED if response.get("status") in ("failed", "incomplete") else ExitCode.OK
    return ExitCode.OK


def end_reasons(response: Mapping[str, Any]) -> tuple[str, ...]:
    """What a response says of its end, each once: a reason, the code or type of its error, the error's message.

    GA has them in `status_details`; other servers have text there, or an `error` in the response itself.
    """
    details = response.get("status_details")
    if isinstance(details, str):
        return (details,) if details else ()
    held = mapping_of(details)
    inner = held if held.get("error") else response
    error = error_of({"error": inner["error"]}) if inner.get("error") else {}
    words = (held.get("reason"), error.get("code") or error.get("type"), error.get("message"), held.get("message"))
    return tuple(dict.fromkeys(str(word) for word in words if word))
