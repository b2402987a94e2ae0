"""What the rules know of a session at one moment: what it holds, what runs, what was sent and never answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rtcli.lint.rule import AnyEvent
from rtcli.protocol.audio_formats import PCM16, AudioFormat, base64_length, parse_format
from rtcli.protocol.events import mapping_of
from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.playback import part_of
from rtcli.protocol.record import Connected, Connection, Direction, Frame, Heard, Record
from rtcli.protocol.session_kind import SessionKind, kind_of

StreamKey = tuple[str, int]
"""Item and content index of a stream."""

PACE_SECONDS = 5.0
"""So long audio has to flow before its pace says something."""

_PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class KnownItem:
    """An item of the conversation, as far as its events told."""

    kind: str
    role: str
    deleted: bool = False
    truncated: bool = False


@dataclass(slots=True)
class ReceivedSpeech:
    """The audio of one part of an item that was received."""

    first_at: float  # of its first delta
    bytes: int = 0


@dataclass(slots=True)
class KnownResponse:
    """A response of the server."""

    number: int  # of its response.created
    out_of_band: bool
    status: str = "in_progress"
    cancel_sent: bool = False


@dataclass(slots=True)
class KnownCall:
    """A function call of the model."""

    number: int  # of the event that told it whole
    name: str
    response_id: str
    output: int | None = None  # the frame that answered it
    by_client: bool = False  # it was put into the conversation, with an output of its own


@dataclass(slots=True)
class Interruption:
    """The user began to speak while an answer was being played."""

    number: int  # of input_audio_buffer.speech_started
    at: float
    unheard_ms: int


@dataclass(slots=True)
class Pace:
    """Audio that was sent without a pause of half a second."""

    since: float = 0.0
    last: float = 0.0
    bytes: int = 0  # without the first piece, which lies before `since`

    def add(self, at: float, size: int) -> None:
        """One more piece."""
        # Also anew after a full measure: one stall at the beginning would otherwise lower the rate of an hour.
        if at - self.last > _PAUSE_SECONDS or self.last - self.since >= PACE_SECONDS:
            self.since, self.bytes = at, 0
        else:
            self.bytes += size
        self.last = at


@dataclass(slots=True)
class Facts:
    """Fed with every record, after the rules have looked at it. Of another connection nothing is known any more."""

    whole: bool = False  # the session was seen from its beginning; one that was joined holds items nobody told of
    session: AnyEvent = field(default_factory=dict)
    input_format: AudioFormat = PCM16
    output_format: AudioFormat = PCM16
    items: dict[str, KnownItem] = field(default_factory=dict)
    speech: dict[StreamKey, ReceivedSpeech] = field(default_factory=dict)
    heard: dict[StreamKey, Heard] = field(default_factory=dict)
    texts: dict[StreamKey, list[str]] = field(default_factory=dict)  # pieces of streams that are open
    ended: set[tuple[str, str, int]] = field(default_factory=set)  # streams that are over: kind, item, part
    responses: dict[str, KnownResponse] = field(default_factory=dict)
    calls: dict[str, KnownCall] = field(default_factory=dict)
    interruptions: dict[StreamKey, Interruption] = field(default_factory=dict)  # since the last response began
    missed: list[Interruption] = field(default_factory=list)  # those that were never truncated
    event_ids: dict[str, int] = field(default_factory=dict)  # of ours -> frame
    buffered: int = 0  # bytes that were appended since the last commit
    pace: Pace = field(default_factory=Pace)
    requests: PendingRequests = field(default_factory=PendingRequests)
    kind: SessionKind = SessionKind.REALTIME  # which protocol is spoken
    at: float = 0.0  # of the last record
    last_response: int = 0  # the number of the last response.created
    attributed: bool = True  # every error so far said which event of ours it is about

    def of_record(self, record: Record) -> None:
        """Take in a record that is not a frame."""
        self.at = max(self.at, record.at)
        if isinstance(record, Heard):
            self.heard[(record.item_id, record.content_index)] = record
        elif isinstance(record, Connection) and record.state in (Connected.LOST, Connected.CLOSED):
            # Nothing that was asked of the old connection is answered on a new one.
            self.requests.connection_lost()
        elif isinstance(record, Connection) and record.url:
            self._speak(kind_of(record.url))

    def of_frame(self, frame: Frame) -> None:
        """Take in a frame, whatever it holds; what its event says comes by `of_event`."""
        self.at = max(self.at, frame.at)
        if (event := frame.event) is not None and (kind := self.kind_at(event)) is not self.kind:
            self._speak(kind)
        self.requests.observe(frame.number, frame.direction, frame.event, frame.parent)

    def kind_at(self, event: AnyEvent) -> SessionKind:
        """Which protocol is spoken by an event: it may show that, also where nobody recorded the address."""
        if event.get("type") in ("session.start", "session.started"):
            return SessionKind.LIVE
        if event.get("type") == "session.created" and (kind := mapping_of(event.get("session")).get("type")) in _KINDS:
            return SessionKind(kind)
        return self.kind

    def _speak(self, kind: SessionKind) -> None:
        self.kind = self.requests.kind = kind

    def of_event(self, event: AnyEvent, frame: Frame) -> None:
        """Take in what an event says: one of ours as it was sent, one of the server as GA has it."""
        received = frame.direction is Direction.RECEIVED
        if not received and isinstance(event_id := event.get("event_id"), str):
            self.event_ids.setdefault(event_id, frame.number)
        handler = (_RECEIVED if received else _SENT).get(event.get("type", ""))
        if handler is not None:
            handler(self, event, frame)

    # -- questions of the rules --------------------------------------------------------------------------------------

    @property
    def active(self) -> KnownResponse | None:
        """The response of the default conversation that runs; None: there is none, or its cancel is under way."""
        for response in reversed(self.responses.values()):
            if not response.out_of_band:
                # A response.create may follow a cancel at once: the server handles them in order.
                runs = response.status == "in_progress" and not response.cancel_sent
                return response if runs else None
        return None

    def has(self, item_id: object) -> bool:
        """Whether the conversation may hold this item."""
        item = self.items.get(item_id) if isinstance(item_id, str) else None
        # Of a session that was joined in its middle, an item that nobody told of may well exist.
        return not item.deleted if item is not None else not self.whole

    def received_ms(self, item_id: str, part: int) -> int | None:
        """The audio that was received of a part, None for none."""
        speech = self.speech.get((item_id, part))
        return None if speech is None else self.output_format.milliseconds(speech.bytes)

    def unheard_ms(self, part: StreamKey, at: float) -> int:
        """What of a part's audio was still to be played: by what was heard, else by the clock since it began."""
        speech = self.speech[part]
        received = self.output_format.milliseconds(speech.bytes)
        heard = self.heard.get(part)
        played = heard.ms + (at - heard.at) * 1000 if heard is not None else (at - speech.first_at) * 1000
        return max(0, int(received - played))

    # -- what the server says ----------------------------------------------------------------------------------------

    def _on_session(self, event: AnyEvent, frame: Frame) -> None:
        if event["type"] == "session.created":
            self._forget()
            self.whole = True
        self.session = session = mapping_of(event.get("session"))
        audio = mapping_of(session.get("audio"))
        for side in ("input", "output"):
            if "format" in (part := mapping_of(audio.get(side))):
                setattr(self, f"{side}_format", parse_format(part["format"]))

    def _forget(self) -> None:
        """A new connection: its conversation is empty, and ids of the last one mean nothing."""
        for known in (self.items, self.speech, self.heard, self.texts, self.responses, self.calls, self.interruptions):
            known.clear()
        self.ended.clear()
        self.event_ids.clear()
        self.buffered, self.input_format, self.output_format = 0, PCM16, PCM16

    def _on_item(self, event: AnyEvent, frame: Frame) -> None:
        item = mapping_of(event.get("item"))
        item_id = item.get("id")
        if not isinstance(item_id, str):
            return
        known = self.items.get(item_id)
        # Added, done, and the response's own events tell of the same item; its state must not be reset by each of them.
        if known is None or known.deleted:
            self.items[item_id] = KnownItem(str(item.get("type", "message")), str(item.get("role", "")))
        # Added tells of it with empty arguments and in_progress: not a call yet.
        if item.get("type") == "function_call" and item.get("status") == "completed":
            self._tell_call(item, str(event.get("response_id", "")), frame)
        if item.get("type") == "function_call_output":
            self._answer(item, frame)

    def _tell_call(self, item: AnyEvent, response_id: str, frame: Frame) -> None:
        call_id = item.get("call_id")
        if not isinstance(call_id, str):
            return
        known = self.calls.setdefault(call_id, KnownCall(frame.number, str(item.get("name", "")), response_id))
        # The conversation's events tell of it first, without its response.
        known.response_id = known.response_id or response_id

    def _on_deleted(self, event: AnyEvent, frame: Frame) -> None:
        if (item := self.items.get(str(event.get("item_id")))) is not None:
            item.deleted = True

    def _on_truncated(self, event: AnyEvent, frame: Frame) -> None:
        self.interruptions.pop(part_of(event), None)
        if (item := self.items.get(str(event.get("item_id")))) is not None:
            item.truncated = True

    def _on_response_created(self, event: AnyEvent, frame: Frame) -> None:
        response = mapping_of(event.get("response"))
        # null says that it is not added to the conversation; other servers leave the field out
        out_of_band = response.get("conversation_id", "") is None
        self.responses[str(response.get("id"))] = KnownResponse(frame.number, out_of_band)
        self.last_response = frame.number
        # A truncate that comes after the next answer has begun is too late for it.
        self.missed += self.interruptions.values()
        self.interruptions.clear()

    def _on_response_done(self, event: AnyEvent, frame: Frame) -> None:
        response = mapping_of(event.get("response"))
        if (known := self.responses.get(str(response.get("id")))) is not None:
            known.status = str(response.get("status") or "completed")

    def _on_audio(self, event: AnyEvent, frame: Frame) -> None:
        part = part_of(event)
        if (speech := self.speech.get(part)) is None:
            speech = self.speech[part] = ReceivedSpeech(frame.at)
        speech.bytes += base64_length(event.get("delta"))

    def _on_text(self, event: AnyEvent, frame: Frame) -> None:
        if isinstance(delta := event.get("delta"), str):
            self.texts.setdefault(part_of(event), []).append(delta)

    def _on_stream_done(self, event: AnyEvent, frame: Frame) -> None:
        item_id, part = part_of(event)
        stream = str(event["type"]).removesuffix(".done")
        self.ended.add((stream, item_id, part))
        if stream in _TEXT_STREAMS:  # audio ends before its transcript, under the same key
            self.texts.pop((item_id, part), None)

    def _on_speech_started(self, event: AnyEvent, frame: Frame) -> None:
        # The newest audio is what is being played; whether it still is, unheard_ms() says.
        part = next(reversed(self.speech), None)
        if part is None or part in self.interruptions:
            return
        item = self.items.get(part[0])
        if item is None or not item.truncated:
            unheard = self.unheard_ms(part, frame.at)
            self.interruptions[part] = Interruption(frame.number, frame.at, unheard)

    def _on_error(self, event: AnyEvent, frame: Frame) -> None:
        self.attributed = self.attributed and mapping_of(event.get("error")).get("event_id") is not None

    # -- what we send ------------------------------------------------------------------------------------------------

    def _on_append(self, event: AnyEvent, frame: Frame) -> None:
        size = base64_length(event.get("audio"))
        self.buffered += size
        self.pace.add(frame.at, size)

    def _on_buffer_emptied(self, event: AnyEvent, frame: Frame) -> None:
        self.buffered = 0

    def _on_create(self, event: AnyEvent, frame: Frame) -> None:
        item = mapping_of(event.get("item"))
        item_id = item.get("id")
        if isinstance(item_id, str) and item_id not in self.items:
            self.items[item_id] = KnownItem(str(item.get("type", "message")), str(item.get("role", "")))
        if item.get("type") == "function_call_output":
            self._answer(item, frame)
        elif item.get("type") == "function_call" and isinstance(item.get("call_id"), str):
            self.calls.setdefault(
                item["call_id"], KnownCall(frame.number, str(item.get("name", "")), "", by_client=True)
            )

    def _answer(self, item: AnyEvent, frame: Frame) -> None:
        call = self.calls.get(str(item.get("call_id")))
        if call is not None and call.output is None:
            call.output = frame.number  # the first one: a second output is a finding, not news

    def _on_truncate(self, event: AnyEvent, frame: Frame) -> None:
        part = part_of(event)
        self.interruptions.pop(part, None)
        if (item := self.items.get(part[0])) is not None:
            item.truncated = True

    def _on_cancel(self, event: AnyEvent, frame: Frame) -> None:
        named = event.get("response_id")
        for response_id, response in self.responses.items():
            # Without an id the server cancels whatever runs.
            if response.status == "in_progress" and named in (None, response_id):
                response.cancel_sent = True


