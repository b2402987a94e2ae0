"""Where a value is not what was expected, place by place, and how that reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from rtcli.masking import masked
from rtcli.protocol.events import encode

MAX_SHOWN = 8
"""Differences that are written out; the rest is counted."""

_MAX_CHARACTERS = 300  # of one value


class _Nothing:
    """Stands where a value is missing."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING = _Nothing()


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """At `path` ("item.content.0.text"; "" is the whole) `got` came instead of `expected`, NOTHING where none did."""

    path: str
    expected: Any
    got: Any
    note: str = ""  # what may have been meant

    def lines(self) -> list[str]:
        """The place, what was expected (-) and what came (+)."""
        place = [self.path] if self.path else []
        marked = (("-", self.expected), ("+", self.got))
        shown = [f"  {mark} {_shown(value)}" for mark, value in marked if value is not NOTHING]
        return [*place, *shown, *([f"  ({self.note})"] if self.note else ())]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What a client did was not what was expected: `what` in a line, and the differences."""

    what: str
    differences: tuple[Discrepancy, ...] = ()

    def __str__(self) -> str:
        lines = [line for difference in self.differences[:MAX_SHOWN] for line in difference.lines()]
        more = len(self.differences) - MAX_SHOWN
        if more > 0:
            lines.append(f"and {more} more")
        return "\n".join([self.what, *(f"  {line}" for line in lines)])


Same: TypeAlias = Callable[[str, str, Any, Any], bool | None]
"""Whether two values under a key, in an object under an owner, are alike; None: as their contents are."""


def differences(  # noqa: PLR0917  # the place, from outside in
    expected: Any, got: Any, same: Same, path: str = "", owner: str = "", key: str = ""
) -> Iterator[Discrepancy]:
    """Each place where two JSON values are not alike. `key` is the name under which they stand, in `owner`."""
    verdict = same(key, owner, expected, got)
    if verdict is True:
        return
    if verdict is None and isinstance(expected, Mapping) and isinstance(got, Mapping):
        # What is expected first, in its own order: a reader compares with the script.
        for name in (*expected, *(name for name in got if name not in expected)):
            inner = f"{path}.{name}" if path else str(name)
            values = expected.get(name, NOTHING), got.get(name, NOTHING)
            yield from differences(*values, same, inner, key, str(name))
    elif verdict is None and _is_list(expected) and _is_list(got) and len(expected) == len(got):
        for index, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from differences(one, other, same, f"{path}.{index}" if path else str(index), owner, key)
    elif verdict is False or expected is NOTHING or got is NOTHING or expected != got:
        yield Discrepancy(path, expected, got)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _shown(value: Any) -> str:
    try:
        text = encode(value)
    except ValueError:
        text = repr(value)
    text = masked(text)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}… ({len(text)} characters)"
