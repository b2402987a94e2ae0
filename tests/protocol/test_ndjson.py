"""JSON objects from a text: what is read, and where the first mistake is."""

from __future__ import annotations

import pytest

from rtcli.errors import InputError
from rtcli.protocol.ndjson import Located, parse_events, parse_object, read_events


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "a"}',
        '\n {\n  "type":\n "a"\n}\n',
        '[{"type": "a"}]',
    ],
)
def test_one_event_however_it_is_written(text: str) -> None:
    """In one line, over several, in an array."""
    assert [event["type"] for event in parse_events(text, "f")] == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "a"}\n{"type": "b"}\n',
        '{"type": "a"}\r\n\r\n{"type": "b"}',
        '[{"type": "a"}, {"type": "b"}]',
        '[\n  {"type": "a"},\n  {"type": "b"}\n]\n',
        '{"type":\n"a"}\n{"type":\n"b"}',
    ],
)
def test_several_events_in_their_order(text: str) -> None:
    """NDJSON, an array, objects over several lines one after the other."""
    assert [event["type"] for event in parse_events(text, "f")] == ["a", "b"]


def test_what_is_in_an_event_stays_as_it_is() -> None:
    """Order of keys, unknown fields, numbers beyond 64 bits, every character."""
    event = parse_events('{"z": 123456789012345678901234567890, "type": "a", "b": ["\\u2028", null, 1.5]}', "f")[0]

    assert list(event.items()) == [
        ("z", 123456789012345678901234567890),
        ("type", "a"),
        ("b", ["\u2028", None, 1.5]),
    ]


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("", "f", "no event"),
        ("  \n", "f", "no event"),
        ("[]", "f", "no event"),
        ("hello", "f:1:1", "not JSON"),
        ('{"type": "a"}\n{"type": }', "f:2:10", "not JSON"),
        ('{"type": "a"}\n  7', "f:2:3", "not a JSON object"),
        ('{"type": "a"}\n{"typ": "b"}', "f:2:1", 'no string under "type"'),
        ('{"type": 5}', "f:1:1", 'no string under "type"'),
        ('{"type": ""}', "f:1:1", 'no string under "type"'),
        ('[{"type": "a"},\n {"type": "b"', "f:2:14", "not JSON"),
        ('[{"type": "a"} {"type": "b"}]', "f:1:16", "expected ','"),
        ('[{"type": "a"},]', "f:1:16", "not JSON"),
        ('[{"type": "a"}, [1]]', "f:1:17", "not a JSON object"),
        ('{"type": "a"} trailing', "f:1:15", "not JSON"),
        ('{"type": "a", "x": NaN}', "f:1:20", "NaN"),
        ("[" * 100_000, "f:1:2", "nested too deeply"),
    ],
)
def test_the_first_thing_that_is_not_an_event_is_named(text: str, place: str, why: str) -> None:
    """With file, line and column, counted from 1."""
    with pytest.raises(InputError) as caught:
        parse_events(text, "f")

    assert caught.value.what == place
    assert why in caught.value.why


def test_every_event_knows_its_place() -> None:
    """Line and column from 1; `first_line` is the line of the file at which the text begins."""
    text = '{"type": "a"}\n  {"type": "b"}\n[{"type": "c"}]'

    assert list(read_events(text, "f", 10)) == [
        Located({"type": "a"}, 10, 1),
        Located({"type": "b"}, 11, 3),
        Located({"type": "c"}, 12, 2),
    ]


def test_lines_that_were_cut_out_of_an_array_are_events() -> None:
    """With the commas that stood between them."""
    assert parse_events('{"type": "a"},\n{"type": "b"},\n') == [{"type": "a"}, {"type": "b"}]


@pytest.mark.parametrize("text", ["", "{} {}", "[{}, {}]", "3", "[3]", "{"])
def test_one_object_is_exactly_one(text: str) -> None:
    """Neither none, nor two, nor another value."""
    with pytest.raises(InputError):
        parse_object(text)


def test_text_that_was_typed_is_named_by_line_and_column_alone() -> None:
    """There is no file to name."""
    with pytest.raises(InputError, match=r"^line 2, column 3: not a JSON object$"):
        parse_object("\n  7")


def test_a_number_that_python_does_not_convert_is_an_error_like_any_other() -> None:
    """Python limits the digits of an integer."""
    with pytest.raises(InputError, match="f:1:1: not JSON"):
        parse_events('{"type": "a", "n": ' + "9" * 10_000 + "}", "f")
