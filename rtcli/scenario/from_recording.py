"""Makes a scenario of a recorded session: what the user did as steps, the shape of what came of it as expectations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rtcli.dsp.codec import Decoder
from rtcli.protocol.audio_formats import PCM16, AudioFormat, session_format
from rtcli.protocol.dialects import Dialect
from rtcli.protocol.events import Event
from rtcli.protocol.play_recording import RETRIEVE, Recorded
from rtcli.protocol.record import Audio, Direction, Frame, Record
from rtcli.scenario.recorded_answers import Answers
from rtcli.scenario.recorded_tools import RecordedTools
from rtcli.scenario.shapes import escaped
from rtcli.timeline.reading import mapping

_APPEND = "input_audio_buffer.append"
_MIN_SPEECH_MS = 20  # one frame of most codecs: less is the rest of a turn, not a turn


@dataclass(slots=True)
class MadeScenario:
    """The document of a scenario, and the audio that it plays: 24 kHz PCM16 by the name of its file.

    `notes` say what could not be taken over.
    """

    document: dict[str, Any] = field(default_factory=dict)
    audio: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def scenario_of(recorded: Recorded, name: str, description: str = "") -> MadeScenario:
    """The scenario of one connection. `name` is what its files begin with."""
    maker = _Maker(recorded.records, name)
    for record in recorded.records:
        maker.observe(record)
    maker.finish()
    made = maker.made
    made.document = {
        "name": name,
        **({"description": description} if description else {}),
        "session": maker.session,
        **({"tools": tools} if (tools := maker.tools.declared()) else {}),
        "steps": escaped(maker.steps),
    }
    if not maker.steps:
        made.notes.append("it holds no action of a user")
    return made


class _Maker:
    """Goes through the records of a connection."""

    def __init__(self, records: Sequence[Record], name: str) -> None:
        self.made = MadeScenario()
        self.steps: list[dict[str, Any]] = []
        self.session: dict[str, Any] | None = None
        self.tools = RecordedTools(records)
        self._name = name
        self._answers = Answers()
        self._dialect = Dialect()
        self._format: AudioFormat = PCM16
        self._decoder = Decoder(PCM16)
        self._pcm = bytearray()  # what was said since the last turn
        self._answered_after = 0  # bytes of it that had been sent when the server last said something of its answer
        self._asked = False  # a turn was made, and its response.create is still to come
        self._commits = False  # a commit of the client's is still to be confirmed
        self._begun = False  # the user has done something: settings before that are the scenario's own

    def observe(self, record: Record) -> None:
        """Take the next record in."""
        if isinstance(record, Audio) and record.direction is Direction.SENT:
            form = AudioFormat(PCM16.type, record.rate, 2)
            self._hear(record.data, form)
        elif isinstance(record, Frame) and record.event is not None:
            if record.direction is Direction.RECEIVED:
                self._received(dict(record.event))
            else:
                self._sent(dict(record.event), record)
        elif isinstance(record, Frame) and record.direction is Direction.SENT:
            self.made.notes.append(f"#{record.number} is not an event and was left out")

    def finish(self) -> None:
        """The connection is over."""
        self._expect()

    # -- from the server ---------------------------------------------------------------------------

    def _received(self, event: Event) -> None:
        for read in self._dialect.read(event) or (event,):
            kind = read.get("type")
            if kind in ("session.created", "session.updated"):
                self._use(session_format(mapping(read, "session"), "input"))
            if kind == "input_audio_buffer.committed":
                if not self._commits:  # turn detection has done it
                    self._play(commit=False)
                self._commits = False
            self._answers.received(read)
            if str(kind).startswith("response."):
                self._answered_after = len(self._pcm)

    def _use(self, form: AudioFormat) -> None:
        if form != self._format:
            self._format, self._decoder = form, Decoder(form)

    # -- from the client ---------------------------------------------------------------------------

    def _sent(self, event: Event, frame: Frame) -> None:
        kind = str(event["type"])
        # Ids are of this one session; a scenario that sent them again would repeat them.
        event.pop("event_id", None)
        if kind == _APPEND:
            if isinstance(audio := event.get("audio"), str):
                self._hear(audio, self._format)
        elif self._is_automatic(event, frame):
            return
        elif kind == "session.update" and not self._begun and self.session is None:
            self._configure(event)
        elif kind == "input_audio_buffer.commit" and self._pcm:
            self._play(commit=True)
            self._asked = self._commits = True
        # `say` and `play` send it themselves; one with a `response` of its own is a step, since it asks for something
        # else.
        elif kind == "response.create" and self._asked and len(event) == 1:
            self._asked = False
        elif kind in ("response.cancel", "conversation.item.truncate"):
            self._interrupt(event.get("audio_end_ms"))
        else:
            self._message(event)

    def _is_automatic(self, event: Event, frame: Frame) -> bool:
        """The client does it by itself: so will the one that plays the scenario."""
        # Recordings of rtcli say why each frame was sent; the guesses below are for those of others.
        if frame.cause:
            return frame.cause.startswith(("#", "tool ", "unknown tool "))
        if event["type"] == "conversation.item.truncate":  # after a cancel of the user's; else they have spoken up
            return not self._interrupted
        return event["type"] == RETRIEVE or self.tools.answers(frame.number)

    @property
    def _interrupted(self) -> bool:
        return bool(self.steps) and "interrupt" in self.steps[-1]

    def _configure(self, event: Event) -> None:
        session = dict(mapping(event, "session"))
        session.pop("type", None)
        self.tools.declare(session)
        self.session = session

    def _hear(self, audio: str | bytes, form: AudioFormat) -> None:
        # A decoder keeps what a resampler holds back, so the session's own is reused from piece to piece.
        decoder = self._decoder if form == self._format else Decoder(form)
        try:
            self._pcm += decoder.decode(audio)
        except ValueError:
            self.made.notes.append("audio that is not base64 was left out")

    # -- steps -------------------------------------------------------------------------------------

    def _turn(self, step: dict[str, Any]) -> None:
        """The user does something: what came before is expected first."""
        self._expect()
        self._begun, self._asked = True, False
        self.steps.append(step)

    def _play(self, *, commit: bool) -> None:
        self._pcm += self._decoder.flush() if commit else b""
        if len(self._pcm) >= PCM16.byte_length(_MIN_SPEECH_MS):
            self._expect()  # first: some of the audio may belong to the turn before
            self._turn({"play": self._file(len(self._pcm)), "commit": commit})
        self._pcm.clear()

    def _file(self, size: int) -> str:
        """A file of so many bytes of what was said."""
        file = f"{self._name}-{len(self.made.audio) + 1}.wav"
        self.made.audio[file] = bytes(self._pcm[:size])
        del self._pcm[:size]
        self._answered_after = 0
        return file

    def _overhear(self) -> None:
        """A microphone was open while a typed turn was answered, and the recording waits for what it heard.

        Behind a file that is played, the player goes on with silence by itself.
        """
        turn: Mapping[str, Any] = next((step for step in reversed(self.steps) if "interrupt" not in step), {})
        if "play" not in turn and self._answered_after >= PCM16.byte_length(_MIN_SPEECH_MS):
            self.steps.append({"play": self._file(self._answered_after), "commit": False})

    def _message(self, event: Event) -> None:
        text = _typed(event)
        if text is not None:
            self._turn({"say": text})
            self._asked = True
        else:
            self._turn({"send": event})

    def _interrupt(self, milliseconds: Any) -> None:
        after = {"after": f"{milliseconds}ms"} if isinstance(milliseconds, int) and milliseconds else None
        if self._interrupted:
            # A second cancel says nothing of what was heard.
            self.steps[-1] = {"interrupt": after or self.steps[-1]["interrupt"]}
        else:
            self.steps.append({"interrupt": after})

    def _expect(self) -> None:
        """The shape of what has come since the user's last turn."""
        expected = list(self._answers.expected(self.tools.names))
        self._answers = Answers()
        # What the server says before the user does anything is its greeting, which no step has asked for.
        if expected and self._begun:
            self._overhear()
            self.steps.append({"expect": expected})


def _typed(event: Mapping[str, Any]) -> str | None:
    """The words of a message that is nothing but words of the user."""
    if event["type"] != "conversation.item.create" or event.keys() != {"type", "item"}:
        return None
    item = event["item"]
    if not isinstance(item, dict) or item.keys() != {"type", "role", "content"} or item["role"] != "user":
        return None
    match item["content"]:
        case [{"type": "input_text", "text": str(text), **rest}] if not rest:
            return text
    return None
