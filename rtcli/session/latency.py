"""How long each turn took, between named events: asked or spoken, begun by the server, heard by the person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtcli.protocol.record import Frame
from rtcli.protocol.remember import remember
from rtcli.protocol.usage import percentile

MAX_TURNS = 1000


@dataclass(slots=True)
class Turn:
    """One response and what it answered. Times are seconds of the session's clock; None: it has not happened.

    `spoken`: the person spoke, and `asked` is when speech stopped; else it is when response.create left us.
    `played` is when the first sample of the answer left the device.
    """

    response_id: str
    spoken: bool
    asked: float | None
    created: float
    first_delta: float | None = None
    first_audio: float | None = None
    audio_item: tuple[str, int] | None = None
    played: float | None = None
    done: float | None = None
    status: str = "in_progress"

    def after(self, moment: float | None) -> float | None:
        """Milliseconds from `asked` to a moment of this turn."""
        return None if moment is None or self.asked is None else (moment - self.asked) * 1000


STEPS: Mapping[str, Callable[[Turn], float | None]] = {
    "created": lambda turn: turn.after(turn.created),
    "first delta": lambda turn: turn.after(turn.first_delta),
    "first audio": lambda turn: turn.after(turn.first_audio),
    "first sample played": lambda turn: turn.after(turn.played),
    "done": lambda turn: turn.after(turn.done),
}
"""What is measured of a turn, from the moment the person stopped speaking or the request left."""


class Turns:
    """Builds turns from frames, their times and their links; pure."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}
        # By the number of a frame that may lead to a response: when that was asked for, and whether it was spoken.
        self._begun: dict[int, tuple[float, bool]] = {}

    @property
    def turns(self) -> Sequence[Turn]:
        """All turns that are kept, oldest first."""
        return tuple(self._turns.values())

    def observe(self, record: Frame) -> None:
        """Take in one frame."""
        act = _TABLE.get(str(record.event.get("type"))) if record.event is not None else None
        if act and record.event is not None:
            act(self, record.event, record)

    @property
    def unplayed(self) -> Sequence[tuple[str, int]]:
        """Content parts with sound of which it is not known when they were first heard."""
        return tuple(turn.audio_item for turn in self._turns.values() if turn.audio_item and turn.played is None)

    def on_played(self, item_id: str, content_index: int, at: float) -> None:
        """The first sample of a content part left the device."""
        for turn in reversed(self._turns.values()):
            if turn.audio_item == (item_id, content_index) and turn.played is None:
                turn.played = at
                return

    def summary(self, step: str, share: float) -> float | None:
        """A percentile (0.5, 0.95) over the turns, in milliseconds."""
        take = STEPS[step]
        return percentile((ms for turn in self._turns.values() if (ms := take(turn)) is not None), share)

    def _on_response_create(self, event: Mapping[str, Any], record: Frame) -> None:
        remember(self._begun, record.number, (record.at, False), MAX_TURNS)

    def _on_speech_stopped(self, event: Mapping[str, Any], record: Frame) -> None:
        remember(self._begun, record.number, (record.at, True), MAX_TURNS)

    def _on_committed(self, event: Mapping[str, Any], record: Frame) -> None:
        """The turn's audio: what it leads to was asked for when speech stopped."""
        if record.parent in self._begun:
            remember(self._begun, record.number, self._begun[record.parent], MAX_TURNS)

    def _on_response_created(self, event: Mapping[str, Any], record: Frame) -> None:
        response = event.get("response")
        response_id = str(response.get("id")) if isinstance(response, Mapping) else ""
        asked, spoken = self._begun.pop(record.parent or 0, (None, True))
        remember(self._turns, response_id, Turn(response_id, spoken, asked, record.at), MAX_TURNS)

    def _on_delta(self, event: Mapping[str, Any], record: Frame) -> None:
        turn = self._turns.get(str(event.get("response_id")))
        if turn and turn.first_delta is None:
            turn.first_delta = record.at

    def _on_response_output_audio_delta(self, event: Mapping[str, Any], record: Frame) -> None:
        self._on_delta(event, record)
        turn = self._turns.get(str(event.get("response_id")))
        if turn and turn.first_audio is None:
            index = event.get("content_index")
            turn.first_audio = record.at
            turn.audio_item = (str(event.get("item_id")), index if isinstance(index, int) else 0)

    def _on_response_done(self, event: Mapping[str, Any], record: Frame) -> None:
        response = event.get("response")
        if isinstance(response, Mapping) and (turn := self._turns.get(str(response.get("id")))):
            turn.done = record.at
            turn.status = str(response.get("status"))


_TABLE: Mapping[str, Callable[[Turns, Mapping[str, Any], Frame], None]] = {
    "response.create": Turns._on_response_create,
    "input_audio_buffer.speech_stopped": Turns._on_speech_stopped,
    "input_audio_buffer.committed": Turns._on_committed,
    "response.created": Turns._on_response_created,
    "response.output_text.delta": Turns._on_delta,
    "response.output_audio_transcript.delta": Turns._on_delta,
    "response.function_call_arguments.delta": Turns._on_delta,
    "response.output_audio.delta": Turns._on_response_output_audio_delta,
    "response.done": Turns._on_response_done,
}
