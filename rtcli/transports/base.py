"""OpenAIRealtimeBase: what the transports share, from a frame to semantic events and from a call to wire events."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, ClassVar, TypeAlias

from rtcli.errors import UsageError
from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.events import Event, Malformed, decode
from rtcli.protocol.items import FunctionCallItem, as_mapping, write_part
from rtcli.protocol.payloads import ErrorPayload, FunctionCall
from rtcli.protocol.record import Direction, Frame, size_of
from rtcli.protocol.reset import CREATE, DELETE, PendingEdits, plan_reset
from rtcli.protocol.session_config import (
    DEFAULT_MODEL,
    Payload,
    RequestedSession,
    build_payload,
    build_turn_detection,
)
from rtcli.protocol.translate import TRANSLATORS
from rtcli.protocol.unset import UNSET
from rtcli.transports.emitter import Emitter
from rtcli.transports.layer import ApiKey, RealtimeTransportLayer

Observer: TypeAlias = Callable[[Frame], object]
"""Called with every frame of both directions."""

Effect: TypeAlias = Callable[[Any, Event], None]
"""effect(transport, event)"""

_TRACKED_CALLS = 4096  # function calls whose ids are remembered

logger = logging.getLogger("rtcli.transports")


class OpenAIRealtimeBase(Emitter, RealtimeTransportLayer):
    """Everything that does not depend on what carries the events.

    A transport supplies `status`, `muted`, `connect`, `send_event`, `mute`, `close` and `interrupt`, hands every frame
    to `_on_message`, and reports through `_on_open`, `_on_close` and `_on_error`. Listeners run on its loop; the dict
    that `*` and the wire's own types carry is one object, shared and not to be changed. `clock` gives seconds.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        api_key: ApiKey | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._model = model if model is not None else DEFAULT_MODEL
        self._api_key = api_key
        self._requested = RequestedSession()
        self._tracing: Any = None
        self._pending_edits = PendingEdits()
        self._history_numbers = count(1)
        self._call_ids: dict[str, str] = {}
        self._emitted_calls: dict[str, None] = {}
        self._observers: list[Observer] = []
        self._frame_numbers = count(1)
        self._effects: Mapping[str, Effect] = self._AFTER
        self._epoch = 0  # counts connections that ended, so that the rest of an event is dropped with its connection

    # -- properties ------------------------------------------------------------------------------

    @property
    def current_model(self) -> str:
        """The model that is, or will be, connected to. Assigning it while connected raises UsageError."""
        return self._model

    @current_model.setter
    def current_model(self, model: str) -> None:
        self._model = model

    @property
    def session(self) -> Payload | None:
        """The session as the server confirmed it last (read only); None before."""
        return self._requested.confirmed

    @property
    def requested_session(self) -> Payload:
        """What was asked of the session so far, in the wire's shape, without defaults."""
        return self._requested.requested

    def forget_settings(self, paths: Iterable[str]) -> None:
        """Settings (dotted paths) that the server refused count as never asked for; it would refuse them again."""
        for path in paths:
            self._requested.forget_setting(path)

    def _set_tracing(self, tracing: Any) -> None:
        self._tracing = tracing

    _tracing_config = property(fset=_set_tracing, doc="The session's tracing as the server said it (set only).")

    def attach_wire(self, observer: Observer) -> None:
        """Show every frame of both directions to `observer`, as it is read or enters the outbox.

        Frames are numbered from 1 and carry the clock's time.
        """
        self._observers.append(observer)

    # -- from the server -------------------------------------------------------------------------

    def _on_message(self, frame: str | bytes) -> None:
        """One frame of the server: `*`, the wire's own type, then the semantic events. Never raises."""
        event = decode(frame)
        if isinstance(event, Malformed):
            logger.warning("a frame that is no event: %s", event.reason)
            self._observe(Direction.RECEIVED, None, frame, event.reason)
            return
        if self._observers:
            self._observe(Direction.RECEIVED, event, frame)
        try:
            self._handle(event)
        except Exception as error:
            logger.warning("handling %s failed", event["type"], exc_info=error)
            self._on_error(error)

    def _handle(self, event: Event) -> None:
        kind, epoch, listeners = event["type"], self._epoch, self._listeners
        before = self._BEFORE.get(kind)
        if before is not None:
            before(self, event)
        if "*" in listeners:
            self.emit("*", event)
        if kind == "error":
            self.emit("error", ErrorPayload(event))
        elif kind in listeners and "." in kind and self._epoch == epoch:  # without a dot it could be a semantic event's
            self.emit(kind, event)
        translator = TRANSLATORS.get(kind)
        for semantic in translator(event) if translator is not None else ():
            if self._epoch != epoch:
                return
            if semantic[0] != "function_call" or self._is_new_call(semantic[1]):
                self.emit(*semantic)
        after = self._effects.get(kind)
        if after is not None and self._epoch == epoch:
            after(self, event)

    def _is_new_call(self, call: FunctionCall) -> bool:
        """A call may be reported completed twice (item added, item done); it is handed on once."""
        name = call.call_id or call.id
        if name and name in self._emitted_calls:
            return False
        _remember(self._emitted_calls, name, None)
        _remember(self._call_ids, call.id, call.call_id)
        return True

    def _confirm_session(self, event: Event) -> None:
        self._requested.confirm(event.get("session"))

    def _delete_confirmed(self, event: Event) -> None:
        self._pending_edits.confirmed(DELETE, event.get("item_id"))

    def _create_confirmed(self, event: Event) -> None:
        item = event.get("item")
        if isinstance(item, dict):
            self._pending_edits.confirmed(CREATE, item.get("id"))

    def _server_error(self, event: Event) -> None:
        error = event.get("error")
        if isinstance(error, dict):
            self._pending_edits.settled(error.get("event_id"))

    def _retrieve(self, event: Event) -> None:
        """The event says that an item changed, and not how: ask for the item."""
        if isinstance(event.get("item_id"), str):
            self.send_event({"type": "conversation.item.retrieve", "item_id": event["item_id"]})

    def _on_open(self) -> None:
        self.emit("connected")

    def _on_error(self, error: Any) -> None:
        self.emit("error", ErrorPayload(error))

    def _on_close(self) -> None:
        self._forget_connection()
        self.emit("disconnected")

    def _forget_connection(self) -> None:
        self._epoch += 1
        self._pending_edits.clear()
        self._emitted_calls.clear()
        self._requested.forget_connection()

    def _observe(self, direction: Direction, event: Event | None, raw: str | bytes, problem: str = "") -> None:
        number, now = next(self._frame_numbers), self._clock()
        frame = Frame(number, now, direction, event, size_of(raw), problem=problem, raw=raw)
        for observer in self._observers:
            try:
                observer(frame)
            except Exception as error:
                logger.error("a wire observer raised", exc_info=error)

    # -- to the server ---------------------------------------------------------------------------

    def request_response(self, response: Mapping[str, Any] | None = None) -> None:
        """Send response.create; `response` holds its parameters in the wire's names."""
        event: Event = {"type": "response.create"}
        if response is not None:
            event["response"] = response
        self.send_event(event)

    def send_message(
        self, message: Any, other_event_data: Mapping[str, Any] | None = None, *, trigger_response: bool = True
    ) -> None:
        """Send a user message, and ask for a response unless told otherwise.

        `message` is text, or a mapping with `content` (parts `input_text`, `input_image` with `image` or `image_url`,
        `input_audio`). `other_event_data` is added to the event (`event_id`, `previous_item_id` ...).
        """
        if isinstance(message, str):
            content = [{"type": "input_text", "text": message}]
        else:
            content = [write_part(part) for part in as_mapping(message)["content"]]
        item = {"type": "message", "role": "user", "content": content}
        self.send_event({"type": "conversation.item.create", "item": item, **(other_event_data or {})})
        if trigger_response:
            self.request_response()

    def add_image(self, image: str, *, trigger_response: bool = True) -> None:
        """Send an image, a data URI of a PNG or JPEG, as a user message."""
        content = [{"type": "input_image", "image_url": image}]
        item = {"type": "message", "role": "user", "content": content}
        self.send_event({"type": "conversation.item.create", "item": item})
        if trigger_response:
            self.request_response()

    def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Append audio in the session's input format; `commit` ends the user's turn. Empty audio sends no append."""
        if audio:
            self.send_event({"type": "input_audio_buffer.append", "audio": encode_base64(audio)})
        if commit:
            self.send_event({"type": "input_audio_buffer.commit"})

    def build_session_payload(self, config: Mapping[str, Any]) -> Payload:
        """The whole `session` object that this config alone stands for; nothing is sent or remembered."""
        return build_payload(config, self._model)

    @staticmethod
    def build_turn_detection_config(config: Mapping[str, Any] | None) -> Payload | None:
        """A turn detection for the wire; None for None and for one that says nothing."""
        return build_turn_detection(config)

    def update_session_config(self, config: Mapping[str, Any]) -> None:
        """Send session.update: defaults, then what was configured before, then `config`. `tools=[]` clears them."""
        update = self._requested.plan(config, self._model)
        self.send_event({"type": "session.update", "session": update.payload})
        self._requested.remember(update)

    def _update_tracing_config(self, tracing: Any) -> None:
        """Switch tracing on ("auto" or an object) or off (None), in an update of its own.

        Tracing that is on cannot be changed into another kind, only switched off: the API says so.
        """
        if self._tracing is not None and tracing is not None:
            if self._tracing != tracing:
                logger.warning("tracing is on already and cannot be changed: %r is not sent", tracing)
            return
        self.send_event({"type": "session.update", "session": {"type": "realtime", "tracing": tracing}})

    def send_function_call_output(self, tool_call: Any, output: str, start_response: bool = True) -> None:
        """Answer a function call (a FunctionCall, or a mapping with its keys), then ask for a response.

        `item_update` shows the call as completed. Raises UsageError for an output that is not text and for a call
        without call_id; nothing is sent then.
        """
        call = as_mapping(tool_call)
        if not isinstance(output, str):
            raise UsageError(
                f"the output of {call.get('name')!r} is {type(output).__name__}, not text", hint="json.dumps it"
            )
        if not isinstance(call.get("call_id"), str):
            raise UsageError(f"the function call {call.get('name')!r} has no call_id to answer to")
        item = {"type": "function_call_output", "output": output, "call_id": call["call_id"]}
        self.send_event({"type": "conversation.item.create", "item": item})
        if all(isinstance(call.get(key), str) for key in ("id", "name", "arguments")):
            done = FunctionCallItem(call["id"], call["name"], call["arguments"], "completed", output)
            self.emit("item_update", replace(done, previous_item_id=call.get("previous_item_id", UNSET)))
        if start_response:
            self.request_response()

    def send_mcp_response(self, approval_request: Any, approved: bool, reason: str | None = None) -> None:
        """Answer a request for approval (a McpApprovalRequestItem, or a mapping with its keys)."""
        request_id = as_mapping(approval_request)["item_id"]
        item = {"type": "mcp_approval_response", "approval_request_id": request_id, "approve": approved}
        if reason is not None:
            item["reason"] = reason
        self.send_event({"type": "conversation.item.create", "previous_item_id": request_id, "item": item})

    def reset_history(self, old_history: Iterable[Any], new_history: Iterable[Any]) -> None:
        """Send the deletes and creates that turn one history into another.

        Items are emitted ones or mappings with their keys. An item that changed is deleted and created again. Raises
        UsageError, before anything is sent, for an id given twice and for items that the API does not take (assistant
        output_audio, MCP items).
        """
        plan = plan_reset(old_history, new_history, self._pending_edits, self._call_ids)
        for item_id in plan.deletes:
            self._send_history({"type": DELETE, "item_id": item_id})
        for previous, item in plan.creates:
            anchor = {} if previous is None else {"previous_item_id": previous}
            self._send_history({"type": CREATE, **anchor, "item": item})

    def _send_history(self, event: Event) -> None:
        event["event_id"] = f"rtcli_history_{next(self._history_numbers)}"
        self.send_event(event)
        self._pending_edits.sent(event)

    # What a server event does beside being emitted: to our state before anybody hears of it, and on the wire after.
    _BEFORE: ClassVar[Mapping[str, Effect]] = {
        "session.created": _confirm_session,
        "session.updated": _confirm_session,
        "conversation.item.added": _create_confirmed,
        "conversation.item.deleted": _delete_confirmed,
        "error": _server_error,
    }
    _AFTER: ClassVar[Mapping[str, Effect]] = {
        "conversation.item.input_audio_transcription.completed": _retrieve,
        "conversation.item.truncated": _retrieve,
        "response.mcp_call.in_progress": _retrieve,
        "mcp_list_tools.in_progress": _retrieve,
    }


def _remember(known: dict[str, Any], key: str, value: Any) -> None:
    if key:
        known[key] = value
        if len(known) > _TRACKED_CALLS:
            del known[next(iter(known))]
