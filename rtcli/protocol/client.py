"""The client's side of one session, without I/O: server events, our own calls and moments in, effects out.

A transport holds a `ClientCore` and carries out what it says. The methods that give `Effects` are lazy: each effect has
to be carried out before the next one is taken, because listeners may call the core again in between, and what follows
depends on that. An effect that cannot be carried out is thrown back into the generator (`effects.throw(error)`): the
core takes back what the effect stood for, and the error goes on to the caller.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Iterable, Mapping
from itertools import count
from typing import Any, ClassVar, TypeAlias

from rtcli.errors import error_of
from rtcli.protocol.audio_formats import decode_base64
from rtcli.protocol.client_events import function_call_output, session_update, truncate
from rtcli.protocol.effects import Effect, Effects, Ready, Send
from rtcli.protocol.events import Event, encode_bytes, value_at
from rtcli.protocol.function_calls import FunctionCalls
from rtcli.protocol.items import text_of
from rtcli.protocol.omissions import Omissions
from rtcli.protocol.payloads import ErrorPayload, TransportAudio
from rtcli.protocol.playback import Playback, Truncation
from rtcli.protocol.quick_values import quick
from rtcli.protocol.reset import CREATE, DELETE, PendingEdits, plan_reset
from rtcli.protocol.responses import ResponseSequencer
from rtcli.protocol.routes import NOWHERE, Routes, routes
from rtcli.protocol.session_config import RequestedSession

logger = logging.getLogger("rtcli.protocol")

AskHeard: TypeAlias = Callable[[str, int], int | None]
"""heard(item_id, content_index): the milliseconds of a part that were really played, None where that is not known."""

Reaction: TypeAlias = Callable[["ClientCore", Event, float, AskHeard | None], Iterable[Effect]]
"""What a server event leads to after it was emitted: reaction(core, event, now, heard)."""

_audio_payload = quick(TransportAudio)


class ClientCore:
    """Everything that a transport knows of its session; the parts own their state.

    `reactions` says what server events lead to (`REACTIONS`, `AUDIO_ONLY`, `RETRIEVE_ONLY`). `sequenced=False`:
    response.create does not wait for its turn. `auto_tracing=False`: tracing is left alone unless the config names it.
    `plays_remotely`: the API itself plays the audio, into a call, so that an interruption clears what it has not
    played, and there is nothing to truncate.
    """

    def __init__(
        self,
        model: str,
        *,
        reactions: Mapping[str, Reaction] | None = None,
        sequenced: bool = True,
        auto_tracing: bool = True,
        plays_remotely: bool = False,
    ) -> None:
        self.model = model
        self.omissions = Omissions()
        self.session = RequestedSession(self.omissions)
        self.responses = ResponseSequencer()
        self.playback = Playback()
        self.last_interruption: list[Truncation] = []
        self.last_error: Event | None = None  # the server's last error event since prepare()
        self.tracing: Any = None  # as the server said it last
        self.ready = False  # the server has confirmed the session of this connection
        self.epoch = 0  # counts connections that ended, so that the rest of an event is dropped with its connection
        self._routes: Routes = routes(self._HANDLERS, self._HEARD, REACTIONS if reactions is None else reactions)
        self._sequenced = sequenced
        self._auto_tracing = auto_tracing
        self._plays_remotely = plays_remotely
        self._config: Mapping[str, Any] = {}  # what the first session.update says
        self._joined_call, self.sends_session = False, True
        self._pending_edits = PendingEdits()
        self._history_numbers = count(1)  # in event ids, so that an error says which delete or create it refuses
        self._calls = FunctionCalls()  # those that were emitted: an item may be told twice

    def __repr__(self) -> str:
        return f"<ClientCore {self.model}, {'ready' if self.ready else 'not ready'}, {self.responses}, {self.playback}>"

    # -- the connection --------------------------------------------------------------------------

    def prepare(self, config: Mapping[str, Any], *, joined_call: bool = False, sends_session: bool = True) -> None:
        """A connection is about to be made, and `config` is what the session shall be.

        `sends_session=False`: the session is taken as it is: neither session.update nor tracing goes out, and into a
        call that was joined nothing that an event of the server would lead to.
        """
        self._config, self._joined_call, self.sends_session, self.last_error = config, joined_call, sends_session, None

    @property
    def _reacts(self) -> bool:
        """What nobody asked for may follow: not where we only look, nor in a session without a conversation."""
        kind = value_at(self.session.confirmed, "type")
        return (self.sends_session or not self._joined_call) and kind in (None, "realtime")

    def opened(self) -> Effects:
        """The connection is open: the first session.update."""
        if not self.sends_session:
            return
        first = {key: value for key, value in self._config.items() if key != "model"}  # the transport's own counts
        update = self.session.plan(first, self.model)
        session = dict(update.payload)
        clears = "tools" in (self._config.get("provider_data") or ())
        if not (self._joined_call or session.get("tools") or clears):
            session.pop("tools", None)  # there is nothing to clear in a fresh session
        yield Send(session_update(session))
        self.session.remember(update)

    def connection_lost(self) -> None:
        """The connection is gone, and with it whatever was under way. What was asked of the session is kept."""
        self.epoch += 1  # first: receive() looks at it when a listener has closed the connection
        self.ready = False
        self.session.forget_connection()
        self.responses.reset()
        self.playback.reset()
        self._pending_edits.clear()
        self._calls.forget_connection()

    # -- from the server -------------------------------------------------------------------------

    def receive(
        self, event: Event, now: float, heard: AskHeard | None = None, listened: Container[str] | None = None
    ) -> Effects:
        """One event of the server: `*`, the wire's own type, the semantic events, then what it leads to.

        `now` is the moment of its arrival in seconds. `listened`: the names that somebody listens to, where that is
        known, so that the event need not be emitted for nobody under its own.
        """
        kind, epoch = event["type"], self.epoch
        before, translator, after, reaction = self._routes.get(kind) or NOWHERE
        if before is not None and (ready := before(self, event)) is not None:
            yield ready
        if listened is None or "*" in listened:
            yield "*", event
        if kind == "error":
            yield "error", ErrorPayload(event)
        # Without a dot it could be a semantic event's name.
        elif (listened is None or kind in listened) and "." in kind and self.epoch == epoch:
            yield kind, event
        if translator is not None:
            for semantic in translator(event):
                if self.epoch != epoch:
                    return
                if semantic[0] != "function_call" or self._calls.is_new(semantic[1]):  # told twice by some
                    yield semantic
        if self.epoch != epoch:
            return
        if after is not None:
            after(self, event)
        if reaction is not None and (kind not in _CHANGES or self._reacts):
            yield from reaction(self, event, now, heard)

    # What an event means for our state, before anybody hears of it; Ready where it confirms the session.

    def _on_session_created(self, event: Event, *, updated: bool = False) -> Ready | None:
        self.session.confirm(event.get("session"))
        first, self.ready = not self.ready, True  # either event confirms it: some servers send only one
        return Ready(updated) if first or updated else None

    def _on_session_updated(self, event: Event) -> Ready | None:
        return self._on_session_created(event, updated=True)

    def _on_conversation_item_deleted(self, event: Event) -> None:
        self._pending_edits.confirmed(DELETE, event.get("item_id"))

    def _on_conversation_item_added(self, event: Event) -> None:
        item = event.get("item")
        if isinstance(item, dict):
            self._pending_edits.confirmed(CREATE, item.get("id"))

    def _on_error(self, event: Event) -> None:
        self.last_error, error = event, error_of(event)
        self._pending_edits.settled(error.get("event_id"))
        self.responses.failed(error)

    def _on_response_done(self, event: Event) -> None:
        response = event.get("response")
        self.responses.done(response if isinstance(response, dict) else {})

    _HANDLERS: ClassVar[Mapping[str, Callable[[ClientCore, Event], Ready | None]]] = {
        "session.created": _on_session_created,
        "session.updated": _on_session_updated,
        "conversation.item.added": _on_conversation_item_added,
        "conversation.item.deleted": _on_conversation_item_deleted,
        "error": _on_error,
        "response.done": _on_response_done,
    }

    # As in the reference, these count once everybody has heard of them: what a listener asks for comes before.

    def _on_response_created(self, event: Event) -> None:
        if isinstance(event.get("response"), dict):
            self.responses.created(event["response"], self.session.named_output_format)

    def _on_response_output_audio_done(self, event: Event) -> None:
        item_id, index = event.get("item_id"), event.get("content_index")
        if isinstance(item_id, str):
            self.playback.finish((item_id, index if isinstance(index, int) else 0))

    _HEARD: ClassVar[Mapping[str, Callable[[ClientCore, Event], None]]] = {
        "response.created": _on_response_created,
        "response.output_audio.done": _on_response_output_audio_done,
    }

    # What an event leads to, after it was emitted.

    def _retrieve_item(self, event: Event, now: float, heard: AskHeard | None) -> Effects:
        """The event says that an item changed, and not how: ask for the item."""
        item_id = event.get("item_id")
        # An MCP server's list may come without an item, also without its name.
        if (
            not self.omissions.retrieve
            and isinstance(item_id, str)
            and (item_id or event["type"] != "mcp_list_tools.in_progress")
        ):
            yield Send({"type": "conversation.item.retrieve", "item_id": item_id})

    def _on_response_output_audio_delta(self, event: Event, now: float, heard: AskHeard | None) -> Iterable[Effect]:
        """Emit the decoded bytes, and note how much arrived."""
        item_id, delta, index = event.get("item_id"), event.get("delta"), event.get("content_index")
        if not isinstance(item_id, str) or not isinstance(delta, str):
            return ()
        data = decode_base64(delta)  # raises ValueError, which the transport reports
        response_id = text_of(event.get("response_id"))
        key = (item_id, index if isinstance(index, int) else 0)
        running = self.responses.running(response_id)
        audio_format = (running.output_format if running else None) or self.session.output_format
        inside = running is None or not running.out_of_band  # else it is not an item, and cannot be cut
        in_time = self.playback.receive(key, response_id, len(data), audio_format, now, in_conversation=inside)
        return (("audio", _audio_payload(data, response_id, item_id, key[1], not in_time)),)

    def _on_input_audio_buffer_speech_started(self, event: Event, now: float, heard: AskHeard | None) -> Effects:
        """The user talks over the assistant."""
        # The reference takes a missing flag for false, so that the response is cancelled by one of the two.
        interrupts = value_at(self.session.confirmed, "audio.input.turn_detection.interrupt_response")
        return self.interrupt(now, heard, cancel=not interrupts)

    def _send_tracing(self, event: Event, now: float, heard: AskHeard | None) -> Effects:
        """Tracing is an update of its own, once it is known how it stands."""
        session = event.get("session")
        self.tracing = session.get("tracing") if isinstance(session, dict) else None
        if not self.sends_session:
            return
        if "tracing" in self._config:
            yield from self.update_tracing(self._config["tracing"])
        elif self._auto_tracing and self.tracing is None:  # what is on already need not be asked for
            yield from self.update_tracing("auto")

    def _send_next_create(self, event: Event, now: float, heard: AskHeard | None) -> Effects:
        """A response began, ended or was refused: perhaps the next response.create may go out."""
        return self.next_create()

    # -- to the server ---------------------------------------------------------------------------

    def send(self, event: Event, *, sequenced: bool = True, frame: bytes = b"") -> Effects:
        """Send an event as it is; a response.create waits for its turn unless `sequenced` is False.

        `frame` is the text that goes out for it, where that must not be made from the event.

        Raises ValueError for a response.create that JSON cannot express.
        """
        if sequenced and self._sequenced and event.get("type") == "response.create":
            if not frame:
                encode_bytes(event)  # a mistake of the caller's shows here, not when its turn has come
            self.responses.request_event(event, frame)
            yield from self.next_create()
        else:
            yield Send(event, None, frame)
            self.sent(event)

    def sent(self, event: Event) -> None:
        """An event went out as it stood: read what it means for the session and the responses."""
        reader = self._SENT.get(str(event.get("type")))
        if reader is not None:
            reader(self, event)

    _SENT: ClassVar[Mapping[str, Callable[[ClientCore, Event], None]]] = {
        "session.update": lambda core, event: core.session.merge_sent(event.get("session")),
        "response.create": lambda core, event: core.responses.sent_past_queue(event),
        "response.cancel": lambda core, event: core.responses.cancelling(event.get("response_id")),
    }

    def submit(self, event: Event, *, respond: bool) -> Effects:
        """Send an event, and ask for a response if `respond`; nothing of another caller comes between."""
        yield from self.send(event)
        if respond:
            yield from self.request_response()

    def request_response(self, response: Mapping[str, Any] | None = None) -> Effects:
        """Ask for a response: at once, or when the one that runs is done. Raises ValueError as `send` does."""
        if not self._sequenced:
            yield Send({"type": "response.create"} | ({} if response is None else {"response": response}))
            return
        if response is not None:
            encode_bytes(dict(response))
        self.responses.request(response)
        yield from self.next_create()

    def next_create(self) -> Effects:
        """Send the response.create whose turn it is."""
        due = self.responses.next_create()
        if due is None:
            return
        try:
            yield Send(*due)
        except BaseException:  # also where the generator is closed: the slot has to be free again
            self.responses.unsent()
            raise

    def update_session(self, config: Mapping[str, Any]) -> Effects:
        """session.update: the defaults, then what was asked for before, then `config`."""
        update = self.session.plan(config, self.model)
        yield Send(session_update(update.payload))
        self.session.remember(update)  # one that could not be sent must not spoil the later ones

    def update_tracing(self, tracing: Any) -> Effects:
        """Switch tracing on ("auto" or an object) or off (None), in an update of its own.

        Where it is on as one object, another object is not sent: the API does not change it.
        """
        if isinstance(self.tracing, Mapping) and isinstance(tracing, Mapping):
            logger.warning("tracing is on already and cannot be changed: %r is not sent", tracing)
            return
        yield Send(session_update({"type": "realtime", "tracing": tracing}))

    def answer_call(self, tool_call: Any, output: str, *, respond: bool) -> Effects:
        """Answer a function call, show it as completed, ask for a response. Raises UsageError before anything is sent.

        See `client_events.function_call_output`.
        """
        event, completed = function_call_output(tool_call, output)
        yield from self.send(event)
        if completed is not None:
            yield "item_update", completed
        if respond:
            yield from self.request_response()

    def reset_history(self, old_history: Iterable[Any], new_history: Iterable[Any]) -> Effects:
        """The deletes and creates that turn one history into another. Raises UsageError as `plan_reset` does."""
        plan = plan_reset(old_history, new_history, self._pending_edits, self._calls.call_ids)
        for event in plan.events():
            event["event_id"] = f"rtcli_history_{next(self._history_numbers)}"
            yield Send(event)
            self._pending_edits.sent(event)

    def interrupt(self, now: float, heard: AskHeard | None = None, *, cancel: bool = True) -> Effects:
        """Stop the assistant's speech where it was heard; nothing happens while no audio is arriving or playing.

        Audio that the API plays itself is cleared, whether or not there is any.
        """
        if self._plays_remotely:
            if cancel and self.responses.can_cancel:
                yield from self.send({"type": "response.cancel"})
            yield Send({"type": "output_audio_buffer.clear"})
            return
        cuts, epoch = self.playback.interrupt(now, heard), self.epoch  # before anything is emitted
        if not cuts:
            return
        self.last_interruption = cuts
        if cancel:
            yield from self._cancel(cuts[-1].response_id)
        yield ("audio_interrupted",)  # after the cancel, before the truncates, as in the reference
        for cut in cuts:
            if cut.audio_end_ms is not None and self.epoch == epoch:  # a listener may have closed the connection
                yield Send(truncate(cut))

    def _cancel(self, response_id: str) -> Effects:
        if self.responses.is_out_of_band(response_id):
            yield from self.send({"type": "response.cancel", "response_id": response_id})
        elif self.responses.can_cancel:
            yield from self.send({"type": "response.cancel"})


RETRIEVE_ONLY: Mapping[str, Reaction] = {
    "conversation.item.input_audio_transcription.completed": ClientCore._retrieve_item,
    "conversation.item.truncated": ClientCore._retrieve_item,
    "response.mcp_call.in_progress": ClientCore._retrieve_item,
    "mcp_list_tools.in_progress": ClientCore._retrieve_item,
}
"""What a transport does that says for itself how it sends: it asks for items that changed."""

AUDIO_ONLY: Mapping[str, Reaction] = {"response.output_audio.delta": ClientCore._on_response_output_audio_delta}
"""Nothing goes out that the caller did not send."""

_CHANGES = frozenset({*RETRIEVE_ONLY, "input_audio_buffer.speech_started"})  # lead to events nobody asked for

REACTIONS: Mapping[str, Reaction] = {
    **RETRIEVE_ONLY,
    **AUDIO_ONLY,
    "session.created": ClientCore._send_tracing,
    "response.created": ClientCore._send_next_create,
    "response.done": ClientCore._send_next_create,
    "error": ClientCore._send_next_create,
    "input_audio_buffer.speech_started": ClientCore._on_input_audio_buffer_speech_started,
}
"""All that the reference's WebSocket transport does."""
