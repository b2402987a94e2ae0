"""Which setting of a session.update an error refuses, and a session without it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rtcli.errors import clues

_LIST_OF_OTHERS = re.compile(r"(?i)\b(?:supported|allowed|valid|expected|permitted|known)\s+\w+\s*(?:are|is|:)")
"""From here on a message says what would have been right, and that is not what is refused."""

_ARROW = re.compile(
    r"\s*(?:->|\[\W*(\w+)\W*\]|/(?=[a-z]))\s*"
)  # other ways to write a path: pydantic's, an index, a pointer
_NAME = re.compile(r"(['\"`]?)([A-Za-z_]\w*(?:\.\w+)*)")
_WORD = re.compile(r"[\w./:-]*\w")

_ROOTS = r"^(?:(?:session|body|params|event)\.)+"  # what servers write before the path of a setting
_CONTAINERS = frozenset({"audio", "audio.input", "audio.output"})
"""What holds settings and is none itself: an error that names no more than this names nothing."""


def refused_setting(error: Mapping[str, Any], session: Mapping[str, Any]) -> str | None:
    """The dotted path of the setting in `session` that an `error` object names; None where it names none.

    The error's `param` says it, or a name or a value that its message or code contains.
    """
    known = dict(_settings(session))
    code, message, param = clues(error)
    message = _LIST_OF_OTHERS.split(message)[0]
    candidates = (
        _named(param, known, certain=True),
        _named(message, known),
        _valued(message, known),
        _named(code, known) or next((path for path in known if "_" in path and _last(path) in code), None),
    )
    return next((_whole(path) for path in candidates if path), None)


def without(session: Mapping[str, Any], path: str) -> dict[str, Any]:
    """A copy without the setting at a dotted path, and without objects that hold nothing then."""
    name, _, rest = path.partition(".")
    left = {key: value for key, value in session.items() if key != name}
    inner = session.get(name)
    if rest and isinstance(inner, Mapping):
        left |= {name: inside} if (inside := without(inner, rest)) else {}
    elif rest and name in session:
        left[name] = inner
    return left


def _settings(session: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in session.items():
        yield prefix + name, value
        if isinstance(value, Mapping):
            yield from _settings(value, f"{prefix}{name}.")


def _named(text: str, known: Mapping[str, Any], *, certain: bool = False) -> str | None:
    """The setting whose path, or the end of it, a text contains. A plain word counts if it is quoted, or has a `_`."""
    for quote, name in _NAME.findall(_ARROW.sub(lambda arrow: f".{arrow[1] or ''}", text)):
        if not (certain or quote or "." in name or "_" in name):
            continue
        path = re.sub(_ROOTS, "", name).strip(".")
        if found := _resolved(path, known):
            return found
    return None


def _resolved(name: str, known: Mapping[str, Any]) -> str | None:
    """The setting of this name, or the one that it belongs to: a server may miss a field in what was sent."""
    while name:
        ends = (path for path in known if path == name or path.endswith("." + name))
        if (found := min(ends, key=len, default=None)) and found not in _CONTAINERS:
            return found
        name = name.rpartition(".")[0]
        if name in _CONTAINERS:
            return None
    return None


def _valued(message: str, known: Mapping[str, Any]) -> str | None:
    """The setting whose value a message quotes; words that are values of many things do not tell."""
    words = {word for word in _WORD.findall(message) if not word.isalpha()}
    return next((path for path, value in known.items() if isinstance(value, str) and value in words), None)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _whole(path: str) -> str:
    """What has to go for this setting to go: an object cannot do without its type."""
    parent, _, name = path.rpartition(".")
    return parent if parent and name == "type" else path
