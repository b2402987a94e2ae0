"""An answer whose audio stops half way is told of while it does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtcli.protocol.payloads import FinishedResponse, ResponseDone, TransportAudio, Usage
from rtcli.protocol.session_kind import SessionKind
from rtcli.session.audio_stall import AudioStall
from rtcli.views import Notice
from tests.kit.waiting import DEADLINE


class Emits:
    """Stands for the link and its transport: it emits, and takes what there is to show."""

    def __init__(self) -> None:
        self.transport = self
        self.kind = SessionKind.REALTIME
        self.listeners: dict[str, Any] = {}
        self.said: asyncio.Queue[Notice] = asyncio.Queue()
        self.show = self.said.put_nowait
        AudioStall(self)  # type: ignore[arg-type]

    def on(self, name: str, listener: Any) -> None:
        self.listeners[name] = listener

    def audio(self, item: str = "item_a", response: str = "r", *, interrupted: bool = False) -> None:
        self.listeners["audio"](TransportAudio(bytes(9600), response, item, 0, interrupted))

    def turn_done(self, response: str) -> None:
        self.listeners["turn_done"](ResponseDone(FinishedResponse(response, [], Usage())))

    def whats(self) -> list[str]:
        return [self.said.get_nowait().what for _ in range(self.said.qsize())]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stall of 30 ms counts."""
    monkeypatch.setattr("rtcli.session.audio_stall._STALL_SECONDS", 0.03)


async def test_audio_that_stops_half_way_is_told_once_and_so_is_its_return() -> None:
    """In the middle of an item, and while it lasts."""
    watched = Emits()
    watched.audio()
    async with asyncio.timeout(DEADLINE):
        stalled = await watched.said.get()
    assert stalled.what.startswith("the answer stalls: no audio of item_a") and "/interrupt" in stalled.hint
    watched.audio()

    assert [what.partition(" after")[0] for what in watched.whats()] == ["the audio continued"]
    watched.turn_done("r")


END: dict[str, Any] = {
    "whole": lambda watched: watched.listeners["response.output_audio.done"]({"item_id": "item_a"}),
    "response done": lambda watched: watched.turn_done("r"),
    "interrupted": lambda watched: watched.listeners["audio_interrupted"](),
}


@pytest.mark.parametrize("end", END.values(), ids=END.keys())
async def test_an_answer_that_has_ended_does_not_stall(end: Any) -> None:
    """Whichever way it ended; audio that comes after a cut is late and belongs to nothing."""
    watched = Emits()
    watched.audio()
    end(watched)
    watched.audio(interrupted=True)
    await asyncio.sleep(0.06)  # timers fire in order: a stall would have been told before

    assert watched.whats() == []


async def test_another_response_that_ends_meanwhile_changes_nothing() -> None:
    """Responses outside of the conversation run beside it."""
    watched = Emits()
    watched.audio()
    watched.turn_done("other")
    async with asyncio.timeout(DEADLINE):
        stalled = await watched.said.get()

    assert stalled.what.startswith("the answer stalls")
    watched.turn_done("r")
