"""The server's side of one session, without a socket or a clock: client events in, effects out.

An effect is an event to send (a dict) or a command to the session's runtime. The order of effects is the order of
the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.events import WireObject
from rtcli.rtc.playout import Playout
from rtcli.server.engines import DetectorFactory
from rtcli.server.ids import new_id
from rtcli.server.session import items, mcp, transcription
from rtcli.server.session.conversation import DefaultConversation
from rtcli.server.session.effects import (
    Close,
    EvaluatePause,
    FeedAudio,
    ServerEffect,
    SetIdleTimer,
    StartResponse,
    Transcribe,
    TranscribePartial,
)
from rtcli.server.session.events import event
from rtcli.server.session.input_audio import InputAudio
from rtcli.server.session.items import ConversationItem
from rtcli.server.session.output_audio import OutputAudio
from rtcli.server.session.response import Response
from rtcli.server.session.response_options import response_options
from rtcli.server.session.state import EffectiveSession
from rtcli.server.session.turn_detection import TurnMark, TurnMarkKind
from rtcli.server.session.weight import weight
from rtcli.server.validation import api_errors
from rtcli.server.validation.api_errors import ApiError
from rtcli.server.validation.client_events import CALL_EVENTS, CLIENT_EVENTS, check_event


class ServerCore:
    """One session. Only the connection's own loop calls it, between awaits, so it needs no lock.

    `detector` gives what makes a voice detector: it is called at the first audio, when the engines are loaded. With a
    `playout` the session is a call: its audio is played from there, and no event carries it.
    """

    def __init__(
        self, session: WireObject, detector: Callable[[], DetectorFactory], *, playout: Playout | None = None
    ) -> None:
        self.state = EffectiveSession(session)
        self.conversation = DefaultConversation()
        self.output = None if playout is None else OutputAudio(playout, self.conversation)  # of a call alone
        self.active: Response | None = None  # the one response of the conversation that may be in progress
        self.out_of_band: dict[str, Response] = {}  # those beside the conversation, by id
        self.input = InputAudio(self.state, detector)
        self._to_transcribe: set[str] = set()  # committed items; audio sent as an item is not transcribed
        self._held_outputs: list[WireObject] = []  # events whose function call is not complete yet
        self._beside: dict[str, int] = {}  # bytes that responses in progress were given as input of their own, by id
        self._out: list[ServerEffect] = []  # what the entry point that runs has caused so far

    def __repr__(self) -> str:
        active = f"{self.active.id} in progress" if self.active else "idle"
        speech = "speech" if self.input.item_id else "no speech"
        return f"<ServerCore {self.state.config['id']}: {active}, {speech}, items {len(self.conversation)}>"

    @property
    def id(self) -> str:
        """`sess_...`"""
        return str(self.state.config["id"])

    # entry points: each returns the effects in order ------------------------------------------------------------------

    def opened(self) -> list[ServerEffect]:
        """The first frame of a session."""
        return [event("session.created", session=self.state.config)]

    def receive(self, sent: Mapping[str, Any]) -> list[ServerEffect]:
        """Carry out one client event; a refusal becomes an `error` that names it."""
        self._receive(sent)
        return self._effects()

    def audio_appended(self, pcm: bytes) -> list[ServerEffect]:
        """Audio has been appended: buffer it, and see whether a turn starts or ends in it."""
        self._mark(self.input.append(pcm))
        self.input.keep_recent()
        if partial := self.input.due_partial():
            self._out.append(TranscribePartial(*partial))
        return self._effects()

    def pause_transcribed(self, transcript: str) -> list[ServerEffect]:
        """What was said before a pause has been transcribed (semantic_vad)."""
        self._mark(self.input.evaluate_pause(transcript))
        return self._effects()

    def partly_transcribed(self, item_id: str, transcript: str) -> list[ServerEffect]:
        """A turn that goes on has been transcribed so far; nothing comes of one that is over."""
        partial = self.input.partial
        if partial is None or partial.item_id != item_id or self.input.item_id != item_id:
            return []
        return list(partial.attempt(transcript))

    def transcribed(self, item: ConversationItem, transcript: str | None) -> list[ServerEffect]:
        """A committed item has been transcribed; None: there is no recognizer."""
        item.recognized_text = transcript
        settings = self.state.input["transcription"] if item.id in self._to_transcribe else None
        self._to_transcribe.discard(item.id)
        if settings is None:
            return []
        partial = self.input.partial
        sent = partial.sent if partial and partial.item_id == item.id else ""
        events = list(transcription.events(item, settings["model"], transcript, sent))
        self.conversation.weigh(item)
        return [*events]

    def response_ended(
        self, response: Response, status: str = "completed", details: WireObject | None = None
    ) -> list[ServerEffect]:
        """A response ends; nothing happens where it has ended already."""
        self._end_response(response, status, details)
        return self._effects()

    def idle_elapsed(self) -> list[ServerEffect]:
        """The user has been silent for idle_timeout_ms: that silence becomes a turn."""
        timeout = (self.state.turn_detection or {}).get("idle_timeout_ms")
        if timeout is None or self.active or self.input.item_id:
            return []
        buffer = self.input.buffer
        end = PCM16.milliseconds(2 * buffer.end)
        start, item_id = max(0, end - timeout), new_id("item")
        place = {"audio_start_ms": start, "audio_end_ms": end, "item_id": item_id}
        self._out.append(event("input_audio_buffer.timeout_triggered", **place))
        pcm = buffer.peek(buffer.end - PCM16.samples(timeout))
        buffer.clear()
        self._answer_turn(item_id, pcm, respond=True)
        return self._effects()

    # client events ----------------------------------------------------------------------------------------------------

    def _on_session_update(self, sent: Mapping[str, Any]) -> None:
        known = set(self.state.mcp_servers)
        turn_before, format_before = self.state.turn_detection, self.state.input["format"]
        self.state.update(sent["session"])
        if self.state.turn_detection != turn_before:
            self.input.change_turn_detection()
            self._out.append(SetIdleTimer(None))
        if self.state.input["format"] != format_before:
            self.input.change_format()
        self._out.append(event("session.updated", session=self.state.config))
        self._out += mcp.list_new_tools(self.conversation, self.state.mcp_servers, known)

    def _on_session_close(self, sent: Mapping[str, Any]) -> None:
        self._out.append(Close(1000, ""))  # as translation sessions end; here it is taken as well

    def _on_input_audio_buffer_append(self, sent: Mapping[str, Any]) -> None:
        data = items.decode_audio(sent["audio"], "audio", self.input.decoder.format)
        self._out.append(FeedAudio(self.input.decode(data)))

    def _on_input_audio_buffer_commit(self, sent: Mapping[str, Any]) -> None:
        self.conversation.check_room(_COMMITTED_BYTES)  # before the audio is taken from the buffer
        self._commit_item(*self.input.commit())

    def _on_input_audio_buffer_clear(self, sent: Mapping[str, Any]) -> None:
        self.input.clear()
        self._out.append(event("input_audio_buffer.cleared"))

    def _on_conversation_item_create(self, sent: Mapping[str, Any]) -> None:
        wire = sent["item"]
        if wire["type"] == "function_call_output" and self.active and self.active.has_call(wire["call_id"]):
            # an output goes behind its call, and that one is still being written
            self.conversation.check_room(weight([*self._held_outputs, sent]))
            self._held_outputs.append(dict(sent))
            return
        item = items.from_client(wire, audio_format=self.input.decoder.format)
        self._add_item(item, sent.get("previous_item_id"))
        if item.audio:
            self._out.append(Transcribe(item))
        if wire["type"] == "mcp_approval_response" and wire["approve"]:
            self._out += mcp.run_approved(self.conversation, wire["approval_request_id"])

    def _on_conversation_item_retrieve(self, sent: Mapping[str, Any]) -> None:
        self._out.append(event("conversation.item.retrieved", item=self.conversation.retrieve(sent["item_id"])))

    def _on_conversation_item_delete(self, sent: Mapping[str, Any]) -> None:
        self.conversation.delete(sent["item_id"])
        self._out.append(event("conversation.item.deleted", item_id=sent["item_id"]))

    def _on_conversation_item_truncate(self, sent: Mapping[str, Any]) -> None:
        where = {key: sent[key] for key in ("item_id", "content_index", "audio_end_ms")}
        self.conversation.truncate(**where)
        self._out.append(event("conversation.item.truncated", **where))

    def _on_response_create(self, sent: Mapping[str, Any]) -> None:
        self._start_response(sent.get("response") or {})

    def _on_response_cancel(self, sent: Mapping[str, Any]) -> None:
        response_id = sent.get("response_id")
        response = self.active
        if response_id and not (response and response.id == response_id):
            response = self.out_of_band.get(response_id)
        if response is None:
            raise api_errors.nothing_to_cancel()
        self._end_response(response, "cancelled", {"reason": "client_cancelled"})

    def _on_output_audio_buffer_clear(self, sent: Mapping[str, Any]) -> None:
        assert self.output is not None  # what a plain session is sent has been refused
        self._out += self.output.clear()

    # speech -----------------------------------------------------------------------------------------------------------

    def _mark(self, marks: Iterable[TurnMark]) -> None:
        for mark in marks:
            _MARKS[mark.kind](self, mark)

    def _speech_started(self, mark: TurnMark) -> None:
        item_id, start_ms = self.input.start_turn(mark)
        where = {"audio_start_ms": start_ms, "item_id": item_id}
        self._out += [event("input_audio_buffer.speech_started", **where), SetIdleTimer(None)]
        if (self.state.turn_detection or {}).get("interrupt_response"):
            if self.output is not None:
                self._out += self.output.clear()
            if self.active:
                self._end_response(self.active, "cancelled", {"reason": "turn_detected"})

    def _speech_paused(self, mark: TurnMark) -> None:
        self._out.append(EvaluatePause(self.input.turn_so_far()))

    def _speech_ended(self, mark: TurnMark) -> None:
        item_id, pcm = self.input.end_turn(mark)
        end_ms = PCM16.milliseconds(2 * mark.sample)
        self._out.append(event("input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=item_id))
        respond = bool((self.state.turn_detection or {}).get("create_response"))
        self._answer_turn(item_id, pcm, respond=respond)

    def _answer_turn(self, item_id: str, pcm: bytes, *, respond: bool) -> None:
        """Commit a turn that no event of the client ended, so that a refusal answers none."""
        try:
            self._commit_item(item_id, pcm)
            if respond:
                self._start_response({})
        except ApiError as problem:
            self._out.append(problem.event())

    # what several of them do ------------------------------------------------------------------------------------------

    def _receive(self, sent: Mapping[str, Any]) -> None:
        try:
            check_event(sent, CLIENT_EVENTS if self.output is None else CALL_EVENTS)
            _HANDLERS[sent["type"]](self, sent)
        except ApiError as problem:
            self._out.append(problem.event(sent))

    def _effects(self) -> list[ServerEffect]:
        effects, self._out = self._out, []
        return effects

    def _commit_item(self, item_id: str, pcm: bytes) -> None:
        self.conversation.check_room(_COMMITTED_BYTES)
        item = items.committed_audio(item_id, pcm)
        previous = self.conversation.last_id
        self._out.append(event("input_audio_buffer.committed", previous_item_id=previous, item_id=item_id))
        self._add_item(item, None)
        self._to_transcribe.add(item.id)
        self._out.append(Transcribe(item))

    def _add_item(self, item: ConversationItem, previous_item_id: str | None) -> None:
        previous = self.conversation.insert(item, previous_item_id)
        if item.audio:
            self.conversation.evict_old_audio()
        place = {"previous_item_id": previous, "item": item.wire}
        self._out += [event("conversation.item.added", **place), event("conversation.item.done", **place)]

    def _start_response(self, requested: Mapping[str, Any]) -> None:
        if self.state.transcribes_only:
            raise api_errors.no_responses_here()
        options = response_options(self.state, self.conversation, requested)
        if not options.out_of_band and self.active:
            raise api_errors.response_active(self.active.id)
        if len(self.out_of_band) >= MAX_OUT_OF_BAND:
            raise api_errors.too_many_responses(MAX_OUT_OF_BAND)
        self.conversation.check_room()
        beside = self._weight_beside(requested, options.input or ())
        known = set(self.state.mcp_servers)
        self.state.define_servers(requested.get("tools", ()))
        self._out += mcp.list_new_tools(self.conversation, self.state.mcp_servers, known)
        context = tuple(self.conversation.in_reply_order()) if options.input is None else options.input
        response = Response(options, self.conversation, context, self.output.playout if self.output else None)
        self._beside[response.id] = beside
        if options.out_of_band:
            self.out_of_band[response.id] = response
        else:
            self.active = response
            self._out.append(SetIdleTimer(None))
        self._out += [*response.created(), StartResponse(response)]

    def _weight_beside(self, requested: Mapping[str, Any], given: Iterable[ConversationItem]) -> int:
        """What a response is given that is kept nowhere else. Raises ApiError where it is too much with the others'."""
        audio = (pcm for item in given if self.conversation.get(item.id) is not item for pcm in item.audio.values())
        beside = weight(requested) + sum(map(len, audio))
        if sum(self._beside.values()) + beside > MAX_BESIDE:
            raise api_errors.responses_too_large(MAX_BESIDE // 2**20)
        return beside

    def _end_response(self, response: Response, status: str, details: WireObject | None) -> None:
        if response.finished:
            return
        self._out += response.finish(status, details)
        if response.audio_bytes:
            self.state.voice_locked = True  # the API refuses another voice once the assistant was heard
            self.conversation.evict_old_audio()
        self.out_of_band.pop(response.id, None)
        self._beside.pop(response.id, None)
        if response is self.active:
            self.active = None
            held, self._held_outputs = self._held_outputs, []
            for sent in held:
                self._receive(sent)
            if self.active is None and status == "completed":
                self._out += _idle_timer(self.state)


def _idle_timer(state: EffectiveSession) -> list[ServerEffect]:
    """What waits for the user to say something, where the session wants that."""
    timeout = (state.turn_detection or {}).get("idle_timeout_ms")
    return [] if timeout is None else [SetIdleTimer(timeout / 1000)]


MAX_OUT_OF_BAND = 64  # responses beside the conversation at the same time
_COMMITTED_BYTES = 4_096  # more than an item of committed audio weighs
MAX_BESIDE = 64 * 2**20  # bytes that all responses in progress may be given as input of their own

_MARKS: Mapping[TurnMarkKind, Callable[[ServerCore, TurnMark], None]] = {
    TurnMarkKind.STARTED: ServerCore._speech_started,
    TurnMarkKind.PAUSED: ServerCore._speech_paused,
    TurnMarkKind.ENDED: ServerCore._speech_ended,
}

_HANDLERS: Mapping[str, Callable[[ServerCore, Mapping[str, Any]], None]] = {
    "session.update": ServerCore._on_session_update,
    "session.close": ServerCore._on_session_close,
    "input_audio_buffer.append": ServerCore._on_input_audio_buffer_append,
    "session.input_audio_buffer.append": ServerCore._on_input_audio_buffer_append,
    "input_audio_buffer.commit": ServerCore._on_input_audio_buffer_commit,
    "input_audio_buffer.clear": ServerCore._on_input_audio_buffer_clear,
    "conversation.item.create": ServerCore._on_conversation_item_create,
    "conversation.item.truncate": ServerCore._on_conversation_item_truncate,
    "conversation.item.delete": ServerCore._on_conversation_item_delete,
    "conversation.item.retrieve": ServerCore._on_conversation_item_retrieve,
    "response.create": ServerCore._on_response_create,
    "response.cancel": ServerCore._on_response_cancel,
    "output_audio_buffer.clear": ServerCore._on_output_audio_buffer_clear,
}
