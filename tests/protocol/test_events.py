"""One frame in, one event out, or a reason; and back."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.protocol.events import Malformed, decode, encode, read_json, without_nan

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b'{"type":"a\xff"}', "not JSON"),
        ('﻿{"type":"x"}', "not JSON"),
        ('{"type":"x"}'.encode("utf-16"), "not JSON"),
        ('{"type":"x","n":NaN}', "not JSON"),
        ('{"type":"x","n":-Infinity}', "not JSON"),
        ('{"type":"x"} trailing', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"type":"x","a":' + "[" * 100_000 + "]" * 100_000 + "}", "not JSON"),
        ("null", "not an object"),
        ('["type"]', "not an object"),
        ("17", "not an object"),
        ("{}", "no text under 'type'"),
        ('{"type":null}', "no text under 'type'"),
        ('{"type":["x"]}', "no text under 'type'"),
    ],
)
def test_what_is_no_event_is_a_reason_and_no_exception(frame: str | bytes, reason: str) -> None:
    """Whatever a server sends, reading it never raises; the reason says what is wrong, the frame is kept."""
    read = decode(frame)

    assert isinstance(read, Malformed)
    assert reason in read.reason
    assert read.frame == frame


@pytest.mark.parametrize("write", [str, str.encode], ids=["text", "bytes"])
def test_text_and_binary_frames_are_read_alike(write: Any) -> None:
    """A binary frame that holds JSON is an event as well, as in the reference."""
    assert decode(write('{"type":"x","ü":"€"}')) == {"type": "x", "ü": "€"}


def test_unknown_types_and_fields_pass_untouched() -> None:
    """What the program does not know, a debugger has to show."""
    assert decode('{"type":"not.yet.known","new":{"deep":[1,null]}}') == {
        "type": "not.yet.known",
        "new": {"deep": [1, None]},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("1e400", float("inf")),
        ("1" + "0" * 400, float("inf")),
        ('"\\ud800"', "\ud800"),
    ],
)
def test_large_numbers_and_lone_surrogates_are_read_as_javascript_reads_them(text: str, value: object) -> None:
    """They are JSON: integers are exact to 64 bits, larger ones lose digits, what is too large is infinite."""
    assert decode(f'{{"type":"x","v":{text}}}') == {"type": "x", "v": value}


@given(JSON_VALUES)
def test_every_json_value_survives_encode_and_decode(value: object) -> None:
    """Nothing that JSON can say is lost on the way out and back, however large or odd."""
    assert decode(encode({"type": "x", "value": value})) == {"type": "x", "value": value}


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_reading_never_raises(frame: str | bytes) -> None:
    """For any bytes and any text."""
    read = decode(frame)
    assert isinstance(read, Malformed) or isinstance(read["type"], str)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_becomes_null(number: float) -> None:
    """As JSON.stringify does; NaN itself must never stand on the wire."""
    assert json.loads(encode({"type": "x", "n": [number]})) == {"type": "x", "n": [None]}


def _endless() -> dict[str, Any]:
    event: dict[str, Any] = {"type": "x"}
    event["self"] = event
    return event


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", object()], ids=["set", "bytes", "object"])
def test_what_json_cannot_express_is_a_value_error(value: object) -> None:
    """The caller's mistake shows in the caller's call."""
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        encode({"type": "x", "value": value})


def test_an_endless_nesting_is_a_value_error() -> None:
    """An event that holds itself has no end to write."""
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        encode(_endless())


def test_what_json_does_not_have_is_null_at_any_depth() -> None:
    """As encode() writes it, for transports that do not call that; the value that was given stays as it is."""
    given = {"a": [math.nan, 1.5, {"b": -math.inf}], "c": (math.inf, "text", None, 2**70)}

    assert without_nan(given) == {"a": [None, 1.5, {"b": None}], "c": [None, "text", None, 2**70]}
    assert given["c"] == (math.inf, "text", None, 2**70)


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000, "1" * 5_000, '"\ud800'])
def test_what_somebody_else_wrote_is_a_value_or_a_value_error(text: str) -> None:
    """Nothing else is raised, however deep or long it is."""
    with pytest.raises(ValueError, match=r"."):
        read_json(text)
