"""The value that says "not given", where None is a value of its own."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal


class Unset(Enum):
    """One member, so that a type checker can narrow it away."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET
