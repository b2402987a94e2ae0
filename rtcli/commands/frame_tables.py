"""Frames, and what happened between them, as rows: what they are about, what led to them, what matches a pattern."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from threading import Event
from typing import Any

from rtcli.masking import MASK, masked, masked_start
from rtcli.protocol.filters import type_of
from rtcli.protocol.ids import ids_of, short_id
from rtcli.protocol.occurrences import Occurrence
from rtcli.protocol.patterns import Pattern
from rtcli.protocol.record import Frame
from rtcli.protocol.units import duration, since
from rtcli.views import Table

MAX_MATCHES = 50
_AROUND, _MAX_MATCH = 32, 64
"""Characters of an excerpt on each side of what matches, and of that itself."""

_MAX_WORDS = 90
# the third column is the direction, an arrow that needs no heading
_COLUMNS = ("#", "time", "", "type")
_BLANKS = re.compile(r"\s+")
_PAYLOADS = re.compile(r"[A-Za-z0-9+/]{256,}={0,2}")  # shorter ones are ids and words


def chain_table(chain: Sequence[Frame | Occurrence], title: str) -> Table:
    """A chain of causes, the newest first; `after` is the time since the row below."""
    # The newest is first, so each row's predecessor in time is the one below it.
    waited = [duration((one.at - before.at) * 1000) for one, before in pairwise(chain)]
    rows = tuple((*_begin(one), *_what(one), after) for one, after in zip(chain, [*waited, ""], strict=True))
    return Table((*_COLUMNS, "about", "cause", "after"), rows, title=title)


class Matches:
    """The last frames that match a pattern, and how many do."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self.count = 0
        # Rows, not frames: a frame that is kept here would hold its audio in memory.
        self._last: deque[tuple[str, ...]] = deque(maxlen=MAX_MATCHES)

    def search(self, records: Iterable[Frame | Occurrence], stop: Event) -> None:
        """Look at what happened, also in another thread, until `stop` is set.

        Raises UsageError for a pattern that hangs.
        """
        for one in records:
            if stop.is_set():
                return
            text = f"{one.kind} {one.words}" if isinstance(one, Occurrence) else _searchable(one)
            if (span := self._pattern.span(text)) is not None:
                self.count += 1
                self._last.append((*_begin(one), self._around(text, span)))

    def _around(self, text: str, span: tuple[int, int]) -> str:
        """The match and what is beside it, looked for again where a secret is masked: an excerpt could begin in one."""
        if (without := masked(text)) == text:
            return _excerpt(text, *span)
        again = self._pattern.span(without)
        return _excerpt(without, *again) if again is not None else MASK

    def table(self, title: str) -> Table:
        """The rows, with what is around the match."""
        return Table((*_COLUMNS, "match"), tuple(self._last), title=title)


def _begin(one: Frame | Occurrence) -> tuple[str, str, str, str]:
    if isinstance(one, Occurrence):
        return "", since(one.at), "·", one.kind
    return str(one.number), since(one.at), str(one.direction), type_of(one) or "not an event"


def _what(one: Frame | Occurrence) -> tuple[str, str]:
    """What it is about, and what led to it."""
    if isinstance(one, Occurrence):
        return masked_start(one.words, _MAX_WORDS), ""
    return _about(one.event or {}) or one.problem, one.cause


def _about(event: Mapping[str, Any]) -> str:
    """The ids that an event is about (not its own), and why it failed if it did."""
    ids = [short_id(name) for name in dict.fromkeys(ids_of(event)) if name != event.get("event_id")]
    error = event.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    response = event.get("response")
    status = response.get("status") if isinstance(response, Mapping) else None
    return " ".join(str(part) for part in (*ids, status, code) if part)


def _searchable(frame: Frame) -> str:
    """An event as text without its base64, in which anything would match; of no event, what came."""
    if frame.event is None:
        return frame.raw if isinstance(frame.raw, str) else frame.raw.decode(errors="replace")
    return _PAYLOADS.sub("", json.dumps(frame.event, ensure_ascii=False))


def _excerpt(text: str, start: int, end: int) -> str:
    """What matches between a few characters on each side, in one line."""
    # A pattern like .* matches a whole event.
    end = min(end, start + _MAX_MATCH)
    first, last = max(0, start - _AROUND), min(len(text), end + _AROUND)
    cut = _BLANKS.sub(" ", text[first:last])
    return f"{'…' if first else ''}{cut}{'…' if last < len(text) else ''}"
