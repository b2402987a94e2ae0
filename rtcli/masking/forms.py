"""The ways in which a secret value may be written, and how much of it tells it from other text."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Collection, Iterator
from urllib.parse import quote, quote_plus

MASK = "[masked]"
MIN_LENGTH = 8
"""A shorter value would take words out of ordinary text."""

_KIND = re.compile(r"(?:sk|ek|sess)-|ek_")
_OPENING = re.compile(r"(?:sk|ek|sess)-(?:(?:proj|svcacct|admin)-)?|ek_")  # what all keys of a kind begin with

ADDING = threading.Lock()
"""Held while a secret is added: several threads learn some, and none may undo what another has added."""


def stand_in_for(value: str) -> str:
    """What is shown where the value stood."""
    kind = _KIND.match(value)
    return f"{kind[0]}…" if kind else MASK


def written_forms(value: str) -> Iterator[str]:
    """The value as it is, and as URLs, JSON, HTML, Python and base64 have it."""
    import html  # with tables that take longer to load than all of this

    yield value
    data = _bytes_of(value)
    for quoted in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)
    for dumped in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        yield dumped[1:-1]
        yield dumped[1:-1].replace("/", "\\/")  # PHP and some proxies write it so
    yield html.escape(value)
    yield repr(value)[1:-1]
    yield from _in_base64(data)


def _bytes_of(value: str) -> bytes:
    """Half a character stands for a byte that was not UTF-8, in the environment; a line of JSON can have any."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def _in_base64(value: bytes) -> Iterator[str]:
    """The characters that the value makes wherever it stands in what was encoded (three positions are possible)."""
    # base64 takes three bytes at a time, so what a value becomes depends on what stands before it.
    for before in range(3):
        first, end = -(-before * 8 // 6), (before + len(value)) * 8 // 6
        for encoded in (base64.b64encode, base64.urlsafe_b64encode):
            piece = encoded(b"\0" * before + value).decode()[first:end]
            if len(piece) >= MIN_LENGTH:
                yield piece


def begun_length(text: str, value: str) -> int:
    """How many characters at the end of `text` begin the value."""
    window = text[-(len(value) - 1) :]
    at = window.find(value[0])
    while at >= 0 and not value.startswith(window[at:]):
        at = window.find(value[0], at + 1)
    return len(window) - at if at >= 0 else 0


def beginning(value: str, least: int = MIN_LENGTH) -> int:
    """So many characters of a value tell it from others that begin alike: `least`, in a long one 8."""
    opening = _OPENING.match(value)
    known = len(opening[0]) if opening else 0
    return min(known + max(least, min((len(value) - known) // 4, 8)), len(value))


def telling_pieces(value: str) -> Iterator[str]:
    """Every piece of a value that tells some of it, for what cannot know the text that a piece is of."""
    opening = _OPENING.match(value)
    last = len(value) - MIN_LENGTH
    return (value[at : at + MIN_LENGTH] for at in range(min(len(opening[0]) if opening else 0, last), last + 1))


def common_length(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginnings."""
    differs = (at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return next(differs, min(len(one), len(other)))


def rows_of(values: Collection[str]) -> tuple[tuple[str, str, str], ...]:
    """Each way in which values may be written, the longest first: what is looked for, all of it, what stands for it."""
    found = {form: stand_in_for(one) for one in values for form in written_forms(one)}
    rows = [(form[: beginning(form)] if form in values else form, form, by) for form, by in found.items()]
    # The longest first: a form that is a part of another must not leave the rest of that one behind.
    return tuple(sorted(rows, key=lambda row: -len(row[1])))