_KINDS = ("realtime", "transcription", "translation")
_Handler = Callable[[Facts, AnyEvent, Frame], None]
_TEXT_STREAMS = ("response.output_text", "response.output_audio_transcript")
_RECEIVED: Mapping[str, _Handler] = {
    "session.created": Facts._on_session,
    "session.updated": Facts._on_session,
    "conversation.item.added": Facts._on_item,
    "conversation.item.done": Facts._on_item,
    "conversation.item.created": Facts._on_item,
    "conversation.item.retrieved": Facts._on_item,
    "response.output_item.added": Facts._on_item,
    "response.output_item.done": Facts._on_item,
    "error": Facts._on_error,
    "conversation.item.deleted": Facts._on_deleted,
    "conversation.item.truncated": Facts._on_truncated,
    "response.created": Facts._on_response_created,
    "response.done": Facts._on_response_done,
    "response.output_audio.delta": Facts._on_audio,
    "response.output_audio.done": Facts._on_stream_done,
    **{f"{name}.delta": Facts._on_text for name in _TEXT_STREAMS},
    **{f"{name}.done": Facts._on_stream_done for name in _TEXT_STREAMS},
    "input_audio_buffer.speech_started": Facts._on_speech_started,
    "input_audio_buffer.committed": Facts._on_buffer_emptied,
    "input_audio_buffer.cleared": Facts._on_buffer_emptied,
}
_SENT: Mapping[str, _Handler] = {
    "input_audio_buffer.append": Facts._on_append,
    "input_audio_buffer.commit": Facts._on_buffer_emptied,
    "input_audio_buffer.clear": Facts._on_buffer_emptied,
    "conversation.item.create": Facts._on_create,
    "conversation.item.truncate": Facts._on_truncate,
    "conversation.item.delete": Facts._on_deleted,
    "response.cancel": Facts._on_cancel,
}
