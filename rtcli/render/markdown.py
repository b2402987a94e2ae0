"""Markdown styled row by row, while it streams: each row is rendered once and keeps every character it had.

The marks stay (muted), so that what is copied from the terminal is what the model wrote, and a `**` that is no
Markdown (`**kwargs`) loses nothing. A renderer of whole documents cannot run above a prompt: it has to draw an
answer again and again until its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rtcli.render.styles import Line, Span

_FENCE = re.compile(r"\s*(```|~~~)")
_HEADING = re.compile(r"#{1,6} ")
_BULLET = re.compile(r"\s*([-*+]|\d{1,3}[.)]) ")
_QUOTE = re.compile(r"\s*> ?")
_MARK = re.compile(r"`|\*\*|\*|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)")
_LOOKS = {"`": "code", "**": "bold", "*": "italic", "_": "italic"}


@dataclass(slots=True)
class MarkdownRows:
    """Styles the rows of one answer, in order; a copy of it can look ahead."""

    fenced: bool = False  # inside of a code block, which may have any number of rows
    block: str = ""  # the style of a heading that has been wrapped
    mark: str = ""  # the emphasis that is open, with which it ends again

    def style(self, row: str, *, starts_line: bool, ends_line: bool) -> Line:
        """One row; the flags say whether it begins and ends a line of the source (it may be wrapped)."""
        if starts_line:
            self.block = self.mark = ""
            if _FENCE.match(row):
                self.fenced = not self.fenced
                return (Span("muted", row),)
        if self.fenced:
            return (Span("code", row),)
        spans = tuple(span for span in self._row(row, starts_line, ends_line) if span.text)
        if ends_line:
            self.block = self.mark = ""
        return spans

    def _row(self, row: str, starts_line: bool, ends_line: bool) -> Iterator[Span]:
        start = 0
        if starts_line:
            if _HEADING.match(row):
                self.block = "heading"
            elif opening := _QUOTE.match(row) or _BULLET.match(row):
                start = opening.end()
                yield Span("accent", row[:start])
        yield from self._inline(row, start, ends_line)

    def _inline(self, row: str, start: int, ends_line: bool) -> Iterator[Span]:
        for match in _MARK.finditer(row, start):
            # a mark that does neither is a character like others: 2 * 3
            if not (self._closes(row, match) if self.mark else _opens(row, match, ends_line)):
                continue
            yield Span(self._look(), row[start : match.start()])
            yield Span("muted", match[0])
            self.mark = "" if self.mark else match[0]
            start = match.end()
        yield Span(self._look(), row[start:])

    def _look(self) -> str:
        return _LOOKS[self.mark] if self.mark else self.block

    def _closes(self, row: str, match: re.Match[str]) -> bool:
        return match[0] == self.mark and (match[0] == "`" or not row[: match.start()].endswith(" "))


def _opens(row: str, match: re.Match[str], ends_line: bool) -> bool:
    """A mark before a word; if the line ends in this row, only with its counterpart behind it."""
    rest = row[match.end() :]
    return rest[:1].strip() != "" and (not ends_line or match[0] in rest)
