"""Figures as a user reads them: durations, sizes, the time since a session began."""

from __future__ import annotations


def duration(milliseconds: float) -> str:
    """`340 ms`, `2.3 s`, `1:04`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)


def clock(seconds: float) -> str:
    """`12:41`, `1:00:00`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(length: float) -> str:
    """`812 B`, `166 kB`, `2.4 MB`."""
    if length < 1000:
        return f"{length:.0f} B"
    return f"{length / 1000:.0f} kB" if length < 1e6 else f"{length / 1e6:.1f} MB"


def since(seconds: float) -> str:
    """`+1.234s`; from a minute on `+1:02.345`."""
    if seconds < 60:
        return f"+{seconds:.3f}s"
    return f"+{clock(seconds)}.{int(seconds * 1000) % 1000:03}"
