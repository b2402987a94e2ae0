"""JSON objects from a text: what is read, and where the first mistake is."""

from __future__ import annotations

import pytest

from rtcli.errors import InputError
from rtcli.protocol.ndjson import Located, parse_events, parse_json, parse_object, read_events


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
    assert [event.value["type"] for event in parse_events(text, "f")] == ["a"]


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
    assert [event.value["type"] for event in parse_events(text, "f")] == ["a", "b"]


def test_what_is_in_an_event_stays_as_it_is() -> None:
    """Order of keys, unknown fields, numbers beyond 64 bits, every character."""
    event = parse_events('{"z": 123456789012345678901234567890, "type": "a", "b": ["\\u2028", null, 1.5]}', "f")[
        0
    ].value

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
        ("hello", "f:1:1", "the word hello"),
        ('{"type": "a"}\n{"type": }', "f:2:10", "not JSON"),
        ('{"type": "a"}\n  7', "f:2:3", "not a JSON object"),
        ('{"type": "a"}\n{"typ": "b"}', "f:2:1", 'no string under "type"'),
        ('{"type": 5}', "f:1:1", 'no string under "type"'),
        ('{"type": ""}', "f:1:1", 'no string under "type"'),
        ('[{"type": "a"},\n {"type": "b"', "f:2:14", "ends too early"),
        ('[{"type": "a"} {"type": "b"}]', "f:1:16", "a comma"),
        ('[{"type": "a"},]', "f:1:15", "a comma before ]"),
        ('[{"type": "a"}, [1]]', "f:1:17", "not a JSON object"),
        ('{"type": "a"} trailing', "f:1:15", "the word trailing"),
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
        Located({"type": "a"}, 10, 1, '{"type": "a"}'),
        Located({"type": "b"}, 11, 3, '{"type": "b"}'),
        Located({"type": "c"}, 12, 2, '{"type": "c"}'),
    ]


def test_lines_that_were_cut_out_of_an_array_are_events() -> None:
    """With the commas that stood between them."""
    events = parse_events('{"type": "a"},\n{"type": "b"},\n')

    assert [event.value for event in events] == [{"type": "a"}, {"type": "b"}]


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
    """It is out of the range of every reader."""
    with pytest.raises(InputError, match=r"f:1:20: 9+.*: out of the range of a JSON number"):
        parse_events('{"type": "a", "n": ' + "9" * 10_000 + "}", "f")


ALMOST = [
    ('{"type": "a",}', 1, 13, "a comma before }"),
    ('{"type": "a" // why', 1, 14, "a // comment"),
    ("/* first */ {}", 1, 1, "a /* */ comment"),
    ("# first\n{}", 1, 1, "a # comment"),
    ("{\u00a0}", 1, 2, "U+00A0, no-break space"),
    ("{\n\u200b}", 2, 1, "U+200B, zero width space"),
    ("{\u201ctype\u201d: 1}", 1, 2, "U+201C, left double quotation mark"),
    ("{type: 'a'}", 1, 2, "the key type has no quotes, as in JavaScript"),
    ("{'type': 'a', 'on': True}", 1, 2, "Python"),
    ('{"on": None}', 1, 8, "None is Python: JSON writes null"),
    ('{"on": undefined}', 1, 8, "JavaScript"),
    ('{"n": 0x1F}', 1, 7, "0x1F"),
    ('{"n": 01}', 1, 7, "no zero before it"),
    ('{"n": .5}', 1, 7, "digits on both sides"),
    ('{"n": 5.}', 1, 7, "digits on both sides"),
    ('{"s": "a\nb"}', 1, 9, "a line break inside of a string"),
    ('{"s": "a\\x41"}', 1, 9, "\\x is not an escape"),
    ('{"s": "he said "hi""}', 1, 16, "needs a \\ before it"),
    ('{"a": [{"b": 1', 1, 15, "}]} is missing"),
    ('{"a": "b', 1, 7, "no end"),
    ('data: {"type": "a"}', 1, 1, "server-sent events"),
    ("type: a", 1, 1, "YAML"),
    ("```json\n{}\n```", 1, 1, "Markdown"),
    ("const event = {}", 1, 1, "JavaScript"),
    ("<html>", 1, 1, "XML or HTML"),
    ('> {"type": "a"}', 1, 1, "what a terminal showed"),
    ('< {"type": "a"}', 1, 1, "what a terminal showed"),
    ('{"a": 1};', 1, 9, "a semicolon"),
    ('{"a": 1}}', 1, 9, "closes nothing"),
    ('{"x": "1e400", "y": 1e400}', 1, 21, "1e400: out of the range"),
    ('{"x": "NaN", "y": NaN}', 1, 19, "no NaN"),
    ('{"x": -Infinity}', 1, 7, "no Infinity"),
]


@pytest.mark.parametrize(("text", "line", "column", "why"), ALMOST)
def test_what_is_almost_json_is_named_for_what_it_is(text: str, line: int, column: int, why: str) -> None:
    """The character, the mistake, or the language that it belongs to, at its place."""
    with pytest.raises(InputError) as caught:
        parse_json(text, "f")

    assert (caught.value.line, caught.value.column) == (line, column)
    assert why in caught.value.why


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"a","d":1,"d":2}',
        '{"type": "a", "f": 0.12345678901234567890, "e": 1E3, "z": -0, "i": 12345678901234567890123}',
        '{"z":1,\n "type" : "a",\t"esc":"\\u00e9\\/"}',
        '{"type":"a","s":"\\ud800"}',
    ],
)
def test_an_event_keeps_its_own_text(text: str) -> None:
    """Alone, in an array, in a line of --both: duplicate keys, digits, white space, escapes."""
    wrapped = f'{{"dir": ">", "t": 0.1, "event": {text} }}'

    assert [event.text for event in parse_events(f" {text}\n[{text} , {text}]\n{wrapped}")] == [text] * 4


def test_of_a_recording_what_was_sent_is_read() -> None:
    """Not what came, and not what else happened."""
    text = """{"rtcli": {"recording": 1}}
{"t": 0, "connection": "open"}
{"dir": "<", "t": 0.1, "event": {"type": "session.created"}}
{"dir": ">", "t": 0.2, "n": 2, "event": {"type": "a"}, "by": "raw event"}
{"t": 1, "end": {"exit_code": 0}}"""

    assert [event.value for event in parse_events(text)] == [{"type": "a"}]
    with pytest.raises(InputError, match="no event that was sent"):
        parse_events('{"dir": "<", "t": 0.1, "event": {"type": "a"}}')
    with pytest.raises(InputError, match="masked"):
        parse_events('{"dir": ">", "t": 0.1, "masked": true, "event": {"type": "a"}}')


def test_a_har_file_is_named_with_the_way_to_its_messages() -> None:
    """What browsers save of a WebSocket."""
    with pytest.raises(InputError, match="HAR") as caught:
        parse_events('{"log": {"version": "1.2", "entries": []}}', "f")

    assert "_webSocketMessages" in caught.value.hint


def test_half_a_character_is_no_text() -> None:
    """A lone surrogate cannot be written as UTF-8."""
    with pytest.raises(InputError, match=r"f:1:21: U\+D800"):
        parse_events('{"type": "a", "s": "\ud800"}', "f")
