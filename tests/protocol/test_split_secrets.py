"""A secret that comes in pieces is written and shown nowhere, and a text that holds none is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.masking import MASK, add_secret, forget_secrets, masked
from rtcli.protocol.events import encode
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.record import Frame
from rtcli.protocol.record_lines import frame_line

SECRET = "canaryKEY0123456789abcdef"
TELLS = 8  # characters in a row that tell too much
EVENTS = (
    ("response.output_text.delta", "delta"),
    ("response.output_audio_transcript.delta", "delta"),
    ("conversation.item.input_audio_transcription.delta", "delta"),
    ("response.function_call_arguments.delta", "delta"),
    ("session.output_transcript.delta", "delta"),
    ("response.audio_transcript.delta", "transcript"),
    ("of.somebody.delta", "text"),
)


def event(kind: str, name: str, piece: str, item: str = "item_1") -> dict[str, Any]:
    return {"type": kind, "event_id": "e", "item_id": item, "content_index": 0, name: piece}


def frames(events: Iterable[dict[str, Any]], maker: FrameMaker | None = None) -> Iterator[Frame]:
    maker = maker or FrameMaker()
    for each in events:
        yield maker.received(each, encode(each), 0.5)


def recorded(pieces: Iterable[str], kind: str = EVENTS[0][0], name: str = "delta") -> str:
    """What the recording has of them, joined."""
    lines = [frame_line(frame, masked) for frame in frames(event(kind, name, piece) for piece in pieces)]
    return "".join(json.loads(line)["event"][name] for line in lines)


def tells(text: str, secret: str = SECRET) -> bool:
    return any(secret[at : at + TELLS] in text for at in range(len(secret) - TELLS + 1))


def cut(text: str, places: Iterable[int]) -> list[str]:
    ends = [*sorted(places), len(text)]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(("kind", "name"), EVENTS)
def test_a_secret_in_two_pieces_is_neither_recorded_nor_shown(kind: str, name: str) -> None:
    add_secret(SECRET)
    events = [event(kind, name, piece) for piece in (f"it is {SECRET[:11]}", f"{SECRET[11:]}, you see")]
    whole = list(frames(events))

    assert recorded(("it is " + SECRET[:11], SECRET[11:] + ", you see"), kind, name) == f"it is {MASK}, you see"
    assert [frame.shown.event[name] for frame in whole if frame.shown.event] == [f"it is {MASK}", ", you see"]
    assert [frame.event for frame in whole] == events
    assert [frame.raw for frame in whole] == [encode(each) for each in events]


@given(st.text("word ,.", max_size=12), st.text(" ,.", max_size=5), st.sets(st.integers(0, 50)))
def test_however_it_is_cut_the_rest_of_the_text_stays(before: str, after: str, places: set[int]) -> None:
    forget_secrets()
    add_secret(SECRET)
    text = f"{before} {SECRET}{after}"
    written = recorded(cut(text, (place for place in places if place < len(text))))

    assert not tells(written)
    assert written.startswith(f"{before} ") and written.endswith(after)


@given(st.text("sk-projet ehu", max_size=40), st.sets(st.integers(0, 40)))
def test_a_text_without_a_secret_is_written_as_it_came(text: str, places: set[int]) -> None:
    forget_secrets()
    add_secret("sk-proj-0123456789abcdef0123456789")

    assert recorded(cut(text, (place for place in places if place < len(text)))) == text


def test_a_secret_whose_end_never_comes_is_masked() -> None:
    """Of an answer that is cancelled, the deltas and the text that it ended with."""
    add_secret(SECRET)

    assert recorded(["so ", SECRET[:5], SECRET[5:20]]) == f"so {SECRET[:5]}{MASK}"
    assert masked(f"so {SECRET[:20]}") == f"so {MASK}"
    assert masked(f"so {SECRET[:20]}. And {SECRET}.") == f"so {MASK}. And {MASK}."
    assert masked(f"so {SECRET[:5]}") == f"so {SECRET[:5]}"


def test_a_key_that_nobody_knows_is_masked_from_where_it_looks_like_one() -> None:
    written = recorded(["Use sk-", "abcdefgh", "ijklmnop", "qrstuvwx", " now"])

    assert written == f"Use sk-abcdefgh{MASK} now"


def test_texts_that_come_at_the_same_time_are_told_apart() -> None:
    add_secret(SECRET)
    kind, name = EVENTS[0]
    first, second = SECRET[:12], SECRET[12:]
    told = [("a", first), ("b", second), ("a", second), ("b", first), ("a", first)]
    whole = list(frames(event(kind, name, piece, item) for item, piece in told))

    assert [frame.shown.event[name] for frame in whole if frame.shown.event] == [MASK, second, "", MASK, MASK]


def test_a_transcript_that_is_told_again_and_again_keeps_its_secret_back() -> None:
    """Some servers repeat all of it, where GA has deltas."""
    add_secret(SECRET)
    kind = "conversation.item.input_audio_transcription.updated"
    events = [event(kind, "transcript", f"it is {SECRET[:length]}") for length in (3, 12, 24, 25)]
    lines = [json.loads(frame_line(frame, masked)) for frame in frames(events)]

    assert [line["event"]["transcript"][6:] for line in lines] == [SECRET[:3], MASK, MASK, MASK]


@pytest.mark.parametrize(
    "raw",
    [
        '{ "delta" : "PIECE" , "type":"response.output_text.delta", "item_id": "PIECE" }',
        '{"type":"response.output_text.delta","delta":"\\u00e4 \\"PIECE"}',
        '{"type":"response.output_text.delta","delta":"ä \\"PIECE","n":1.0}',
    ],
)
def test_the_rest_of_the_frame_is_in_the_line_to_the_byte(raw: str) -> None:
    add_secret(SECRET)
    text = raw.replace("PIECE", SECRET[:7])
    (frame,) = frames([json.loads(text)])
    frame.raw = text
    head, place, rest = raw.partition('PIECE"')
    wanted = f"{head}{place}{rest}".replace('PIECE"', f'{MASK}"', 1).replace("PIECE", SECRET[:7])

    line = frame_line(frame, masked).decode()
    assert line.partition('"event":')[2][:-1].replace("\\u00e4", "ä") == wanted.replace("\\u00e4", "ä")
    assert '"masked":true' in line
    assert frame_line(frame).decode().partition('"event":')[2][:-1] == text
