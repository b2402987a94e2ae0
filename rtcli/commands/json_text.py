"""JSON as people type and paste it: one object, or several behind each other, over any number of lines."""

from __future__ import annotations

import json
from typing import Any

from rtcli.errors import UsageError


def parse_events(text: str) -> list[dict[str, Any]]:
    """Objects one after the other, or in an array. Raises UsageError that names line and column."""
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    at = 0
    while at < len(text):
        if text[at].isspace() or text[at] == ",":
            at += 1
            continue
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise UsageError(
                "this is not JSON", why=f"{error.msg} (line {error.lineno}, column {error.colno})"
            ) from error
        except RecursionError as error:
            raise UsageError("this is not JSON", why="nested too deeply") from error
        for entry in value if isinstance(value, list) else [value]:
            if not isinstance(entry, dict):
                raise UsageError(f"expected a JSON object, not {json.dumps(entry)[:40]}")
            found.append(entry)
    return found


def parse_object(text: str) -> dict[str, Any]:
    """One object. Raises UsageError."""
    found = parse_events(text)
    if len(found) != 1:
        raise UsageError(f"expected one JSON object, not {len(found)}")
    return found[0]
