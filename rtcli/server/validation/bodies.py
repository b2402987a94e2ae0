"""The body of an HTTP request as the JSON that it has to be."""

from __future__ import annotations

from typing import Any

from rtcli.protocol.events import read_json
from rtcli.server.validation.api_errors import invalid_json


def json_of(body: bytes) -> Any:
    """The value; {} for an empty body. Raises ApiError for what is not JSON."""
    try:
        return read_json(body or b"{}")
    except ValueError as error:  # arrays in arrays in arrays
        raise invalid_json(str(error)) from error
