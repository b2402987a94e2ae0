"""What a misspelled name was probably meant to be, and the hint that says so."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest_name(name: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The known name that is most like it; None where none is so much like it as `cutoff` asks (0 to 1)."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)


def nearest_hint(name: str, known: Iterable[str], otherwise: str) -> str:
    """The hint for a name that is unknown: the one that was probably meant, else what helps otherwise."""
    near = nearest_name(name, known)
    return f"did you mean {near}?" if near else otherwise
