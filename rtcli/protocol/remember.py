"""A dict as a bounded memory: the newest entries stay."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def remember(known: dict[K, V], key: K, value: V, limit: int) -> None:
    """Note a value as the newest entry; beyond `limit` the oldest one is forgotten."""
    known.pop(key, None)
    if len(known) >= limit:
        del known[next(iter(known))]
    known[key] = value
