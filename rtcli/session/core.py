"""The core of a session: it owns the parts, takes in every frame, and tells what happens and how things stand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rtcli.config.endpoints import Endpoint
from rtcli.errors import ConnectionLostError, ExitCode, RtcliError, UsageError, worst
from rtcli.protocol.history import History
from rtcli.protocol.items import Item, McpApprovalRequestItem
from rtcli.protocol.payloads import ItemDeleted, McpToolsListed
from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.record import Direction, Frame
from rtcli.session import hints
from rtcli.session.audio import AudioIO, MicrophoneLike, SpeakerLike
from rtcli.session.audio_watch import AudioWatch
from rtcli.session.expiry import Expiry
from rtcli.session.log import WireLog
from rtcli.session.metrics import SessionMetrics
from rtcli.session.pending import Requests
from rtcli.session.provenance import current_cause, set_cause_frame
from rtcli.session.reports import Reports
from rtcli.session.settings import Difference
from rtcli.session.tool_calls import ToolCalls
from rtcli.session.tools import Tool, as_text
from rtcli.session.transcripts import TranscriptStreams
from rtcli.session.transfer import without_audio
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import Level, Notice, SessionStatus, View

Show = Callable[[View], None]


class SessionCore:
    """Everything of one session but how it connects (`rtcli.session.lifecycle`) and what a person does with it.

    `config` is any shape that the transport takes; `clock` is monotonic seconds, `wall` the time of day (for expiry).
    """

    def __init__(
        self,
        transport: OpenAIRealtimeWebSocket,
        *,
        endpoint: Endpoint,
        config: Mapping[str, Any] | None = None,
        speaker: SpeakerLike | None = None,
        microphone: MicrophoneLike | None = None,
        tools: Iterable[Tool] = (),
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.transport = transport
        self.endpoint = endpoint
        self.config: dict[str, Any] = dict(config or {})
        self._clock, self._began = clock, clock()
        self.log = WireLog(began=self._began)
        self.history = History()
        self.speech = TranscriptStreams()
        self.metrics = SessionMetrics()
        self.pending = PendingRequests()
        self.requests = Requests(self.pending)
        self.sound = AudioIO(transport, speaker=speaker, microphone=microphone, show=self.show)
        self.tools = ToolCalls(transport, tools, show=self.show, respond=self.respond)
        self.audio_watch = AudioWatch(self.show, lambda: self.sound.wire_format("output"))
        self.reports = Reports(self.log, self.speech, self._cut_of)
        self._out_of_band: set[str] = set()  # responses outside of the conversation, and their items
        self.approvals: dict[str, McpApprovalRequestItem] = {}
        self.barge_in = True
        self.push_to_talk = False
        self.expiry = Expiry(wall, self.show)
        self._listeners: list[Show] = []
        self._changed = asyncio.Event()
        self._live = False
        self._held: list[Notice] = []
        self._refused: dict[str, Difference] = {}  # by path: what the next connection is not asked for
        self._lost: ConnectionLostError | None = None
        self._attach()

    def _attach(self) -> None:
        t = self.transport
        t.attach_wire(self._on_wire)
        t.on("audio", self.audio_watch.arrived)
        t.on("audio_interrupted", lambda *_: self.audio_watch.forget())
        t.on("item_update", self._item_updated)
        t.on("item_deleted", self._item_deleted)
        t.on("mcp_approval_request", self._approval_requested)
        t.on("mcp_tools_listed", self._tools_listed)
        t.on("mcp_tool_call_completed", lambda _call: self.respond())
        t.on("disconnected", self._disconnected)
        t.on("error", self._transport_error)

    # -- watching --------------------------------------------------------------------------------

    def subscribe(self, show: Show) -> Callable[[], None]:
        """Call `show` for every view, in order; the function that is returned ends that."""
        self._listeners.append(show)
        return lambda: self._listeners.remove(show)

    def show(self, view: View) -> None:
        """Hand a view to everyone who watches."""
        for listener in tuple(self._listeners):
            listener(view)

    def _on_wire(self, frame: Frame) -> None:
        event, number = frame.event, len(self.log) + 1
        if frame.direction is Direction.SENT:
            cause = current_cause()
            parent = self.pending.observe(number, frame.direction, event, cause.frame)
            record = self.log.add(frame, cause=cause.text, parent=parent)
        else:
            record = self.log.add(frame, parent=self.pending.observe(number, frame.direction, event))
            if event is not None:
                set_cause_frame(number, str(event["type"]))
        raised = self._take_in(record)
        self.show(replace(record, raw=frame.raw))
        for notice in self.reports.saw(record):
            if not raised:
                self._tell(notice)
        said = self.speech.on_event(event) if frame.direction is Direction.RECEIVED and event is not None else None
        if said:
            self.show(said)
        self._changed.set()

    def _tell(self, notice: Notice) -> None:
        """An error while we connect may be the reason why that fails: then it is raised, and not told as well."""
        if notice.level is Level.ERROR and not self._live:
            self._held.append(notice)
        else:
            self.show(notice)

    def _take_in(self, record: Frame) -> bool:
        """Keep every part up to date; whether a command raises what this frame says."""
        self.metrics.saw(record)
        raised = self.requests.observe(record)
        event = record.event or {}
        if record.direction is Direction.RECEIVED and not self.endpoint.call_id:
            self.audio_watch.saw(event)  # the sound of a call that is joined goes another way
        act = _TABLE.get((record.direction, str(event.get("type"))))
        if act:
            act(self, event)
        return raised

    def _turn_ended(self, _event: Mapping[str, Any]) -> None:
        self.sound.turn_ended()

    def _sound_whole(self, event: Mapping[str, Any]) -> None:
        index = event.get("content_index")
        self.sound.finished(str(event.get("item_id")), index if isinstance(index, int) else 0)

    def _speech_started(self, _event: Mapping[str, Any]) -> None:
        self.sound.speech_started()

    def _session_confirmed(self, event: Mapping[str, Any]) -> None:
        session = event.get("session")
        if isinstance(session, Mapping):
            self.expiry.learn(session.get("expires_at"))

    def _cut_of(self, item_id: str, content_index: int) -> tuple[int, int | None]:
        """Milliseconds received of a part, and heard if it is one that was interrupted last."""
        for cut in self.transport.last_interruption:
            if (cut.item_id, cut.content_index) == (item_id, content_index):
                return cut.received_ms, cut.heard_ms
        return self.transport.playback.received_ms(item_id, content_index), None

    def _item_updated(self, item: Item) -> None:
        if item.item_id not in self._out_of_band:
            self.history.update(without_audio(item))

    def _response_created(self, event: Mapping[str, Any]) -> None:
        """One that says that it has no conversation makes items that the conversation never sees."""
        response = event.get("response")
        if isinstance(response, Mapping) and "conversation_id" in response and response["conversation_id"] is None:
            self._out_of_band.add(str(response.get("id")))

    def _output_item_added(self, event: Mapping[str, Any]) -> None:
        item = event.get("item")
        if event.get("response_id") in self._out_of_band and isinstance(item, Mapping):
            self._out_of_band.add(str(item.get("id")))

    def _item_deleted(self, deleted: ItemDeleted) -> None:
        self.history.remove(deleted.item_id)

    def _tools_listed(self, listed: McpToolsListed) -> None:
        names = ", ".join(str(tool.get("name")) for tool in listed.tools if isinstance(tool, Mapping))
        count = len(listed.tools)
        what = f"{listed.server_label} offers {count} tool" + ("" if count == 1 else "s")
        self.show(Notice(what, why=names, level=Level.GOOD))

    def _approval_requested(self, request: McpApprovalRequestItem) -> None:
        self.approvals[request.item_id] = request
        self.show(
            Notice(
                f"{request.server_label} asks to call {request.name} {as_text(request.arguments)}",
                hint=f"/approve {request.item_id} or /deny {request.item_id} REASON",
                level=Level.WARNING,
            )
        )

    def _transport_error(self, payload: Any) -> None:
        """The server's own error events are reported from the wire; this is for exceptions of ours."""
        error = payload.error
        if isinstance(error, ConnectionLostError):
            self._lost = error  # `disconnected` follows, and is what ends a session
        elif isinstance(error, RtcliError) and self._live:
            self.show(Notice(error.what, error.why, error.hint, Level.ERROR))
        elif isinstance(error, Exception) and not isinstance(error, RtcliError):
            self.reports.codes.add(ExitCode.UNEXPECTED)
            self.show(Notice("rtcli failed inside", why=f"{type(error).__name__}: {error}", level=Level.ERROR))

    def _disconnected(self, *_: Any) -> None:
        code, reason = self.transport.close_code, self.transport.close_reason or ""
        said = f"close code {code}" + (f", {reason}" if reason else "") if code else "no close frame"
        lost = self._lost or ConnectionLostError("the connection is lost", why=said, code=code, reason=reason)
        self.requests.lost(lost)
        self.pending.connection_lost()
        self.approvals.clear()
        self._out_of_band.clear()
        self.tools.forget()
        self.expiry.forget()
        self.audio_watch.forget()
        for done in self.speech.abandon():
            self.show(done)
        if self._live:
            self._live = False
            self.reports.codes.add(ExitCode.CONNECTION)
            if not self.reports.expired:  # told already, with what to do
                self.show(Notice("the connection is lost", said, hints.of_close(code), Level.ERROR))
        self._changed.set()

    # -- asking ----------------------------------------------------------------------------------

    def respond(self, response: Mapping[str, Any] | None = None) -> None:
        """Ask for a response, now or when it is its turn; `response` holds the wire's parameters."""
        self.transport.request_response(response)

    def require_connection(self) -> None:
        """Raise UsageError with what to do where there is no connection."""
        if self.transport.status != "connected":
            raise UsageError("not connected", hint="/reconnect")

    # -- state -----------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds since the session began, as in its records."""
        return self._clock() - self._began

    @property
    def exit_code(self) -> ExitCode:
        """The worst that happened so far."""
        return worst(*self.reports.codes)

    @property
    def status(self) -> SessionStatus:
        """The session at this moment."""
        t, sound = self.transport, self.sound
        session = t.session or {}
        heard = sound.speaker.current if sound.speaker and sound.audible else None
        played = sound.speaker.heard_ms(*heard) if sound.speaker and heard else None
        return SessionStatus(
            connection=t.status,
            endpoint=self.endpoint.label,
            model=str(session.get("model") or t.current_model),
            session_id=session.get("id"),
            muted=sound.muted,
            microphone=sound.recording,
            speaker=sound.speaker is not None,
            push_to_talk=self.push_to_talk,
            input_level_db=sound.level_db,
            responding=t.responding,
            speaking_item=heard[0] if heard else None,
            heard_ms=played,
            received_ms=t.playback.received_ms(*heard) if heard else None,
            expires_in=self.expiry.remaining,
            waiting_calls=(*(call.call_id for call in self.tools.waiting), *self.approvals),
            dropped_audio_ms=sound.wire_format("input").milliseconds(t.dropped_audio_bytes),
            modalities=tuple(session.get("output_modalities") or ()),
            metrics=self.measure().short(),
        )

    def measure(self) -> SessionMetrics:
        """What was measured so far, with the moments at which the device began to play each answer."""
        if self.sound.speaker is not None:
            for item_id, content_index in self.metrics.turns.unplayed:
                at = self.sound.speaker.first_heard_at(item_id, content_index)
                if at is not None:
                    self.metrics.turns.on_played(item_id, content_index, at - self._began)
        return self.metrics

    @property
    def quiet(self) -> bool:
        """Nothing is being answered, run or played."""
        busy = self.transport.responding or self.tools.running or self.sound.audible or len(self.pending) > 0
        return self.transport.status != "connected" or not busy

    async def idle(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the contract's name
        """Wait until no response runs or is queued, every event was answered, and what was said has been played.

        Raises TimeoutError. A lost connection counts as idle.
        """
        async with asyncio.timeout(timeout):
            while not self.quiet:
                self._changed.clear()
                # A device tells nobody when it has played a block, so sound is looked at every block.
                watch = 0.02 if self.sound.audible or self.tools.running else None
                try:
                    await asyncio.wait_for(self._changed.wait(), watch)
                except TimeoutError:
                    continue


_TABLE: Mapping[tuple[Direction, str], Callable[[SessionCore, Mapping[str, Any]], None]] = {
    (Direction.SENT, "input_audio_buffer.commit"): SessionCore._turn_ended,
    (Direction.SENT, "input_audio_buffer.clear"): SessionCore._turn_ended,
    (Direction.RECEIVED, "response.output_audio.done"): SessionCore._sound_whole,
    (Direction.RECEIVED, "input_audio_buffer.speech_started"): SessionCore._speech_started,
    (Direction.RECEIVED, "response.created"): SessionCore._response_created,
    (Direction.RECEIVED, "response.output_item.added"): SessionCore._output_item_added,
    (Direction.RECEIVED, "session.created"): SessionCore._session_confirmed,
    (Direction.RECEIVED, "session.updated"): SessionCore._session_confirmed,
}
