"""Text made fit for a terminal: control characters escaped, measured, cut and wrapped in cells."""

from __future__ import annotations

import re

TAB = "    "

# C0 and C1 controls, DEL, the marks that reorder text (bidi) or hide in it, line separators, lone surrogates.
# A server's text may hold all of them; none may act on the terminal that shows it.
_DANGEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]")
# Of these, what a JSON string may hold as it is.
_IN_STRINGS = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]")
# Latin letters, typographic marks, arrows, lines and blocks: one column each, known without the table of all widths.
_NARROW = re.compile("[ -~\u00a0-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25fc]*")


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0x09:
        return TAB
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def visible(text: str) -> str:
    """The text with every control character but the newline written out (`\\x1b`), tabs as spaces."""
    if text.isascii() and text.isprintable():
        return text
    return _DANGEROUS.sub(_escaped, text.replace("\r\n", "\n"))


def visible_json(text: str) -> str:
    """JSON with the control characters in its strings written as JSON writes them (`\\u009b`): it is the same value."""
    return _IN_STRINGS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


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
    from rich.cells import get_character_cell_size

    kept, used = "", 1
    for character in reversed(text):
        used += get_character_cell_size(character)
        if used > width:
            break
        kept = character + kept
    return "…" + kept if width > 0 else ""


def _fitting(text: str, width: int) -> int:
    """How many characters from the start fit into `width` columns."""
    if _NARROW.fullmatch(text):
        return min(len(text), width)
    from rich.cells import get_character_cell_size

    used = 0
    for index, character in enumerate(text):
        used += get_character_cell_size(character)
        if used > width:
            return index
    return len(text)


def wrap(text: str, width: int) -> tuple[list[str], str]:
    """Text without newlines as full rows of at most `width` columns, and the rest that still fits in one.

    Breaks at a space, which goes away; a word longer than a row is broken. Nothing else is lost: the words of
    the rows and the rest are the words of the text.
    """
    rows = []
    while cells(text) > width:
        end = max(_fitting(text, width), 1)  # one wide character in a terminal of one column: let it stick out
        space = end if text[end : end + 1] == " " else text.rfind(" ", 0, end)
        if space > 0 and text[:space].strip():
            rows.append(text[:space].rstrip())
            text = text[space + 1 :]
        else:
            rows.append(text[:end])
            text = text[end:]
    return rows, text
