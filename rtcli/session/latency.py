"""How long each turn took, between named events: asked or spoken, begun by the server, heard by the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtcli.protocol.playback import PartKey
from rtcli.protocol.record import Frame, Heard
from rtcli.protocol.remember import remember
from rtcli.protocol.usage import percentile
from rtcli.session.audio_meter import part_of
from rtcli.session.part import Part, moment, received, sent

MAX_TURNS = 1000


@dataclass(slots=True)
class Turn:
    """One response and what it answered. Times are seconds of the session's clock; None: it has not happened.

    `spoken`: the user spoke, and `asked` is when speech stopped; else it is when response.create left us.
    `played` is when the first sample of the answer left the device.
    """

    response_id: str
    spoken: bool
    asked: float | None
    created: float
    first_delta: float | None = None
    first_audio: float | None = None
    audio_part: PartKey | None = None
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
"""What is measured of a turn, from the moment the user stopped speaking or the request left."""


class Turns(Part):
    """Builds turns from records, their times and their links."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}
        # By the number of a frame that may lead to a response: when that was asked for, and whether it was spoken.
        self._begun: dict[int, tuple[float, bool]] = {}

    @property
    def turns(self) -> Sequence[Turn]:
        """All turns that are kept, oldest first."""
        return tuple(self._turns.values())

    def summary(self, step: str, share: float) -> float | None:
        """A percentile (0.5, 0.95) over the turns, in milliseconds."""
        take = STEPS[step]
        return percentile((ms for turn in self._turns.values() if (ms := take(turn)) is not None), share)

    @sent("response.create")
    def _on_response_create(self, _event: Mapping[str, Any], frame: Frame) -> None:
        remember(self._begun, frame.number, (frame.at, False), MAX_TURNS)

    @received("input_audio_buffer.speech_stopped")
    def _on_input_audio_buffer_speech_stopped(self, _event: Mapping[str, Any], frame: Frame) -> None:
        remember(self._begun, frame.number, (frame.at, True), MAX_TURNS)

    @received("input_audio_buffer.committed")
    def _on_input_audio_buffer_committed(self, _event: Mapping[str, Any], frame: Frame) -> None:
        """The turn's audio: what it leads to was asked for when speech stopped."""
        if frame.parent in self._begun:
            remember(self._begun, frame.number, self._begun[frame.parent], MAX_TURNS)

    @received("response.created")
    def _on_response_created(self, event: Mapping[str, Any], frame: Frame) -> None:
        response = event.get("response")
        response_id = str(response.get("id")) if isinstance(response, Mapping) else ""
        asked, spoken = self._begun.pop(frame.parent or 0, (None, True))
        remember(self._turns, response_id, Turn(response_id, spoken, asked, frame.at), MAX_TURNS)

    @received(
        "response.output_text.delta",
        "response.output_audio_transcript.delta",
        "response.function_call_arguments.delta",
    )
    def _on_delta(self, event: Mapping[str, Any], frame: Frame) -> None:
        turn = self._turns.get(str(event.get("response_id")))
        if turn and turn.first_delta is None:
            turn.first_delta = frame.at

    @received("response.output_audio.delta")
    def _on_response_output_audio_delta(self, event: Mapping[str, Any], frame: Frame) -> None:
        self._on_delta(event, frame)
        turn = self._turns.get(str(event.get("response_id")))
        if turn and turn.first_audio is None:
            turn.first_audio = frame.at
            turn.audio_part = part_of(event)

    @moment(Heard)
    def _on_heard(self, record: Heard) -> None:
        """A position tells when the first sample left the device, as audio is played without pause."""
        part = (record.item_id, record.content_index)
        turn = next((turn for turn in reversed(self._turns.values()) if turn.audio_part == part), None)
        if turn and turn.played is None and record.ms > 0:
            turn.played = record.at - record.ms / 1000

    @received("response.done")
    def _on_response_done(self, event: Mapping[str, Any], frame: Frame) -> None:
        response = event.get("response")
        if isinstance(response, Mapping) and (turn := self._turns.get(str(response.get("id")))):
            turn.done = frame.at
            turn.status = str(response.get("status"))
