"""One line for one frame."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.protocol.record import Direction, Frame
from rtcli.render.grouping import EventGrouper
from rtcli.render.media import WireFormats
from rtcli.render.rows import row
from rtcli.render.styles import plain
from rtcli.render.text import cells
from tests.render.frames import Wire, base64_of, spoken_answer


def line(record: Frame, width: int = 200) -> str:
    return plain(row(record, WireFormats(), width))


def about(type_: str, direction: str = "<", **fields: Any) -> str:
    """What a row says behind the type."""
    text = line(Wire().frame(type_, direction, **fields))
    return text.split(type_, 1)[1].strip()


def test_a_row_has_number_time_direction_type_and_id() -> None:
    """The order never changes, so that the eye finds it."""
    record = Frame(7, 1.2344, Direction.RECEIVED, {"type": "a.b", "item_id": "item_AbCdEfGhIjKlMnOp"}, 5)

    assert line(record) == "   7   +1.234s < a.b item_…lMnOp"


def test_in_a_narrow_terminal_the_type_has_the_room() -> None:
    """Forty columns tell `added` from `done`."""
    record = Wire().frame("conversation.item.created", item={"id": "item_AbCdEfGhIjKlMnOp", "type": "message"})

    assert line(record, 40) == "  1 0:00 < conversation.item.created it…"


def test_a_frame_we_sent_names_its_cause() -> None:
    """`/why` at a glance."""
    assert line(Wire().frame("response.create", ">", cause="/respond")).endswith("> response.create ← /respond")


@pytest.mark.parametrize(
    ("type_", "fields", "expected"),
    [
        ("session.update", {"session": {"type": "realtime", "instructions": "x"}}, "instructions"),
        (
            "session.update",
            {"session": {"audio": {"input": {"turn_detection": {"type": "server_vad"}, "transcription": None}}}},
            "audio.input.turn_detection audio.input.transcription",
        ),
        (
            "session.created",
            {
                "session": {
                    "model": "gpt-realtime",
                    "output_modalities": ["audio"],
                    "audio": {"input": {"turn_detection": None}, "output": {"voice": "marin"}},
                }
            },
            "gpt-realtime audio marin no turn detection",
        ),
        (
            "conversation.item.create",
            {"item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi\nyou"}]}},
            'user "hi\\nyou"',
        ),
        (
            "conversation.item.create",
            {"item": {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:"}]}},
            "user +image",
        ),
        (
            "conversation.item.done",
            {"item": {"type": "function_call", "name": "weather", "arguments": '{"city":"Bonn"}', "call_id": "call_1"}},
            'call_1 function_call weather({"city":"Bonn"})',
        ),
        (
            "conversation.item.done",
            {"item": {"type": "function_call_output", "output": "21", "call_id": "call_1"}},
            'call_1 function_call_output "21"',
        ),
        ("response.output_audio.delta", {"delta": base64_of(bytes(9600))}, "200 ms 10 kB"),
        ("response.output_text.delta", {"delta": "hel"}, '"hel"'),
        ("response.created", {"response": {"id": "resp_1", "conversation_id": None}}, "resp_1 out of band"),
        (
            "response.done",
            {"response": {"status": "incomplete", "status_details": {"reason": "max_output_tokens"}}},
            "incomplete (max_output_tokens)",
        ),
        (
            "response.done",
            {"response": {"status": "failed", "status_details": {"error": {"code": "quota", "message": "none left"}}}},
            "failed (quota) none left",
        ),
        (
            "error",
            {"error": {"type": "invalid_request_error", "code": "bad", "message": "no", "param": "x", "event_id": "e"}},
            "bad: no (x) ← e",
        ),
        ("rate_limits.updated", {"rate_limits": [{"name": "tokens", "remaining": 5, "limit": 9}]}, "tokens 5/9"),
        ("input_audio_buffer.speech_started", {"audio_start_ms": 640}, "audio_start_ms=640"),
        ("conversation.item.truncate", {"item_id": "item_1", "audio_end_ms": 1500}, "item_1 audio_end_ms=1500"),
        ("some.new.event", {"level": 3, "name": "x", "nested": {}}, 'level=3 name="x"'),
    ],
)
def test_a_row_says_what_matters_of_its_type(type_: str, fields: dict[str, Any], expected: str) -> None:
    """A table of types, and the plain fields of a type that nobody told us about."""
    assert about(type_, **fields) == expected


def test_base64_is_never_in_a_row() -> None:
    """Sound and images are sizes."""
    sound = base64_of(bytes(range(256)) * 20)
    for record in (
        Wire().frame("input_audio_buffer.append", ">", audio=sound),
        Wire().frame("response.output_audio.delta", delta=sound),
        Wire().frame("conversation.item.create", ">", item={"content": [{"type": "input_audio", "audio": sound}]}),
    ):
        assert sound[:20] not in line(record)


def test_g711_counts_its_own_milliseconds() -> None:
    """The session says its formats, and the rows believe it."""
    formats = WireFormats()
    audio = {"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcma"}}}
    formats.observe({"type": "session.updated", "session": {"audio": audio}})
    append = Wire().frame("input_audio_buffer.append", ">", audio=base64_of(bytes(800)))

    assert "100 ms" in plain(row(append, formats, 200))


def test_a_format_that_was_only_asked_for_does_not_count() -> None:
    """The server confirms, or it is not so."""
    formats = WireFormats()
    formats.observe({"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}})

    assert formats.input.type == "audio/pcm"


def test_a_frame_that_is_no_event_says_why() -> None:
    """In its place among the others."""
    record = Frame(3, 0.5, Direction.RECEIVED, None, 12, problem="not JSON (line 1)")

    assert line(record) == "   3   +0.500s < not an event not JSON (line 1) 12 B"


def test_control_characters_in_fields_are_written_out() -> None:
    """Also where a field is not text of the conversation."""
    assert "\x1b" not in line(Wire().frame("error", error={"message": "\x1b[2J", "code": "\x07"}))
    assert "\x1b" not in line(Wire().frame("a\x1b[2Jb"))


def test_a_folded_stream_says_how_much_and_how_long() -> None:
    """Count, sound or characters, the time it took, and the whole text at its end."""
    wire, fold = Wire(), EventGrouper()
    rows = [plain(row(entry, WireFormats(), 120)) for frame in spoken_answer(wire, 5) for entry in fold.feed(frame)]
    sound = next(text for text in rows if "response.output_audio " in text)
    words = next(text for text in rows if "response.output_audio_transcript " in text)

    assert "×25 5.0 s of audio, 325 kB, in 2.4 s" in sound
    assert '×25 165 characters in 2.5 s "word0 word1' in words
    assert len(rows) == 11


def test_an_open_stream_shows_its_latest_words() -> None:
    """While it counts, the end of the text is what is new."""
    wire, fold = Wire(), EventGrouper()
    for number in range(30):
        fold.feed(wire.frame("response.output_text.delta", item_id="item_1", delta=f"word{number} "))
    text = plain(row(fold.open[0], WireFormats(), 300))

    assert text.endswith('word29 " …')


@given(
    st.dictionaries(st.text(max_size=8), st.recursive(st.none() | st.integers() | st.text(max_size=9), st.lists)),
    st.sampled_from(["session.created", "response.done", "error", "conversation.item.done", "x.delta", "x.done"]),
    st.integers(1, 120),
)
def test_no_event_can_break_a_row(fields: dict[str, Any], type_: str, width: int) -> None:
    """Any field may be missing or odd; the row stays within its width and on one line."""
    record = Frame(1, 0.0, Direction.RECEIVED, {**fields, "type": type_}, 5)
    text = plain(row(record, WireFormats(), width))

    assert cells(text) <= width
    assert "\n" not in text


@pytest.mark.parametrize("modalities", [7, [3, None]])
def test_an_odd_field_of_a_session_leaves_the_others_in_its_row(modalities: object) -> None:
    """The row tells what can be read."""
    session = {"model": "m", "output_modalities": modalities, "audio": {"output": {"voice": "marin"}}}

    assert about("session.created", session=session) == "m marin"
