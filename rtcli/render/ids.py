"""Ids in a form that a row has room for and a person can still tell apart."""

from __future__ import annotations

KEPT = 5
"""Characters of an id's end that stay."""


def short_id(id_: str) -> str:
    """`item_AbCdEfGhIjKlMnOpQrStU` as `item_…QrStU`; a short id as it is.

    Commands accept this form back: a start, an ellipsis, an end.
    """
    kind, underscore, rest = id_.partition("_")
    if not underscore or len(rest) <= KEPT + 3:
        return id_ if len(id_) <= 16 else f"{id_[:6]}…{id_[-KEPT:]}"
    return f"{kind}_…{id_[-KEPT:]}"
