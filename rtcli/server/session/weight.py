"""How much memory a value takes: what a session keeps of its clients is bounded by it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def weight(value: Any) -> int:
    """Bytes of a JSON value: its texts as Python holds them (up to four a character), lists and objects included."""
    total, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        total += sys.getsizeof(one)
        if isinstance(one, Mapping):
            waiting += one
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one
    return total
