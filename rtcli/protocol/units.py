"""How moments, durations and sizes are written: one form each, wherever a user reads them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from rtcli.errors import UsageError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m)?\s*", re.ASCII)


def duration(milliseconds: float) -> str:
    """`340 ms`, `2.3 s`, `1:04`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)


def size(length: float) -> str:
    """`812 B`, `166 kB`, `2.4 MB`."""
    if length < 1000:
        return f"{length:.0f} B"
    return f"{length / 1000:.0f} kB" if length < 1e6 else f"{length / 1e6:,.1f} MB"


def clock(seconds: float) -> str:
    """`12:41`, `1:00:00`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def since(seconds: float) -> str:
    """A moment of a session: `+1.234s`; from a minute on `+1:02.345`."""
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"+{whole}.{milliseconds:03}s" if whole < 60 else f"+{clock(whole)}.{milliseconds:03}"


def parse_moment(text: str) -> float | None:
    """The seconds of "90", "1:30", "0:01:30.5" or a moment as `since` writes it; None for anything else."""
    if not re.fullmatch(r"\+?(\d+:){0,2}\d+(\.\d*)?\s*s?", text.strip(), re.ASCII):
        return None
    total = 0.0
    for part in text.strip().lstrip("+").rstrip("s").split(":"):
        total = total * 60 + float(part)
    return total


def parse_seconds(value: object) -> float:
    """The seconds of a duration: a number of them, or "900ms", "1.5s", "2m". Raises UsageError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return float(value)
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise UsageError(f"{value!r} is not a duration", hint='for example 2, "1.5s" or "900ms"')
    return float(found[1]) * _UNITS[found[2] or "s"]


def wall_clock(started: datetime, seconds: float) -> str:
    """The time of day of a moment, where the reader is: `2026-11-26 15:04:05.678`."""
    moment = (started + timedelta(seconds=seconds)).astimezone()
    return moment.replace(tzinfo=None).isoformat(" ", "milliseconds")
