"""What a docstring says of a function and of each of its arguments: Google, NumPy or Sphinx style."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docstring_parser import Docstring

_LEFT_OUT = ("param", "returns", "yields", "raises", "attribute")
"""Sections that are shown elsewhere (arguments), or say nothing to a model."""

_SECTIONS = ("Note", "Notes", "Warning", "Warnings", "Tip", "Hint", "Important", "Caution", "Todo", "References")
"""What Google style knows beside the sections that the parser knows: it would drop them."""


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description, whole paragraphs of it, and a text for each argument that is described."""
    from docstring_parser.common import DocstringExample, DocstringMeta

    parsed = _parsed(text)
    if parsed is None:
        return text.strip(), {}

    def section(meta: DocstringMeta) -> str:
        body = "\n".join(filter(None, (getattr(meta, "snippet", None), meta.description)))
        title = "Example" if isinstance(meta, DocstringExample) else meta.args[0].capitalize()
        return f"{title}: {body}" if "\n" not in body else f"{title}:\n{body}"

    parts = [parsed.short_description or ""]
    if parsed.long_description:
        parts.append(("\n" if parsed.blank_after_short_description else "") + parsed.long_description)
    # A section that the parser sets apart ("Note:", "Examples:") is a part of the description for a model.
    parts += [f"\n{section(meta)}" for meta in parsed.meta if meta.args and meta.args[0] not in _LEFT_OUT]
    described = {
        param.arg_name.lstrip("*"): _unwrapped(param.description)
        for param in parsed.params
        if param.description and param.args[0] == "param"
    }
    return "\n".join(parts).strip(), described


def _parsed(text: str) -> Docstring | None:
    """The text in the style that makes most of it; None where it is a text in no style."""
    from docstring_parser import ParseError, epydoc, google, numpydoc, rest

    own = [google.Section(title, title.lower(), google.SectionType.SINGULAR) for title in _SECTIONS]
    parsers = (
        rest.parse,
        google.GoogleParser([*google.DEFAULT_SECTIONS, *own]).parse,
        numpydoc.parse,
        epydoc.parse,
    )
    found = []
    for parse in parsers:
        with contextlib.suppress(ParseError):  # sections that contradict their own style
            found.append(parse(text))
    return max(found, key=lambda docstring: len(docstring.meta), default=None)


def _unwrapped(text: str) -> str:
    """Paragraphs stay; within one, the line breaks of the source code go. Lists and indented lines keep theirs."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(
        paragraph if re.search(r"\n(?:\s|[-*•]|\d+[.)])", paragraph) else " ".join(paragraph.split())
        for paragraph in paragraphs
    )
