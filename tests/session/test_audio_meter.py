"""Audio is counted from the frames, and answers that ought to be heard and are not are told."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from rtcli.protocol.record import Connected, Connection, Heard
from rtcli.session.audio_meter import AudioMeter
from rtcli.views import Notice, View
from tests.kit.records import Feeder

LOUD = (1000).to_bytes(2, "little", signed=True) * 4800
FAINT = (-20).to_bytes(2, "little", signed=True) * 4800
SILENT = bytes(9600)


class Fed(Feeder):
    """A meter, and short ways to feed it."""

    def __init__(self) -> None:
        self.meter = AudioMeter()
        super().__init__(self.meter)

    def audio(self, data: bytes, item: str = "item_a", response: str = "r") -> list[View]:
        where = {"response_id": response, "item_id": item, "content_index": 0}
        return self.received({"type": "response.output_audio.delta", **where, "delta": base64.b64encode(data).decode()})

    def audio_done(self, item: str = "item_a") -> list[View]:
        return self.received({"type": "response.output_audio.done", "item_id": item, "content_index": 0})

    def done(self, *items: str, status: str = "completed", kind: str = "output_audio") -> list[View]:
        output = [{"type": "message", "id": item, "content": [{"type": kind}]} for item in items]
        return self.received({"type": "response.done", "response": {"id": "r", "status": status, "output": output}})

    def session(self, side: str, audio_format: str) -> None:
        audio = {side: {"format": {"type": audio_format}}}
        self.received({"type": "session.updated", "session": {"audio": audio}})

    def append(self, data: bytes) -> None:
        self.sent({"type": "input_audio_buffer.append", "audio": base64.b64encode(data).decode()})


def whats(views: list[View]) -> list[str]:
    return [view.what for view in views if isinstance(view, Notice)]


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([SILENT, SILENT], True),
        ([FAINT, SILENT], True),
        ([SILENT, LOUD, SILENT], False),
        ([SILENT[:4800]], False),
        ([b"\x00"], False),
    ],
    ids=["silence", "below -60 dBFS", "loud once", "too short to tell", "half a sample"],
)
def test_an_answer_of_silence_is_told_when_it_is_whole(pieces: list[bytes], told: bool) -> None:
    """Nothing louder than -60 dBFS, from beginning to end."""
    fed = Fed()
    for pcm in pieces:
        assert fed.audio(pcm) == []

    assert whats(fed.audio_done()) == (["the audio of item_a is silence"] if told else [])
    assert fed.done("item_a") == []


def test_telephone_silence_is_silence_too() -> None:
    """What arrives is decoded first: silence is no row of zeros in G.711."""
    fed = Fed()
    fed.session("output", "audio/pcmu")
    fed.audio(b"\xff" * 8000)

    assert fed.meter.received_ms("item_a", 0) == 1000
    assert whats(fed.audio_done()) == ["the audio of item_a is silence"]


def test_a_response_may_speak_in_a_format_of_its_own() -> None:
    """What response.created says counts for its items."""
    fed = Fed()
    audio = {"output": {"format": {"type": "audio/pcma"}}}
    fed.received({"type": "response.created", "response": {"id": "r2", "audio": audio}})
    fed.audio(bytes(8000), item="item_b", response="r2")
    fed.audio(bytes(48_000), item="item_a")

    assert (fed.meter.received_ms("item_b", 0), fed.meter.received_ms("item_a", 0)) == (1000, 1000)


def test_an_answer_that_says_it_is_spoken_has_to_come_with_audio() -> None:
    """A transcript alone is heard by nobody; written answers and cancelled ones need no audio."""
    fed = Fed()
    assert whats(fed.done("item_a")) == ["no audio came for item_a, although it is announced as spoken"]

    fed.audio(LOUD)
    assert fed.done("item_a") == []
    assert fed.done("item_b", kind="output_text") == []
    assert fed.done("item_c", status="cancelled") == []
    assert fed.received({"type": "response.done", "response": None}) == []


def test_a_call_has_its_audio_elsewhere() -> None:
    """Of a call that is joined the events alone come over the wire."""
    fed = Fed()
    fed.record(Connection(0, Connected.DIALING, "wss://example/v1/realtime?call_id=rtc_1"))

    assert fed.done("item_a") == []


@pytest.mark.parametrize(("audio_format", "length"), [("audio/pcm", 48_000), ("audio/pcmu", 8000)])
def test_a_turn_is_measured_in_the_formats_own_bytes(audio_format: str, length: int) -> None:
    """A second is a second in every format; a commit or a clear of ours starts anew."""
    fed = Fed()
    fed.session("input", audio_format)
    fed.append(bytes(length))
    assert fed.meter.unsent_turn_ms == 1000

    fed.sent({"type": "input_audio_buffer.commit"})
    assert fed.meter.unsent_turn_ms == 0


def test_an_interruption_ends_where_the_player_stopped() -> None:
    """A truncation to that place is one; what arrives later is late and counts for nothing."""
    fed = Fed()
    fed.audio(bytes(48_000))
    fed.record(Heard(1.0, "item_a", 0, 310))
    assert fed.meter.cuts_at_heard("item_a", 0, 310)
    assert not fed.meter.cuts_at_heard("item_a", 0, 500)
    assert not fed.meter.cuts_at_heard("item_b", 0, 310)

    truncate = {"type": "conversation.item.truncate", "item_id": "item_a", "content_index": 0, "audio_end_ms": 310}
    fed.sent(truncate)
    fed.audio(bytes(48_000))
    assert fed.meter.received_ms("item_a", 0) == 1000


def test_odd_fields_cost_nothing_but_themselves() -> None:
    """A delta that is not base64, or no text at all."""
    fed = Fed()
    where: dict[str, Any] = {"type": "response.output_audio.delta", "response_id": "r", "item_id": "item_a"}
    fed.received({**where, "delta": 7})
    fed.received({**where, "delta": "§§§§"})
    fed.audio(LOUD)

    assert fed.audio_done() == []
