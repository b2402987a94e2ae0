"""Events from files: what is read, and where the first thing is that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtcli.cli.event_input import decode_text, parse_events, read_text
from rtcli.errors import InputError


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "a"}',
        '\n {\n  "type":\n "a"\n}\n',
        '[{"type": "a"}]',
        '\ufeff{"type": "a"}',
    ],
)
def test_one_event_however_it_is_written(text: str) -> None:
    """In one line, over several, in an array, with a byte order mark."""
    assert [event["type"] for event in parse_events(decode_text(text.encode(), "f"), "f")] == ["a"]


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
        ('{"type": "a"}\n  7', "f:2:3", "no object"),
        ('{"type": "a"}\n{"typ": "b"}', "f:2:1", "no text under 'type'"),
        ('{"type": 5}', "f:1:1", "no text under 'type'"),
        ('{"type": ""}', "f:1:1", "no text under 'type'"),
        ('[{"type": "a"},\n {"type": "b"', "f:2:14", "not JSON"),
        ('[{"type": "a"} {"type": "b"}]', "f:1:16", "expected ','"),
        ('[{"type": "a"},]', "f:1:16", "not JSON"),
        ('[{"type": "a"}, [1]]', "f:1:17", "no object"),
        ('{"type": "a"} trailing', "f:1:15", "not JSON"),
        ('{"type": "a", "x": NaN}', "f:1:20", "NaN"),
        ("[" * 100_000, "f:1:2", "nested too deeply"),
    ],
)
def test_the_first_thing_that_is_no_event_is_named(text: str, place: str, why: str) -> None:
    """With file, line and column, counted from 1."""
    with pytest.raises(InputError) as caught:
        parse_events(text, "f")

    assert caught.value.what == place
    assert why in caught.value.why


def test_bytes_that_are_no_text_are_named_with_their_line() -> None:
    """UTF-16, a picture: the line of the first byte that is wrong."""
    with pytest.raises(InputError, match=r"f:2: not UTF-8"):
        decode_text(b'{"type": "a"}\n\xff\xfe', "f")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing one, a folder."""
    with pytest.raises(InputError, match="No such file"):
        read_text(str(tmp_path / "none"))
    with pytest.raises(InputError, match="directory"):
        read_text(str(tmp_path))
