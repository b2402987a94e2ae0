"""Ids in the shapes that the API gives them."""

from __future__ import annotations

import random
import string

_ALPHABET = string.ascii_letters + string.digits
_random = random.SystemRandom()  # client secrets are made with it too


def new_id(prefix: str) -> str:
    """`event_`, `item_`, `resp_`, `sess_`, `conv_` with 21 characters; a function's `call_` has 16."""
    return f"{prefix}_{random_text(16 if prefix == 'call' else 21)}"


def random_text(length: int) -> str:
    """Letters and digits: for ids, and as the padding of deltas."""
    return "".join(_random.choices(_ALPHABET, k=length))


def random_hex(length: int) -> str:
    """Hexadecimal digits, lower-case."""
    return "".join(_random.choices("0123456789abcdef", k=length))
