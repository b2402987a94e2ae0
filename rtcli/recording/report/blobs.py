"""Data inside of a page: where no text of a session can end its element, or run."""

from __future__ import annotations

import base64
import gzip
import re
from typing import Any

from rtcli.masking import masked_value
from rtcli.protocol.events import encode

# What HTML and JavaScript read in a script element as more than the characters of a JSON string.
_SPECIAL = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
_SAFE_ID = re.compile(r"[a-z0-9-]+")


def json_element(name: str, value: Any) -> bytes:
    """A value as JSON, without its secrets, that nobody runs."""
    # Escaped as JSON does it, and not as HTML: a script element is not parsed for entities.
    text = encode(masked_value(value)).translate(_SPECIAL)
    return _element(name, "application/json", text.encode("utf-8", "replace"))


def packed_element(name: str, data: bytes) -> bytes:
    """Bytes as gzip in base64."""
    # no time of day in it: the same session makes the same page
    return _element(name, "application/gzip", base64.b64encode(gzip.compress(data, 6, mtime=0)))


def base64_element(name: str, data: bytes) -> bytes:
    """Bytes that gzip would not make smaller, in base64."""
    return _element(name, "application/octet-stream", base64.b64encode(data))


def _element(name: str, type_: str, text: bytes) -> bytes:
    # The names are ours, so this is a bug if it happens, and must not become a hole.
    if not _SAFE_ID.fullmatch(name):
        raise ValueError(f"not a name for an element: {name!r}")
    return b'<script type="%s" id="%s">%s</script>\n' % (type_.encode(), name.encode(), text)
