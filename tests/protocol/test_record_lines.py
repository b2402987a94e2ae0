"""A record written as a line and read again is the same record, and a frame's own text is in the line to the byte."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.masking import add_secret, masked
from rtcli.protocol.events import Malformed, decode
from rtcli.protocol.record import (
    Audio,
    Connected,
    Connection,
    Device,
    Did,
    Direction,
    End,
    Frame,
    Heard,
    Http,
    Mark,
    Record,
    size_of,
)
from rtcli.protocol.record_lines import frame_line, frame_lines, record_line
from rtcli.protocol.record_parsing import LineError, UnknownKindError, parse_record

moments = st.floats(0, 1e6).map(lambda at: round(at, 6))
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
numbers = st.integers(1, 2**40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


def frame(raw: str | bytes, **about: Any) -> Frame:
    """A frame as a transport makes it of what crossed the wire."""
    found = decode(raw)
    problem = found.reason if isinstance(found, Malformed) else ""
    event = None if isinstance(found, Malformed) else found
    usual: dict[str, Any] = {"number": 1, "at": 0.5, "direction": Direction.RECEIVED}
    return Frame(event=event, size=size_of(raw), problem=problem, raw=raw, **usual | about)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    event = {"type": draw(words), **draw(st.dictionaries(words.filter(lambda name: name != "type"), json_values))}
    spaced = draw(st.sampled_from([None, 1, "\t"]))
    text = draw(st.sampled_from([json.dumps(event, indent=spaced), "no JSON", "[1]", "{}"]) | words)
    binary = draw(st.booleans())
    raw = draw(st.just(text.encode()) | st.binary(max_size=20)) if binary else text
    number = draw(numbers)
    parent = draw(st.none() | st.integers(1, number))
    direction = draw(st.sampled_from(Direction))
    about = {"cause": draw(words), "parent": parent, "out": draw(st.none() | moments), "was": draw(words)}
    return frame(raw, number=number, at=draw(moments), direction=direction, binary=binary, **about)


moments_of_other_kinds: st.SearchStrategy[Record] = st.one_of(
    st.builds(Heard, moments, words, st.integers(0, 9), st.integers(0, 10**7)),
    st.builds(Did, moments, words),
    st.builds(Mark, moments, words),
    st.builds(Connection, moments, st.sampled_from(Connected), words, st.none() | st.integers(1000, 4999), words),
    st.builds(Device, moments, st.none() | words, st.none() | words, st.booleans(), st.integers(0, 500)),
    st.builds(Http, moments, words, words, st.none() | st.integers(100, 599)),
    st.builds(Audio, moments, st.sampled_from(Direction), st.binary(max_size=64), st.just(24000), st.none() | words),
    st.builds(End, moments, st.integers(0, 143)),
)


@given(frames() | moments_of_other_kinds)
def test_a_record_is_the_same_after_its_line(record: Record) -> None:
    line = record_line(record).decode()

    assert "\n" not in line and "\r" not in line
    assert json.loads(line)["t"] == record.at
    assert parse_record(line.encode()) == record


@given(frames())
def test_the_text_of_a_frame_stands_in_its_line_to_the_byte_but_for_line_breaks(written: Frame) -> None:
    read = parse_record(frame_line(written))

    assert isinstance(read, Frame) and isinstance(read.raw, str | bytes)
    expected: Any = written.raw
    if written.event is not None:
        breaks = ("\n", "\r") if isinstance(expected, str) else (b"\n", b"\r")
        for one in breaks:
            expected = expected.replace(one, " " if isinstance(one, str) else b" ")
    as_bytes = [raw if isinstance(raw, bytes) else raw.encode() for raw in (read.raw, expected)]
    assert as_bytes[0] == as_bytes[1]


@pytest.mark.parametrize(
    "raw",
    [
        '{"type":"x","dup":1,"dup":2}',
        '{"type":"x","n":0.12345678901234567890,"e":1E3,"z":-0}',
        '{"type": "x" , "text":"\\ud800 \\u2028   "}',
        '{"type":"x","huge":123456789012345678901234567890}',
        '{"type":"x","event":{"event":1}}',
    ],
)
def test_odd_numbers_and_repeated_keys_stay_as_they_were(raw: str) -> None:
    line = frame_line(frame(raw)).decode()
    read = parse_record(line.encode())

    assert raw in line
    assert isinstance(read, Frame) and read.raw == raw


def test_a_line_says_only_what_is_known() -> None:
    plain = frame_line(frame('{"type":"x"}')).decode()
    full = frame_line(frame('{"type":"x"}', number=7, at=1.25, parent=3, cause="/respond", binary=True)).decode()

    assert plain == '{"t":0.5,"dir":"<","n":1,"event":{"type":"x"}}'
    assert full == '{"t":1.25,"dir":"<","n":7,"parent":3,"by":"/respond","binary":true,"event":{"type":"x"}}'


def test_a_masked_line_says_so_and_only_then() -> None:
    def mask(text: str) -> str:
        return text.replace("hunter2", "***")

    for raw, word in (('{"type":"x","k":"hunter2"}', "event"), ("hunter2 is no JSON", "frame")):
        clean, dirty = (json.loads(frame_line(frame(text), mask)) for text in (raw.replace("hunter2", "-"), raw))
        assert "masked" not in clean
        assert dirty["masked"] is True and "hunter2" not in json.dumps(dirty)
        assert "***" in json.dumps(dirty[word])


@pytest.mark.parametrize(
    "raw",
    [
        '{"note":"hunter2","type":"input_audio_buffer.append","audio":"AUDIO","more":"-"}',
        '{"note":"-","type":"input_audio_buffer.append","audio":"AUDIO","more":"hunter2"}',
        '{"note":"-",\n"type":"response.output_audio.delta","item_id":"hunter2",\r\n"delta":"AUDIO"}',
        '{"note":"hunter2","type":"input_audio_buffer.append","audio":"A\\/DIO"}',  # not found: it has escapes
        '{"note":"hunter2","type":"input_audio_buffer.append","audio":7}',
    ],
)
@pytest.mark.parametrize("binary", [False, True])
def test_around_audio_a_secret_is_masked_and_the_audio_stays(raw: str, binary: bool) -> None:
    audio = "x7" * 200
    text = raw.replace("AUDIO", audio)
    spoken = frame(text.encode() if binary else text, binary=binary)
    line = frame_line(spoken, lambda text: text.replace("hunter2", "***").replace("x7", "??")).decode()

    masked_text = text.replace("hunter2", "***").replace("\n", " ").replace("\r", " ")
    assert line.endswith(f',"masked":true,"event":{masked_text}}}')


_SECRETS = ("hunter2-hunter2", "sk-abcdEFGH1234567890", "Authorization: Bearer abcdefghij0123456789", "?token=x&key=y")


@given(st.lists(frames(), max_size=12), st.lists(st.sampled_from(_SECRETS), max_size=3), st.randoms())
def test_frames_that_are_written_together_have_the_lines_that_each_has_alone(
    some: list[Frame], secrets: list[str], random: Random
) -> None:
    """Whichever of them hold secrets, line breaks, audio, or no JSON."""
    add_secret(_SECRETS[0])
    audio = {"type": "response.output_audio.delta", "item_id": "i", "delta": "QUFB" * 20}
    for secret in secrets:
        some += [frame(json.dumps({"type": "x", "k": secret})), frame("{}", cause=secret), frame(json.dumps(audio))]
        some.append(frame(json.dumps({**audio, "note": secret})))
    random.shuffle(some)
    together = frame_lines([(one, one.raw) for one in some], masked)

    alone = [record_line(one, masked) + b"\n" for one in some]
    assert together == alone
    assert b"hunter2" not in b"".join(alone)


def test_a_cause_is_masked_and_the_event_is_not_called_so() -> None:
    line = frame_line(frame('{"type":"x"}', cause="/send hunter2"), lambda text: text.replace("hunter2", "***"))

    assert json.loads(line) == {"t": 0.5, "dir": "<", "n": 1, "by": "/send ***", "event": {"type": "x"}}


def test_a_binary_frame_that_is_no_text_is_written_in_base64() -> None:
    line = frame_line(frame(b"\xff\x00", binary=True)).decode()

    assert json.loads(line)["frame_base64"] == "/wA="
    assert parse_record(line.encode()) == frame(b"\xff\x00", binary=True)


@pytest.mark.parametrize(
    "line",
    [
        '{"dir": "<", "t": 0.5, "n": 1, "event": {"type": "x", "a": [1, 2]}}',
        '{"event":{"type":"x","a":[1,2]},"n":1,"t":0.5,"dir":"<"}',
        '{"t":0.5,"dir":"<","n":1,"event":{"type":"x","a":[1,2]},"added":{"event":1}}',
    ],
)
def test_a_line_that_another_program_wrote_again_is_the_same_record(line: str) -> None:
    assert parse_record(line.encode()) == frame('{"type":"x","a":[1,2]}')


@pytest.mark.parametrize(
    ("line", "direction"),
    [
        ('{"type":"response.create"}', Direction.SENT),
        ('{"type":"response.done","response":{}}', Direction.RECEIVED),
        ('{"type":"of.somebody"}', Direction.RECEIVED),
    ],
)
def test_a_plain_event_has_the_direction_of_the_catalog(line: str, direction: Direction) -> None:
    record = parse_record(line.encode(), number=4, at=2.0)

    assert isinstance(record, Frame)
    assert (record.number, record.at, record.direction, record.raw) == (4, 2.0, direction, line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nothing", "not JSON"),
        ("[1]", "an array, not an object"),
        ("null", "null, not an object"),
        ('{"t":1,"dir":"?","event":{"type":"x"}}', "not a direction: '?'"),
        ('{"t":"soon","dir":"<","event":{"type":"x"}}', "not a time: 'soon'"),
        ('{"t":-1,"dir":"<","event":{"type":"x"}}', "not a time: -1"),
        ('{"t":1e308,"did":"/quit"}', "not a time: 1e"),  # which is infinity in milliseconds
        ('{"t":1,"dir":"<","audio":"*","rate":24000}', "not base64"),
        ('{"t":1,"dir":"<","audio":"AAAA","rate":0}', "not a sample rate: 0"),
        ('{"t":1,"heard":7}', 'no object under "heard"'),
        ('{"t":1,"heard":{}}', 'no milliseconds in "heard"'),
        ('{"t":1,"dir":"<","frame":7}', 'no text under "frame"'),
    ],
)
def test_a_line_that_is_no_record_is_an_error_that_says_why(line: str, reason: str) -> None:
    with pytest.raises(LineError, match=reason.replace("(", r"\(").replace("?", r"\?").replace("[", r"\[")):
        parse_record(line.encode())


@pytest.mark.parametrize("line", ['{"t":1,"weather":"fine"}', "{}", '{"t":1,"connection":"paused"}'])
def test_a_kind_of_a_later_version_is_told_apart_from_a_broken_line(line: str) -> None:
    with pytest.raises(UnknownKindError, match="unknown"):
        parse_record(line.encode())
