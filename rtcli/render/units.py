"""Figures as a user reads them: sizes here, moments and durations from the protocol layer, which commands need too."""

from __future__ import annotations

from rtcli.protocol.times import clock, duration, since

__all__ = ["clock", "duration", "since", "size"]


def size(length: float) -> str:
    """`812 B`, `166 kB`, `2.4 MB`."""
    if length < 1000:
        return f"{length:.0f} B"
    return f"{length / 1000:.0f} kB" if length < 1e6 else f"{length / 1e6:.1f} MB"
