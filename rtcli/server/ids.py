"""Ids in the shapes that the API gives them."""

from __future__ import annotations

import os
import string

_ALPHABET = (string.ascii_letters + string.digits).encode()
_EVEN = 256 // len(_ALPHABET) * len(_ALPHABET)
_OF_BYTE = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))
_UNEVEN = bytes(range(_EVEN, 256))  # with these some characters would come more often than others


def new_id(prefix: str) -> str:
    """`event_`, `item_`, `resp_`, `sess_`, `conv_` with 21 characters; a function's `call_` has 16."""
    return f"{prefix}_{random_text(16 if prefix == 'call' else 21)}"


def random_text(length: int) -> str:
    """Letters and digits, from the system's randomness, which also client secrets need: one call of it for all."""
    text = b""
    while len(text) < length:
        text += os.urandom(length + 8).translate(_OF_BYTE, _UNEVEN)
    return text[:length].decode()


def random_hex(length: int) -> str:
    """Hexadecimal digits, lower-case."""
    return os.urandom((length + 1) // 2).hex()[:length]
