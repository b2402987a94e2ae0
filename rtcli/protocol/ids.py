"""The ids in an event, as rows show them, and as users type them back: whole, or a start, an ellipsis and an end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rtcli.masking import masked

_ID_KEYS = ("event_id", "item_id", "response_id", "call_id")
_PARTS = ("item", "response", "session", "error")
_PART_ID_KEYS = ("id", *_ID_KEYS)
_ELLIPSIS = "…"
_KEPT_END = 5
"""Characters of an id's end that stay."""

_MIN_END = 3
"""A bare end shorter than this would fit too much."""


def short_id(id_: str) -> str:
    """`item_AbCdEfGhIjKlMnOpQrStU` as `item_…QrStU`: a row has room for it, and `fits` takes it back."""
    if (without := masked(id_)) != id_:
        return without
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
    # A whole id first: it may also be the end of another one.
    if typed in known:
        return typed
    found = [id_ for id_ in known if fits(id_, typed)]
    return found[0] if len(found) == 1 else typed


def ids_of(event: Mapping[str, Any]) -> list[str]:
    """Every id that an event carries, its own and those of the item, response or session in it."""
    # A list, and loops that are written out: every frame of a session is asked.
    ids = []
    for key in _ID_KEYS:
        if isinstance(value := event.get(key), str):
            ids.append(value)
    for part in _PARTS:
        inner = event.get(part)
        if inner is not None and isinstance(inner, Mapping):  # None first: it is cheap, and nearly always so
            ids += [value for key in _PART_ID_KEYS if isinstance(value := inner.get(key), str)]
    return ids
