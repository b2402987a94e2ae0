"""Timeline: the turns of a session, built from its records as they come or from a recording of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rtcli.protocol.dialects import Dialect
from rtcli.protocol.record import Audio, Connected, Connection, Device, Direction, Frame, Heard, Record
from rtcli.timeline.book import Turns
from rtcli.timeline.keeper import AudioKeeper
from rtcli.timeline.model import ModelSide
from rtcli.timeline.reading import EventFields, handlers, mapping, moment, received, text
from rtcli.timeline.turns import Moment, Problem, Silence, SpokenPart, Turn, UserVoice
from rtcli.timeline.user import UserSide
from rtcli.timeline.voice import Wave

SILENCE_SECONDS = 1.0
"""A server that owes something and says nothing for longer is silent."""

_PIECES = frozenset(
    (
        "input_audio_buffer.append",
        "response.output_text.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.function_call_arguments.delta",
    )
)
"""Nearly all events of a session; of these the first one of a response is all that changes the figures of a turn."""

_RECEIVED = Direction.RECEIVED  # a member costs a search through its class


class Timeline:
    """Fed with records in their order, events of the server by the names of GA (`read` sees to that offline).

    `at` is the moment of the last record.
    """

    def __init__(self, keeper: AudioKeeper | None = None) -> None:
        """`keeper` gets the audio itself, of which the timeline keeps the levels alone."""
        self.at = 0.0
        self._turns = Turns()
        self._user = UserSide(self._turns, keeper)
        self._model = ModelSide(self._turns, keeper)
        self._last_received = 0.0
        frames: dict[Direction, dict[str, list[Callable[[EventFields, Frame], None]]]] = {way: {} for way in Direction}
        for part in (self, self._user, self._model):
            for direction, type_, handler in handlers(part):
                frames[direction].setdefault(type_, []).append(handler)
        self._received, self._sent = frames[Direction.RECEIVED], frames[Direction.SENT]
        self._moments: dict[type, Callable[[Any], None]] = {
            Heard: self._model.on_heard,
            Audio: self._on_audio,
            Connection: self._on_connection,
            Device: self._user.on_device,
        }

    def __repr__(self) -> str:
        return f"<Timeline: {len(self.turns)} turns, {self.at:.3f} s>"

    @property
    def turns(self) -> Sequence[Turn]:
        """The turns, oldest first; the newest thousand are kept."""
        return self._turns.all

    @property
    def changes(self) -> int:
        """It grows with everything that may have changed the moments of a turn; pieces of audio and text do not."""
        return self._turns.changes

    def turn(self, number: int) -> Turn | None:
        """The turn with a number; None: it is forgotten, or still to come."""
        return self._turns.get(number)

    def parts_of_item(self, item_id: str) -> Sequence[SpokenPart]:
        """The audio of an item of the model."""
        turn = self._turns.of_item(item_id)
        return [part for part in turn.parts if part.key[0] == item_id] if turn else []

    def settle(self) -> None:
        """All records are in: place what was sent last."""
        self._user.audio.settle()

    def waves(self, voice: UserVoice) -> tuple[Wave, ...]:
        """What was said, while it is said as far as it is measured."""
        return voice.waves if voice.stopped is not None else self._user.audio.waves(voice.first_step)

    def voice_of_item(self, item_id: str) -> UserVoice | None:
        """What was said in an item of the user."""
        turn = self._turns.of_item(item_id)
        return turn.voice if turn and turn.voice and turn.voice.item_id == item_id else None

    def observe(self, record: Record) -> None:
        """Take in one record."""
        self.at = max(self.at, record.at)
        if not isinstance(record, Frame):
            if handler := self._moments.get(type(record)):
                self._turns.changes += 1
                handler(record)
            return
        kind = record.event.get("type") if record.event is not None else None
        if kind not in _PIECES:
            self._turns.changes += 1
        received_ = record.direction is _RECEIVED
        if received_:
            # Before the event is read: what it answers was owed until now.
            self._on_received(record.at)
        if record.event is not None and isinstance(kind, str):
            for read in (self._received if received_ else self._sent).get(kind, ()):
                read(record.event, record)

    def _on_received(self, at: float) -> None:
        """The side that owes something and was silent until now."""
        if at - self._last_received > SILENCE_SECONDS:
            for turn, since in self.owing:
                if at - since > SILENCE_SECONDS:
                    turn.silences.append(Silence(since, at))
        self._last_received = at

    @property
    def owing(self) -> Sequence[tuple[Turn, float]]:
        """The turns that the server owes something in, and since when it has said nothing."""
        owed = {turn.number: (turn, response.created.at) for turn, response in self._model.running}
        turn = self._turns.current
        if turn is not None and turn.waits_since is not None:
            owed[turn.number] = (turn, turn.waits_since)
        return [(turn, max(since, self._last_received)) for turn, since in owed.values()]

    def _on_audio(self, record: Audio) -> None:
        (self._model if record.direction is _RECEIVED else self._user).on_audio(record)

    def _on_connection(self, record: Connection) -> None:
        if record.state in (Connected.LOST, Connected.CLOSED):
            self._user.begin_anew(Moment(record.at))
            # Taken before end_all(), after which nothing is owed any more.
            turns = {turn.number: turn for turn, _ in self.owing}
            self._model.end_all(record.at)
            if record.state is Connected.LOST:
                code = f", close code {record.code}" if record.code is not None else ""
                for turn in turns.values():
                    turn.problems.append(Problem(Moment(record.at), f"the connection was lost{code}"))
            for turn in turns.values():
                turn.waits_since = None

    @received("error")
    def _on_error(self, event: EventFields, frame: Frame) -> None:
        """Of the turn whose request it refuses, else of the one that runs."""
        error = mapping(event, "error")
        found = self._turns.of_frame(frame.parent)
        turn = found[0] if found else None
        # An error that names a frame of ours belongs to that one, even if no turn knows it.
        if turn is None and frame.parent is None:
            turn = next((turn for turn, _ in self.owing), None)
        if turn is not None:
            what = text(error, "code") or text(error, "type") or "error"
            if message := text(error, "message"):
                what = f"{what}: {message}"
            turn.problems.append(Problem(moment(frame), what))
            # The request was refused, so no response will come for it.
            if found is not None:
                turn.waits_since = None


def read(records: Iterable[Record], keeper: AudioKeeper | None = None) -> Timeline:
    """The timeline of records as they crossed the wire, whatever dialect the server speaks."""
    timeline, dialect = Timeline(keeper), Dialect()
    for record in records:
        events = _as_ga(dialect, record) if isinstance(record, Frame) and record.direction is _RECEIVED else None
        if events is None:
            timeline.observe(record)
            continue
        assert isinstance(record, Frame)
        for event in events:
            timeline.observe(record.with_event(event))
    timeline.settle()
    return timeline


def _as_ga(dialect: Dialect, frame: Frame) -> Iterable[EventFields] | None:
    """The events of GA that a frame stands for; None where it is one, or nothing that is known."""
    event = frame.event
    if event is None:
        return dialect.read_binary(frame.raw) if frame.binary and isinstance(frame.raw, bytes) else None
    if not isinstance(event.get("type"), str):
        return None
    try:
        return dialect.read(dict(event) if not isinstance(event, dict) else event)
    except Exception:  # noqa: BLE001  # a stranger's event, taken as it is
        return None
