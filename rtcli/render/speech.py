"""The text of one stream while it is being made: full rows leave for good, the unfinished rest is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from itertools import chain

from rtcli.masking import incomplete, masked
from rtcli.render.markdown import MarkdownRows
from rtcli.render.styles import Line, Span
from rtcli.render.text import cut, cut_left, one_line, visible, wrap
from rtcli.render.written import WrittenText
from rtcli.views import SpeechDelta, SpeechDone

_LABELS = {"assistant": Span("assistant", "● "), "user": Span("you", "○ ")}
MAX_OPEN = 64
"""Streams whose end is still waited for; a server has a handful. Beyond them the oldest ends as it stands."""

STEP = 16 * 1024
"""Characters that are looked at in one go, at least."""

_INDENT = 2
_LEFT_COLUMNS = 60


@dataclass(slots=True)
class SpeechText:
    """One stream of text, named by role, item and part. `width` is given with each question: terminals change."""

    role: str
    received: WrittenText = field(default_factory=WrittenText)  # all of it, as it came
    rest: str = ""  # made visible and masked, not yet looked at or not yet a full row
    looked: int = 0  # characters of it that are known to fill no row
    has_more: bool = False  # there may be more full rows, which `take_rows` has left for its next call
    waiting: list[str] = field(default_factory=list)  # pieces that nobody has looked at yet
    waiting_size: int = 0  # their characters
    labeled: bool = False  # a row has left: the next ones are indented
    starts_line: bool = True  # of the source, which a terminal's row need not be
    markdown: MarkdownRows = field(default_factory=MarkdownRows)

    def append(self, delta: str) -> None:
        """Take a piece; nothing is worked out before somebody looks."""
        self.received.append(delta)
        self.waiting.append(delta)
        self.waiting_size += len(delta)

    @property
    def size(self) -> int:
        """Characters that have not left as rows."""
        return len(self.rest) + self.waiting_size

    def take_rows(self, width: int, step: int = STEP) -> list[Line]:
        """The rows that are full now (by a newline or by the width), each handed out once; of much text only the first
        of them: `has_more` says so, and the prompt answers in between."""
        self._settle()
        end = self.looked + step
        later = self.rest[end:]
        *lines, rest = self.rest[:end].split("\n")
        finished = []
        for line in lines:
            rows, last = wrap(line, self._room(width))
            finished += [self._row(row, ends_line=False) for row in rows]
            finished.append(self._row(last, ends_line=True))
        rows, rest = wrap(rest, self._room(width))
        self.looked, self.has_more = len(rest) if later else 0, bool(later)
        self.rest = rest + later
        return finished + [self._row(row, ends_line=False) for row in rows]

    def tail(self, width: int) -> Line:
        """The unfinished row, as it looks right now, at most `width` columns; () when there is none."""
        if not self.rest:
            return ()
        # the row is styled again when it is full; what it opens now must not stay open
        ahead = copy(self.markdown)
        text = cut_left(self.rest, self._room(width))
        return (self._start(), *ahead.style(text, starts_line=self.starts_line, ends_line=True))

    def finish(self, done: SpeechDone, width: int) -> Iterator[Line]:
        """Every row that is left, and what was not heard. A text that differs from its pieces is shown whole."""
        whole, received = done.text, self.received
        if done.heard is not None:  # more of it came than was heard: what nobody saw yet is told below
            whole = whole[: max(received.length, done.heard)]
        # usual: only what the deltas left out is still to be shown
        if received.begins(whole):
            self.append(whole[received.length :])
        elif whole:
            yield from self._close(width)
            # the server changed its mind: the text as it says it was, whole, under a label of its own
            self.labeled, self.markdown = False, MarkdownRows()
            self.append(whole)
        yield from self._close(width)
        if done.heard is not None:
            yield from _not_heard(done.text[done.heard :])

    def abandon(self, width: int) -> Iterator[Line]:
        """What is left of a stream whose end never came."""
        return self._close(width)

    def _close(self, width: int) -> Iterator[Line]:
        self._settle(ended=True)
        yield from self.take_rows(width)
        while self.has_more:
            yield from self.take_rows(width)
        if self.rest:
            yield self._row(self.rest, ends_line=True)
        self.rest, self.starts_line = "", True

    def _settle(self, *, ended: bool = False) -> None:
        if self.waiting:
            text = self.rest + visible("".join(self.waiting))
            held = 0 if ended else incomplete(text)  # a secret that is still arriving: it is masked when it is whole
            shown = len(text) - held
            self.rest, self.waiting[:] = masked(text[:shown]), [text[shown:]] if held else []
            self.waiting_size = held

    def _row(self, text: str, *, ends_line: bool) -> Line:
        line = self.markdown.style(text, starts_line=self.starts_line, ends_line=ends_line)
        label = self._start()
        self.labeled, self.starts_line = True, ends_line
        return (label, *line)

    @property
    def label(self) -> Span:
        """Who speaks, in as many columns as the indent of the rows that follow."""
        return _LABELS.get(self.role, Span("bold", "· "))

    def _start(self) -> Span:
        return Span("", " " * _INDENT) if self.labeled else self.label

    @staticmethod
    def _room(width: int) -> int:
        return max(width - _INDENT, 1)


def _not_heard(text: str) -> list[Line]:
    words = one_line(masked(text.strip()))
    return [(Span("muted", f"  ⟂ not heard: “{cut(words, _LEFT_COLUMNS)}”"),)] if words else []


class SpeechTexts:
    """All streams that are open, in the order in which they began."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str, int], SpeechText] = {}
        self._left: list[SpeechText] = []  # streams that were open for so long that others took their place
        self._last: SpeechText | None = None
        self.has_more = False  # `take_rows` has left something for its next call

    def append(self, delta: SpeechDelta) -> None:
        """Take a piece of the stream that it names."""
        key = (delta.role, delta.item_id, delta.content_index)
        text = self._open.get(key)
        if text is None:
            # dicts keep their order: the first key is the oldest stream
            if len(self._open) >= MAX_OPEN:
                self._left.append(self._open.pop(next(iter(self._open))))
            text = self._open[key] = SpeechText(delta.role)
        text.append(delta.delta)

    def finish(self, done: SpeechDone, width: int) -> Iterator[Line]:
        """The rest of a stream, which is closed then; each row is worked out when it is asked for."""
        text = self._open.pop((done.role, done.item_id, done.content_index), None) or SpeechText(done.role)
        return self._from(text, text.finish(done, width))

    def take_rows(self, width: int) -> list[Line]:
        """The full rows of all streams, of a long text the first; a stream that goes on after another's row is labeled
        anew."""
        rows: list[Line] = []
        budget = max(STEP, self.size // 8)  # the more waits, the more is shown at once: it must not pile up
        for text in (*self._left, *self._open.values()):
            if budget <= 0:
                break
            before = text.size
            rows += self._from(text, text.take_rows(width, budget))
            budget = 0 if text.has_more else budget - (before - text.size)
            if self._left and text is self._left[0] and not text.has_more:
                rows += self._from(text, text.abandon(width))
                del self._left[0]
        self.has_more = budget <= 0
        return rows

    @property
    def size(self) -> int:
        """Characters that have not left as rows."""
        return sum(text.size for text in (*self._left, *self._open.values()))

    def tails(self, width: int) -> list[Line]:
        """The unfinished rows."""
        return [tail for text in self._open.values() if (tail := text.tail(width))]

    def abandon(self, width: int) -> list[Line]:
        """Close every stream as it stands: the connection is gone, or the program ends."""
        rows = [row for text in (*self._left, *self._open.values()) for row in self._from(text, text.abandon(width))]
        self._left.clear()
        self._open.clear()
        return rows

    def interrupt(self) -> None:
        """Something else was shown: whichever stream goes on says again who speaks."""
        self._last = None

    def _from(self, text: SpeechText, rows: Iterable[Line]) -> Iterator[Line]:
        rest = iter(rows)
        first = next(rest, None)
        if first is None:
            return iter(())
        if self._last is not text:
            first = (text.label, *first[1:])
            self._last = text
        return chain((first,), rest)
