"""What the model did: responses, the audio that arrived and was heard, calls and their outputs."""

from __future__ import annotations

from rtcli.dsp.envelope import Envelope
from rtcli.protocol.audio_formats import PCM16, AudioFormat, decode_base64, session_format
from rtcli.protocol.outcome import end_reasons
from rtcli.protocol.playback import part_of
from rtcli.protocol.record import Audio, Frame, Heard
from rtcli.protocol.remember import remember
from rtcli.protocol.requests import is_out_of_band
from rtcli.protocol.usage import TokenUsage
from rtcli.timeline.book import MAX_TURNS, Turns, kept_text
from rtcli.timeline.keeper import AudioKeeper
from rtcli.timeline.reading import EventFields, mapping, moment, received, sent, text
from rtcli.timeline.turns import Moment, SpokenPart, Turn, TurnCall, TurnKind, TurnResponse
from rtcli.timeline.user import typed

_SETTLE_BYTES = 96_000  # of audio that waits to be measured


class ModelSide:
    """Follows what comes from the server, and what became of it here."""

    def __init__(self, turns: Turns, keeper: AudioKeeper | None = None) -> None:
        self._turns = turns
        self._keeper = keeper
        self._format = PCM16
        self._formats: dict[str, AudioFormat] = {}  # of responses that chose their own
        self._model = ""
        self._waiting: dict[str, tuple[Turn, TurnResponse]] = {}  # responses that run
        self._calls: dict[str, TurnCall] = {}  # by call id, for an MCP call its item id; until they are answered
        self._beside: SpokenPart | None = None  # the part whose audio comes beside the events

    @property
    def running(self) -> tuple[tuple[Turn, TurnResponse], ...]:
        """The responses that run."""
        return tuple(self._waiting.values())

    def end_all(self, at: float) -> None:
        """The connection is over, and with it everything that ran on it."""
        for _, response in self._waiting.values():
            response.status, response.done = "lost", Moment(at)
        for call in self._calls.values():
            call.problem = call.problem or "the connection ended"
        self._waiting.clear()
        self._calls.clear()

    @received("session.created", "session.updated")
    def _on_session(self, event: EventFields, _frame: Frame) -> None:
        if session := mapping(event, "session"):
            self._format = session_format(session, "output")
            self._model = text(session, "model") or self._model

    # -- responses ---------------------------------------------------------------------------------

    @received("response.created")
    def _on_response_created(self, event: EventFields, frame: Frame) -> None:
        about = mapping(event, "response")
        turn, asked = self._asked_by(about, frame)
        # The first request counts: after a tool call the turn goes on, and the user waits since the beginning.
        turn.asked, turn.waits_since = turn.asked or asked, None
        response = TurnResponse(text(about, "id"), moment(frame), asked, model=self._model)
        self._turns.add_response(turn, response)
        remember(self._waiting, response.id, (turn, response), MAX_TURNS)
        if mapping(about, "audio"):
            remember(self._formats, response.id, session_format(about, "output"), MAX_TURNS)

    def _asked_by(self, about: EventFields, frame: Frame) -> tuple[Turn, Moment | None]:
        """The turn of a response, and when it was asked for; None: the server began by itself."""
        turns = self._turns
        if found := turns.of_frame(frame.parent):
            return found
        current = turns.current
        if current is not None and current.waits_since is not None:  # records that say of no frame what it answers
            return current, Moment(current.waits_since)
        # Turn detection has begun it by itself, with nothing sent that it could answer.
        if current is not None and current.voice and current.voice.committed and not current.responses:
            return current, current.asked or current.voice.stopped
        if is_out_of_band(about):
            return turns.open(TurnKind.OUT_OF_BAND, moment(frame)), None
        return turns.open(TurnKind.UNASKED, moment(frame)), None

    @received(
        "response.output_text.delta",
        "response.output_audio_transcript.delta",
        "response.function_call_arguments.delta",
    )
    def _on_delta(self, event: EventFields, frame: Frame) -> None:
        found = self._turns.response(event.get("response_id"))
        # Several parts and kinds of a response stream side by side: the first of any counts.
        if found and found[1].first_delta is None:
            found[1].first_delta = moment(frame)
            self._turns.changes += 1

    @received("response.output_text.done", "response.output_audio_transcript.done")
    def _on_text_done(self, event: EventFields, _frame: Frame) -> None:
        if found := self._turns.response(event.get("response_id")):
            said = text(event, "text") or text(event, "transcript")
            found[1].text = kept_text("\n".join(filter(None, (found[1].text, said))))

    @received("response.done")
    def _on_response_done(self, event: EventFields, frame: Frame) -> None:
        about = mapping(event, "response")
        found = self._turns.response(about.get("id"))
        self._waiting.pop(text(about, "id"), None)
        if found is None:
            return
        turn, response = found
        response.done, response.status = moment(frame), text(about, "status")
        response.reason = ", ".join(end_reasons(about))
        response.usage = TokenUsage.from_wire(about.get("usage"))
        output = about.get("output")
        items = [item for item in (output if isinstance(output, list) else ()) if isinstance(item, dict)]
        for item in items:
            self._on_item(turn, item, frame)
        response.text = response.text or kept_text("\n".join(filter(None, map(typed, items))))

    # -- audio -------------------------------------------------------------------------------------

    @received("response.output_audio.delta")
    def _on_audio_delta(self, event: EventFields, frame: Frame) -> None:
        self._on_delta(event, frame)
        found = self._turns.response(event.get("response_id"))
        if found is None:
            return
        try:
            data = decode_base64(event.get("delta", ""))
        except ValueError:
            return  # the transport reports it
        form = self._formats.get(found[1].id, self._format)
        self._arrived(*found, part_of(event), data, form, moment(frame))

    def _arrived(  # noqa: PLR0917  # what a piece of audio is, and whose
        self, turn: Turn, response: TurnResponse, key: tuple[str, int], data: bytes, form: AudioFormat, when: Moment
    ) -> SpokenPart:
        part = response.parts.get(key)
        if part is None:
            part = SpokenPart(key, Envelope(form), when, when.at)
            self._turns.add_part(turn, response, part)
        if part.cut_ms is None:  # what comes after a cut is late, and heard by nobody
            self._keep(part, data, when.at)
            # Measured in portions: it is quick side by side, and an hour of audio must not wait for the first /turn.
            if part.received_bytes % _SETTLE_BYTES < len(data):
                part.envelope.settle()
        return part

    def _keep(self, part: SpokenPart, data: bytes, at: float) -> None:
        part.envelope.add(data)
        part.received_bytes += len(data)
        part.last_at = at
        if self._keeper is not None:
            self._keeper.on_answered(part, data)

    @received("response.output_audio.done")
    def _on_audio_done(self, event: EventFields, _frame: Frame) -> None:
        if found := self._turns.part(part_of(event)):
            found[1].envelope.settle()

    def on_audio(self, record: Audio) -> None:
        """Audio of the model that came beside the events, as it was heard: of the item named, or of what runs."""
        form = AudioFormat(PCM16.type, record.rate, 2)
        found = self.running[-1] if self._waiting else None
        part = self._beside
        if found is not None and (part is None or part.key not in found[1].parts):
            # In a call nothing says whose audio it is: what plays is taken for the response that runs.
            key = (record.item_id or f"audio of {found[1].id}", 0)
            part = self._arrived(*found, key, b"", form, Moment(record.at - len(record.data) / 2 / record.rate))
        if part is not None and part.cut_ms is None and part.envelope.format == form:
            self._keep(part, record.data, record.at)
            part.hear(record.at, part.received_ms)
            self._beside = part

    @received("output_audio_buffer.stopped", "output_audio_buffer.cleared")
    def _on_output_audio_ended(self, _event: EventFields, _frame: Frame) -> None:
        """What still comes beside the events is silence."""
        self._beside = None

    def on_heard(self, record: Heard) -> None:
        """A player told how far it is."""
        if found := self._turns.part((record.item_id, record.content_index)):
            found[1].hear(record.at, record.ms)

    # -- calls -------------------------------------------------------------------------------------

    @received("response.output_item.added", "response.output_item.done")
    def _on_output_item(self, event: EventFields, frame: Frame) -> None:
        found, item = self._turns.response(event.get("response_id")), mapping(event, "item")
        if found and item:
            self._turns.note_item(item.get("id"), found[0])
            if event["type"] == "response.output_item.done" or item.get("type") == "mcp_call":
                self._on_item(found[0], item, frame)

    def _on_item(self, turn: Turn, item: EventFields, frame: Frame) -> None:
        kind = item.get("type")
        if kind not in ("function_call", "mcp_call"):
            return
        call_id = text(item, "call_id" if kind == "function_call" else "id")
        known = next((call for call in turn.calls if call.id == call_id), None)
        if known is None:
            known = TurnCall(call_id, text(item, "name"), moment(frame))
            turn.calls.append(known)
            self._turns.note_call(call_id, turn)
            remember(self._calls, call_id, known, MAX_TURNS)
        # output_item.done has them, a later event of the same item may leave them out.
        known.arguments = kept_text(text(item, "arguments")) or known.arguments
        if item.get("status") == "incomplete":
            known.problem = "its arguments are not complete"
            self._calls.pop(call_id, None)
        elif kind == "function_call":
            self._turns.note_frame(frame.number, turn, moment(frame))
        elif item.get("output") is not None or item.get("error"):
            known.output, known.problem = kept_text(text(item, "output")), _words(item.get("error"))
            self._answered(call_id, frame)

    @received("response.mcp_call.completed", "response.mcp_call.failed")
    def _on_mcp_call_ended(self, event: EventFields, frame: Frame) -> None:
        if event["type"].endswith("failed") and (call := self._calls.get(text(event, "item_id"))):
            call.problem = call.problem or "failed"
        self._answered(text(event, "item_id"), frame)

    @sent("conversation.item.create")
    def _on_item_create(self, event: EventFields, frame: Frame) -> None:
        item = mapping(event, "item")
        if item.get("type") != "function_call_output":
            return
        call_id = text(item, "call_id")
        if call := self._calls.get(call_id):
            call.output = kept_text(text(item, "output"))
        self._answered(call_id, frame)
        if turn := self._turns.of_call(call_id):
            self._turns.asking = turn

    def _answered(self, call_id: str, frame: Frame) -> None:
        if call := self._calls.pop(call_id, None):
            call.answered = moment(frame)


def _words(error: object) -> str:
    if isinstance(error, dict):
        return text(error, "message") or text(error, "type")
    return error if isinstance(error, str) else ""
