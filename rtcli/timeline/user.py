"""What the user did: speech and its end, typed messages, requests, interruptions."""

from __future__ import annotations

from typing import Any

from rtcli.protocol.audio_formats import PCM16, AudioFormat, decode_base64, session_format
from rtcli.protocol.playback import part_of
from rtcli.protocol.record import Audio, Device, Direction, Frame
from rtcli.protocol.requests import asks_out_of_band
from rtcli.timeline.book import Turns, kept_text
from rtcli.timeline.keeper import AudioKeeper
from rtcli.timeline.reading import EventFields, mapping, moment, received, sent, text
from rtcli.timeline.turns import AnswerCut, Moment, SpokenPart, Turn, TurnKind, UserVoice
from rtcli.timeline.voice import SentAudio, voice_steps

_LEAD = 100
"""Levels before speech_started in which the voice may have begun: the server has to hear some of it first."""

_CONTEXT = 500  # levels before the voice that tell how loud the room is
_SHOWN_BEFORE = 20  # levels before the voice that are drawn
_LATE_CUT = 1.0
"""Seconds after the last of a part was heard in which cutting it still interrupts something."""


class UserSide:
    """Follows what goes to the server, and the server's word on it."""

    def __init__(self, turns: Turns, keeper: AudioKeeper | None = None) -> None:
        self._turns = turns
        self._keeper = keeper
        self.audio = SentAudio(keeper.on_placed if keeper else None)
        self.format = PCM16  # the API's default until the session says otherwise
        self._waits = 0.0  # seconds for which audio of the microphone waits before it is sent
        self._uncommitted = 0  # the first level that no commit and no clear covers
        self._speaking: tuple[Turn, UserVoice] | None = None  # until it is committed

    # -- speech ------------------------------------------------------------------------------------

    @received("session.created", "session.updated")
    def _on_session(self, event: EventFields, _frame: Frame) -> None:
        if "session" in event:
            self.format = session_format(mapping(event, "session"), "input")

    @sent("input_audio_buffer.append")
    def _on_append(self, event: EventFields, frame: Frame) -> None:
        try:
            data = decode_base64(event.get("audio", ""))
        except ValueError:
            return  # the server refuses it, which is told
        # By the time it was captured, not sent: the microphone hands it over in blocks, and echo cancellation holds it
        # back.
        self._add(data, self.format, frame.at - self._waits)

    def on_audio(self, record: Audio) -> None:
        """Audio of the user that went beside the events."""
        self._add(record.data, AudioFormat(PCM16.type, record.rate, 2), record.at)

    def _add(self, data: bytes, audio_format: AudioFormat, at: float) -> None:
        if self._keeper is not None:
            self._keeper.on_said(data, audio_format)
        self.audio.add(data, audio_format, at)

    def on_device(self, record: Device) -> None:
        """Which microphone is open from now on."""
        self._waits = record.input_ms / 1000

    @sent("input_audio_buffer.clear")
    def _on_clear(self, _event: EventFields, frame: Frame) -> None:
        """What was said so far is taken back."""
        self.begin_anew(moment(frame))

    def begin_anew(self, when: Moment) -> None:
        """Nothing of what was sent by now counts for what comes: also on another connection."""
        if self._speaking is not None and self._speaking[1].stopped is None:
            self._stop(self._speaking[1], when)
        self._uncommitted = self.audio.position
        self._speaking = self._turns.asking = None

    @received("input_audio_buffer.speech_started")
    def _on_speech_started(self, event: EventFields, frame: Frame) -> None:
        self._begin(event, frame, started=True)

    @received("input_audio_buffer.speech_stopped")
    def _on_speech_stopped(self, event: EventFields, frame: Frame) -> None:
        turn, voice = self._speaking or self._begin(event, frame)
        self._stop(voice, moment(frame))
        self._turns.note_frame(frame.number, turn, moment(frame))

    @sent("input_audio_buffer.commit")
    def _on_commit(self, event: EventFields, frame: Frame) -> None:
        """The user ends the turn by hand."""
        turn, voice = self._speaking or self._begin(event, frame)
        self._stop(voice, moment(frame))
        self._uncommitted = self.audio.position
        self._turns.note_frame(frame.number, turn, moment(frame))
        self._turns.asking = turn

    @received("input_audio_buffer.committed")
    def _on_committed(self, event: EventFields, frame: Frame) -> None:
        turn, voice = self._speaking or self._begin(event, frame)
        self._speaking = None
        if voice.stopped is None:
            self._stop(voice, moment(frame))
        ours = self._turns.of_frame(frame.parent)
        # Ours was counted when it was sent; what went out meanwhile belongs to the next turn.
        if ours is None:
            self._uncommitted = self.audio.position
        voice.committed = moment(frame)
        voice.item_id = text(event, "item_id") or voice.item_id
        self._turns.note_item(event.get("item_id"), turn)
        self._turns.note_frame(frame.number, turn, voice.stopped or moment(frame))
        self._turns.asking = turn

    def _begin(self, event: EventFields, frame: Frame, *, started: bool = False) -> tuple[Turn, UserVoice]:
        turn = self._turns.open(TurnKind.SPOKEN, moment(frame))
        # Never into what an earlier turn has committed.
        first = max(self._uncommitted, self.audio.position - _LEAD) if started else self._uncommitted
        turn.voice = UserVoice(moment(frame) if started else None, first_step=first, item_id=text(event, "item_id"))
        self._turns.note_item(event.get("item_id"), turn)
        self._speaking = turn, turn.voice
        return self._speaking

    def _stop(self, voice: UserVoice, when: Moment) -> None:
        """The turn is over, and now the end of the voice can be found in what was sent."""
        voice.stopped = when
        audio, last = self.audio, self.audio.position
        first = audio.first_kept(voice.first_step)
        found = voice_steps(audio.levels(first, last), audio.levels(first - _CONTEXT, first))
        if found is not None:
            begun, end = first + found[0], first + found[1]
            voice.begun, voice.end = audio.moment(begun), audio.moment(end)
            first = max(first, begun - _SHOWN_BEFORE)
        voice.waves = audio.waves(first, last)

    # -- text --------------------------------------------------------------------------------------

    @sent("conversation.item.create")
    def _on_item_create(self, event: EventFields, frame: Frame) -> None:
        item = mapping(event, "item")
        if item.get("type", "message") != "message" or item.get("role") != "user":
            return
        turn = self._turns.open(TurnKind.TYPED, moment(frame))
        turn.text = kept_text("\n".join(filter(None, (turn.text, typed(item)))))
        self._turns.note_item(item.get("id"), turn)
        self._turns.asking = turn

    @received("conversation.item.input_audio_transcription.completed")
    def _on_transcription_completed(self, event: EventFields, _frame: Frame) -> None:
        if turn := self._turns.of_item(event.get("item_id")):
            turn.text = kept_text(text(event, "transcript").strip())

    @sent("response.create")
    def _on_response_create(self, event: EventFields, frame: Frame) -> None:
        led = self._turns.of_frame(frame.parent)
        turn = led[0] if led else self._turns.asking
        if asks_out_of_band(mapping(event, "response")):
            turn = self._turns.open(TurnKind.OUT_OF_BAND, moment(frame))
        elif turn is None:
            turn = self._turns.open(TurnKind.ASKED, moment(frame))
        # One request for each: a second response.create is a turn of its own.
        if turn is self._turns.asking:
            self._turns.asking = None
        turn.asked = turn.asked or moment(frame)
        turn.waits_since = frame.at
        self._turns.note_frame(frame.number, turn, moment(frame))

    # -- interruptions -----------------------------------------------------------------------------

    @sent("conversation.item.truncate")
    @received("conversation.item.truncated")
    def _on_truncate(self, event: EventFields, frame: Frame) -> None:
        """Ours, or the server's where it counts what was heard."""
        found, end = self._turns.part(part_of(event)), event.get("audio_end_ms")
        if found is None or not isinstance(end, int) or found[1].cut_ms is not None:
            return
        turn, part = found
        part.cut_ms = end
        # A client may truncate what was heard to its end, to be sure; that interrupts nobody.
        if frame.at <= _last_heard(part) + _LATE_CUT:
            cause = frame.cause if frame.direction is Direction.SENT else "the server"
            turn.interruptions.append(AnswerCut(moment(frame), part.key, part.received_ms, end, cause))


def _last_heard(part: SpokenPart) -> float:
    """When the last of what arrived is heard, at the earliest."""
    return max(part.heard[-1].end if part.heard else 0.0, part.first.at + part.received_ms / 1000)


def typed(item: EventFields) -> str:
    """The texts of a message."""
    content = item.get("content")
    parts: list[Any] = content if isinstance(content, list) else []
    words = (part.get("text") or part.get("transcript") for part in parts if isinstance(part, dict))
    return "\n".join(word for word in words if isinstance(word, str))
