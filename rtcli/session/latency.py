"""How long each turn took, between named events: asked or spoken, begun by the server, heard by the person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtcli.protocol.error_attribution import possible_event_types
from rtcli.protocol.usage import percentile

_MOST_TURNS = 1000


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
    """Builds turns from events and the times they came at; pure, the caller has the clock."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}
        self._requests: dict[object, float] = {}
        self._speech_stopped: float | None = None

    @property
    def turns(self) -> Sequence[Turn]:
        """All turns that are kept, oldest first."""
        return tuple(self._turns.values())

    def on_sent(self, event: Mapping[str, Any], at: float) -> None:
        """Take in what we sent."""
        if event.get("type") == "response.create":
            self._requests[event.get("event_id") or at] = at

    def on_received(self, event: Mapping[str, Any], at: float) -> None:
        """Take in what the server sent."""
        act = _TABLE.get(str(event.get("type")))
        if act:
            act(self, event, at)

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

    def _stopped(self, event: Mapping[str, Any], at: float) -> None:
        self._speech_stopped = at

    def _refused(self, event: Mapping[str, Any], at: float) -> None:
        error = event.get("error")
        if not isinstance(error, Mapping):
            return
        if event_id := error.get("event_id"):
            self._requests.pop(event_id, None)
        elif self._requests and possible_event_types(error) == {"response.create"}:
            del self._requests[next(iter(self._requests))]

    def _created(self, event: Mapping[str, Any], at: float) -> None:
        response = event.get("response")
        response_id = str(response.get("id")) if isinstance(response, Mapping) else ""
        spoken = not self._requests
        asked = self._speech_stopped if spoken else self._requests.pop(next(iter(self._requests)))
        if spoken:
            self._speech_stopped = None
        if len(self._turns) >= _MOST_TURNS:
            del self._turns[next(iter(self._turns))]
        self._turns[response_id] = Turn(response_id, spoken, asked, at)

    def _delta(self, event: Mapping[str, Any], at: float) -> None:
        turn = self._turns.get(str(event.get("response_id")))
        if turn and turn.first_delta is None:
            turn.first_delta = at

    def _audio(self, event: Mapping[str, Any], at: float) -> None:
        self._delta(event, at)
        turn = self._turns.get(str(event.get("response_id")))
        if turn and turn.first_audio is None:
            index = event.get("content_index")
            turn.first_audio = at
            turn.audio_item = (str(event.get("item_id")), index if isinstance(index, int) else 0)

    def _done(self, event: Mapping[str, Any], at: float) -> None:
        response = event.get("response")
        if isinstance(response, Mapping) and (turn := self._turns.get(str(response.get("id")))):
            turn.done = at
            turn.status = str(response.get("status"))


_TABLE: Mapping[str, Callable[[Turns, Mapping[str, Any], float], None]] = {
    "input_audio_buffer.speech_stopped": Turns._stopped,
    "error": Turns._refused,
    "response.created": Turns._created,
    "response.output_text.delta": Turns._delta,
    "response.output_audio_transcript.delta": Turns._delta,
    "response.function_call_arguments.delta": Turns._delta,
    "response.output_audio.delta": Turns._audio,
    "response.done": Turns._done,
}
