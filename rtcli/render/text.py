"""Text made fit for a terminal: control characters escaped, measured, cut and wrapped in cells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

TAB = "    "

# Invisible characters: marks that reorder text (bidi), separate lines, hide in words or carry hidden text (tags).
_HIDDEN = (
    "\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f"
)
# Together with C0, C1 and DEL. A server's text may hold all of them; none may act on the terminal that shows it.
_DANGEROUS = re.compile(f"[\x00-\x09\x0b-\x1f\x7f-\x9f{_HIDDEN}]")
# Of these, what a JSON string may hold as it is.
_IN_STRINGS = re.compile(f"[\x7f-\x9f{_HIDDEN}]")
# Latin letters, typographic marks, arrows, lines and blocks: one column each, known without the table of all widths.
_FLAGS = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
_JOINER = "\u200d"
_EMOJI = re.compile("[\u200d\ufe0e\ufe0f\u20e3\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")  # of several characters
_MAX_CLUSTER = 16  # characters of the longest emoji
_NARROW = re.compile("[ -~\u00a0-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25fc]*")


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0x09:
        return TAB
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    """The text with every control character but the newline written out (`\\x1b`), tabs as spaces."""
    if text.isascii() and text.isprintable():
        return text
    return _DANGEROUS.sub(_escaped, text.replace("\r\n", "\n"))


def visible_json(text: str) -> str:
    """JSON with the control characters in its strings written as JSON writes them (`\\u009b`): it is the same value."""
    return _IN_STRINGS.sub(lambda match: json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f", text)


def one_line(text: str) -> str:
    """Like `visible`, and newlines are written out as ⏎."""
    return visible(text).replace("\n", "⏎")


def cells(text: str) -> int:
    """How many columns the text takes."""
    if _NARROW.fullmatch(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """At most `width` columns of the text, the last of them an ellipsis if something is missing."""
    if cells(text) <= width:
        return text
    return text[: _fitting(text, max(width - 1, 0))] + "…" if width > 0 else ""


def cut_left(text: str, width: int) -> str:
    """The end of the text in at most `width` columns, the first of them an ellipsis if something is missing."""
    if cells(text) <= width:
        return text
    kept, used = "", 1
    for cluster in reversed(list(clusters(text[-_MAX_CLUSTER * max(width, 1) :]))):
        used += cells(cluster)
        if used > width:
            break
        kept = cluster + kept
    return "…" + kept if width > 0 else ""


def clusters(text: str) -> Iterator[str]:
    """What a reader takes for one character each: a letter with its accents, an emoji of several, a flag."""
    from rich.cells import get_character_cell_size

    start, length = 0, len(text)
    while start < length:
        end = start + 1
        if _FLAGS.fullmatch(text, start, start + 2):
            end += 1
        while end < length and (
            _JOINER in (text[end], text[end - 1])
            or _SKIN.match(text, end)
            or (not text[end].isascii() and get_character_cell_size(text[end]) == 0)
        ):
            end += 1
        yield text[start:end]
        start = end


def _fitting(text: str, width: int) -> int:
    """How many characters from the start fit into `width` columns, no cluster of them cut."""
    if _NARROW.fullmatch(text):
        return min(len(text), width)
    # letter by letter, accents (of no width) with their letters; clusters take longer to find
    from rich.cells import get_character_cell_size

    pieces, measure = (clusters(text), cells) if _EMOJI.search(text) else (iter(text), get_character_cell_size)
    used = index = 0
    for piece in pieces:
        used += measure(piece)
        if used > width:
            return index
        index += len(piece)
    return len(text)


def wrap(text: str, width: int) -> tuple[list[str], str]:
    """Text without newlines as full rows of at most `width` columns, and the rest that still fits in one.

    Breaks at a space, which goes away; a word longer than a row is broken. Nothing else is lost: the words of
    the rows and the rest are the words of the text.
    """
    rows, start = [], 0
    for row, end in _full_rows(text, width):
        rows.append(row)
        start = end
    return rows, text[start:]


def all_rows(text: str, width: int) -> Iterator[str]:
    """The same rows and the rest, each worked out when it is asked for."""
    start = 0
    for row, end in _full_rows(text, width):
        yield row
        start = end
    yield text[start:]


def _full_rows(text: str, width: int) -> Iterator[tuple[str, int]]:
    """(a full row, where the next one starts)."""
    start = 0
    while (row := _first_row(text, start, width)) is not None:
        end = start + (_fitting(row, width) or len(next(clusters(row))))  # wider than the terminal: let it stick out
        space = end if text[end : end + 1] == " " else text.rfind(" ", start, end)
        if space > start and text[start:space].strip():
            yield text[start:space].rstrip(), space + 1
            start = space + 1
        else:
            yield text[start:end], end
            start = end


def _first_row(text: str, start: int, width: int) -> str | None:
    """Enough of the text to fill a row; None: the whole rest fits in one.

    The rest is not measured for each row: of a line of a megabyte that would take minutes.
    """
    size = width + 1
    while cells(text[start : start + size]) <= width:
        if start + size >= len(text):
            return None
        size *= 2  # characters that take no column
    return text[start : start + size + _MAX_CLUSTER]
