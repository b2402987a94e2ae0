"""Small checks from which the shape of a client event is put together; each refuses a value in the API's words.

A check is a function of (value, path) that raises ApiError. It changes nothing: what passes is used as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from rtcli.server.validation import api_errors

Check: TypeAlias = Callable[[Any, str], None]

# what the API calls the JSON types
_NAMES = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def type_name(value: object) -> str:
    """What the API calls the JSON type of a value."""
    return _NAMES.get(type(value), "something else")


def _expect(value: object, kinds: type | tuple[type, ...], expected: str, path: str) -> None:
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):  # True is an int in Python
        raise api_errors.invalid_type(path, expected, type_name(value))


def anything(value: Any, path: str) -> None:
    """Every value passes."""


def boolean(value: Any, path: str) -> None:
    _expect(value, bool, "a boolean", path)


def text(max_length: int | None = None, *, pattern: re.Pattern[str] | None = None) -> Check:
    """A string of at most so many characters, which all of a `pattern` has to match."""

    def check(value: Any, path: str) -> None:
        _expect(value, str, "a string", path)
        if max_length is not None and len(value) > max_length:
            raise api_errors.too_long(path, max_length, len(value))
        if pattern is not None and not pattern.fullmatch(value):
            raise api_errors.pattern_mismatch(path, pattern.pattern)

    return check


def number(minimum: float, maximum: float) -> Check:
    """Any number from minimum to maximum; where these are integers, an integer."""
    kinds: tuple[type, ...] = (int,) if isinstance(minimum, int) else (int, float)

    def check(value: Any, path: str) -> None:
        _expect(value, kinds, "an integer" if kinds == (int,) else "a number", path)
        if value < minimum:
            raise api_errors.out_of_range(path, value, minimum, below=True)
        if value > maximum:
            raise api_errors.out_of_range(path, value, maximum, below=False)

    return check


def one_of(*values: str) -> Check:
    """One of these strings."""

    def check(value: Any, path: str) -> None:
        _expect(value, str, f"one of {api_errors.listed(values)}", path)
        if value not in values:
            raise api_errors.invalid_value(path, value, values)

    return check


def nullable(check: Check) -> Check:
    """Null, or what the check takes."""
    return lambda value, path: None if value is None else check(value, path)


def array(check: Check, expected: str = "an array") -> Check:
    """An array whose members all pass."""

    def check_all(value: Any, path: str) -> None:
        _expect(value, list, expected, path)
        for index, member in enumerate(value):
            check(member, f"{path}[{index}]")

    return check_all


def fields(known: Mapping[str, Check], required: Sequence[str] = ()) -> Check:
    """An object with these keys and no other. An empty path is the event itself."""

    def check(value: Any, path: str) -> None:
        _expect(value, dict, "an object", path)
        for name in required:  # one mistake is reported: what is missing before what is wrong
            if name not in value:
                raise api_errors.missing_parameter(_join(path, name))
        for name, member in value.items():
            if name not in known:
                raise api_errors.unknown_parameter(_join(path, name))
            known[name](member, _join(path, name))

    return check


def by(key: str, kinds: Mapping[str, Check], *, named: Sequence[str] = ()) -> Check:
    """An object whose key says which of several shapes it has. `named` is what the error lists, if not the kinds."""
    supported = named or tuple(kinds)  # in the order in which the API lists them

    def check(value: Any, path: str) -> None:
        _expect(value, dict, "an object", path)
        if key not in value:
            raise api_errors.missing_parameter(_join(path, key))
        chosen = value[key]
        _expect(chosen, str, f"one of {api_errors.listed(supported)}", _join(path, key))
        if chosen not in kinds:
            raise api_errors.invalid_value(_join(path, key), chosen, supported)
        kinds[chosen](value, path)

    return check


def kind(**by_type: Check) -> Check:
    """A check for each JSON type: `kind(string=..., object=..., integer=...)`."""
    types: dict[str, type] = {"string": str, "object": dict, "integer": int, "array": list}
    expected = " or ".join(_NAMES[types[name]] for name in by_type)

    def check(value: Any, path: str) -> None:
        for name, inner in by_type.items():
            if isinstance(value, types[name]) and not isinstance(value, bool):  # as above
                inner(value, path)
                return
        raise api_errors.invalid_type(path, f"one of {expected}", type_name(value))

    return check


def mapping(check: Check) -> Check:
    """An object with any keys, whose values pass."""

    def check_all(value: Any, path: str) -> None:
        _expect(value, dict, "an object", path)
        for name, member in value.items():
            check(member, f"{path}.{name}")

    return check_all


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
