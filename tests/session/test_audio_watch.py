"""Answers that ought to be heard and are not are told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtcli.protocol.audio_formats import PCM16, PCMU
from rtcli.protocol.payloads import TransportAudio
from rtcli.session.audio_watch import AudioWatch
from rtcli.views import Notice

LOUD = (1000).to_bytes(2, "little", signed=True) * 4800
FAINT = (-20).to_bytes(2, "little", signed=True) * 4800
SILENT = bytes(9600)


class Watched:
    """A watch, what it says, and a short way to feed it."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[Notice] = asyncio.Queue()
        self.watch = AudioWatch(self.said.put_nowait, lambda: PCM16)

    def sound(self, pcm: bytes, item: str = "item_a", response: str = "r", *, interrupted: bool = False) -> None:
        self.watch.arrived(TransportAudio(pcm, response, item, 0, interrupted))

    def sound_done(self, item: str = "item_a") -> None:
        self.watch.saw({"type": "response.output_audio.done", "item_id": item, "content_index": 0})

    def done(self, *items: str, status: str = "completed", response: str = "r", kind: str = "output_audio") -> None:
        output = [{"type": "message", "id": item, "content": [{"type": kind}]} for item in items]
        self.watch.saw({"type": "response.done", "response": {"id": response, "status": status, "output": output}})

    def whats(self) -> list[str]:
        return [self.said.get_nowait().what for _ in range(self.said.qsize())]


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
async def test_an_answer_of_silence_is_told_when_it_is_whole(pieces: list[bytes], told: bool) -> None:
    """Nothing louder than -60 dBFS, from beginning to end."""
    watched = Watched()
    for pcm in pieces:
        watched.sound(pcm)
    assert watched.whats() == []
    watched.sound_done()
    watched.done("item_a")

    assert watched.whats() == (["the sound of item_a is silence"] if told else [])


async def test_telephone_silence_is_silence_too() -> None:
    """What arrives is decoded first: silence is no row of zeros in G.711."""
    said: list[Notice] = []
    watch = AudioWatch(said.append, lambda: PCMU)
    watch.arrived(TransportAudio(b"\xff" * 8000, "r", "item_a", 0))
    watch.saw({"type": "response.output_audio.done", "item_id": "item_a"})

    assert [notice.what for notice in said] == ["the sound of item_a is silence"]


async def test_an_answer_that_says_it_is_spoken_has_to_come_with_sound() -> None:
    """A transcript alone is heard by nobody; written answers and cancelled ones need no sound."""
    watched = Watched()
    watched.done("item_a")
    assert watched.whats() == ["no sound came for item_a, which says that it is spoken"]

    watched.sound(LOUD)
    watched.done("item_a")
    watched.done("item_b", kind="output_text")
    watched.done("item_c", status="cancelled")
    watched.watch.saw({"type": "response.done", "response": None})
    assert watched.whats() == []


async def test_another_response_that_ends_meanwhile_changes_nothing() -> None:
    """Responses outside of the conversation run beside it."""
    watched = Watched()
    watched.sound(LOUD)
    watched.done("item_b", response="other", kind="output_text")
    watched.done("item_a")

    assert watched.whats() == []


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stall of 30 ms counts."""
    monkeypatch.setattr("rtcli.session.audio_watch._STALL_SECONDS", 0.03)


@pytest.mark.usefixtures("impatient")
async def test_sound_that_stops_half_way_is_told_once_and_so_is_its_return() -> None:
    """In the middle of an item, and while it lasts."""
    watched = Watched()
    watched.sound(LOUD)
    async with asyncio.timeout(5):
        stalled = await watched.said.get()
    assert stalled.what.startswith("the answer stalls: no sound of item_a") and "/interrupt" in stalled.hint
    watched.sound(LOUD)

    assert [what.partition(" after")[0] for what in watched.whats()] == ["the sound goes on"]
    watched.sound_done()


END: dict[str, Any] = {
    "whole": lambda watched: watched.sound_done(),
    "response done": lambda watched: watched.done("item_a"),
    "interrupted": lambda watched: watched.watch.forget(),
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("end", END.values(), ids=END.keys())
async def test_an_answer_that_has_ended_does_not_stall(end: Any) -> None:
    """Whichever way it ended; sound that comes after a cut is late and belongs to nothing."""
    watched = Watched()
    watched.sound(LOUD)
    end(watched)
    watched.sound(LOUD, interrupted=True)
    await asyncio.sleep(0.06)  # timers fire in order: a stall would have been told before

    assert watched.whats() == []
