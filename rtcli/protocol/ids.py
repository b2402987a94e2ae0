"""Ids as rows show them and people type them back: whole, or a start, an ellipsis and an end."""

from __future__ import annotations

from collections.abc import Iterable

_ELLIPSIS = "…"
_KEPT_END = 5
"""Characters of an id's end that stay."""

_MIN_END = 3
"""A bare end shorter than this would fit too much."""


def short_id(id_: str) -> str:
    """`item_AbCdEfGhIjKlMnOpQrStU` as `item_…QrStU`: a row has room for it, and `fits` takes it back."""
    kind, underscore, rest = id_.partition("_")
    if not underscore or len(rest) <= _KEPT_END + 3:
        return id_ if len(id_) <= 16 else f"{id_[:6]}{_ELLIPSIS}{id_[-_KEPT_END:]}"
    return f"{kind}_{_ELLIPSIS}{id_[-_KEPT_END:]}"


def fits(id_: str, typed: str) -> bool:
    """Whether a typed form stands for an id: `item_AbCdEf`, `item_…bCdEf`, `…bCdEf`, or the end alone."""
    start, ellipsis, end = typed.partition(_ELLIPSIS)
    if not ellipsis:
        return id_ == typed or (len(typed) >= _MIN_END and id_.endswith(typed))
    return id_.startswith(start) and id_.endswith(end) and len(end) >= _MIN_END


def expand(typed: str, known: Iterable[str]) -> str:
    """The one known id that a typed form stands for; the form itself where that is none or several."""
    known = tuple(known)
    if typed in known:
        return typed
    found = [id_ for id_ in known if fits(id_, typed)]
    return found[0] if len(found) == 1 else typed
