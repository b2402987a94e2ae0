"""The body of an HTTP request as the JSON that it has to be."""

from __future__ import annotations

import json
from typing import Any

from rtcli.server.validation.api_errors import invalid_json


def json_of(body: bytes) -> Any:
    """The value; {} for an empty body. Raises ApiError for what is not JSON."""
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:  # arrays in arrays in arrays
        raise invalid_json(str(error)) from error
