"""NDJSON."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from rtcli.protocol.filters import parse_filter
from rtcli.protocol.record import Direction, Frame
from rtcli.render.styles import Color
from rtcli.terminal.ndjson import NdjsonWriter
from rtcli.terminal.sink import Sink
from rtcli.views import Json, Level, Notice, SpeechDelta, Table, View
from tests.render.frames import Wire, base64_of, tone


def written(views: list[View], **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    writer = NdjsonWriter(Sink(out), Sink(err), **options)
    for view in views:
        writer.write(view)
    writer.flush()
    writer.close()
    return out.getvalue(), err.getvalue()


def test_each_event_of_the_server_is_one_line() -> None:
    """Every field as it came, unknown ones too; what we sent is not there."""
    wire = Wire()
    events = [wire.frame("a", text="x\ny", unknown={"z": [1, None]}), wire.frame("b", ">"), wire.frame("c")]
    out, err = written([*events])

    assert [json.loads(line) for line in out.splitlines()] == [events[0].event, events[2].event]
    assert err == ""


def test_a_line_is_the_servers_own_text() -> None:
    """Spaces, the order of fields, the way a number is written: a program that compares finds what was sent."""
    frame = '{"type": "a",  "n": 1.50, "text": "\\u00e4 \u009b\x7f"}'
    record = replace(Wire().frame("a", n=1.5, text="ä \u009b\x7f"), raw=frame)
    binary = replace(record, raw=frame.encode())

    assert written([record, binary])[0] == f"{frame}\n" * 2
    assert written([record], both=True)[0] == f'{{"t":0.05,"dir":"<","n":1,"event":{frame}}}\n'
    told = written([replace(binary, binary=True)], both=True)[0]
    assert told == f'{{"t":0.05,"dir":"<","n":1,"binary":true,"event":{frame}}}\n', "JSON in a binary message"


def test_a_text_of_several_lines_still_is_one() -> None:
    """A server that indents its JSON does not break the format."""
    record = replace(Wire().frame("a", n=1), raw='{\r\n  "type": "a",\n  "n": 1\n}')

    assert written([record])[0] == '{    "type": "a",   "n": 1 }\n', "its line breaks as spaces"


@pytest.mark.parametrize("pretty", [False, True])
def test_nothing_in_an_event_acts_on_a_terminal(pretty: bool) -> None:
    """There, control characters are written as JSON writes them, the value stays the same, and keys are cut."""
    text = "\u009b31m \x7f \u202e end"
    frame = json.dumps({"type": "a", "text": text}, ensure_ascii=False)
    record = replace(Wire().frame("a", text=text), raw=frame)
    out, _ = written([record], terminal=True, pretty=pretty)
    secret, _ = written([replace(record, raw='{"type":"a","key":"sk-abcdefghijklmnop"}')], terminal=True)

    assert not re.search("[\x7f-\x9f\u202e]", out)
    assert json.loads(out) == {"type": "a", "text": text}
    assert "abcdefgh" not in secret


def test_both_directions_are_the_lines_of_a_recording() -> None:
    """With direction, number and seconds since the session began."""
    wire = Wire(step=0.25)
    out, _ = written([wire.frame("a"), wire.frame("b", ">")], both=True)

    assert [json.loads(line) for line in out.splitlines()] == [
        {"dir": "<", "t": 0.25, "n": 1, "event": {"type": "a"}},
        {"dir": ">", "t": 0.5, "n": 2, "event": {"type": "b"}},
    ]


def test_sound_is_whole_unless_it_is_to_be_elided() -> None:
    """Programs get the bytes."""
    sound = base64_of(tone(100))
    view: list[View] = [Wire().frame("response.output_audio.delta", delta=sound)]

    assert json.loads(written(view)[0])["delta"] == sound
    assert json.loads(written(view, elide_audio=True)[0])["delta"] == "<4800 B audio, 100 ms, -9 dBFS>"


def test_pretty_is_the_same_value_over_several_lines() -> None:
    """Also for a text that is longer than any terminal is wide."""
    event = Wire().frame("a", text="w " * 9000)
    out, _ = written([event], pretty=True)

    assert len(out.splitlines()) > 3
    assert json.loads(out) == event.event
    assert "\x1b[" in written([event], pretty=True, color=Color.MIDDLE)[0]


def test_only_wanted_events_are_written() -> None:
    """A filter holds here as well."""
    wire = Wire()
    out, _ = written([wire.frame("a.delta"), wire.frame("a.done")], wire_filter=parse_filter("-*.delta"))

    assert [json.loads(line)["type"] for line in out.splitlines()] == ["a.done"]


def test_everything_else_is_for_people() -> None:
    """Notices, a frame that is not an event, what commands answer: stderr. Speech is in the events already."""
    bad = Frame(4, 0.1, Direction.RECEIVED, None, 3, problem="not JSON")
    views: list[View] = [
        Notice("lost", "closed", "/reconnect", Level.ERROR),
        bad,
        SpeechDelta("assistant", "a", 0, "x"),
        Table(("name",), (("voice",),)),
        Json({"a": 1}),
    ]
    out, err = written(views)

    assert out == ""
    assert err.splitlines()[:3] == [
        "error: lost: closed",
        "  /reconnect",
        "warning: frame 4 is not a valid event: not JSON",
    ]
    assert "voice" in err


def test_frames_that_are_not_events_are_told_once_and_counted() -> None:
    """A flood of them says nothing more than its first."""
    bad = Frame(4, 0.1, Direction.RECEIVED, None, 3, problem="not JSON")
    _, err = written([bad] * 5)
    _, err_of_two = written([bad] * 2)

    assert err.splitlines() == [
        "warning: frame 4 is not a valid event: not JSON",
        "warning: 4 more frames are not valid",
    ]
    assert err_of_two.splitlines()[1] == "warning: 1 more frame is not valid"


def test_an_ndjson_writer_shows_its_form_and_its_count() -> None:
    """What was filtered out, or is of the other direction, is not counted."""
    wire = Wire()
    writer = NdjsonWriter(Sink(io.StringIO()), Sink(io.StringIO()), wire_filter=parse_filter("a"))
    for view in (wire.frame("a"), wire.frame("a", ">"), wire.frame("b")):
        writer.write(view)

    assert repr(writer) == "<NdjsonWriter from the server, lines, 1 events written>"
    other = NdjsonWriter(Sink(io.StringIO()), Sink(io.StringIO()), both=True, pretty=True)
    assert repr(other) == "<NdjsonWriter both directions, pretty, 0 events written>"
