"""Ids as rows show them and people type them: whole, or a start, an ellipsis and an end."""

from __future__ import annotations

from collections.abc import Iterable

_ELLIPSIS = "…"
_SHORTEST_END = 3
"""A bare end shorter than this would fit too much."""


def fits(id_: str, typed: str) -> bool:
    """Whether a typed form stands for an id: `item_AbCdEf`, `item_…bCdEf`, `…bCdEf`, or the end alone."""
    start, ellipsis, end = typed.partition(_ELLIPSIS)
    if not ellipsis:
        return id_ == typed or (len(typed) >= _SHORTEST_END and id_.endswith(typed))
    return id_.startswith(start) and id_.endswith(end) and len(end) >= _SHORTEST_END


def expand(typed: str, known: Iterable[str]) -> str:
    """The one known id that a typed form stands for; the form itself where that is none or several."""
    known = tuple(known)
    if typed in known:
        return typed
    found = [id_ for id_ in known if fits(id_, typed)]
    return found[0] if len(found) == 1 else typed


def shortened(id_: str) -> str:
    """For a table: the kind of an id and its end."""
    kind, underscore, rest = id_.partition("_")
    return f"{kind}_{_ELLIPSIS}{rest[-5:]}" if underscore and len(rest) > 8 else id_
