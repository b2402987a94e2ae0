"""OpenAIRealtimeBase: what the transports share, from a frame to semantic events and from a call to wire events."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.client import RETRIEVE_ONLY, AskHeard, ClientCore
from rtcli.protocol.client_events import image_message, mcp_approval_response, user_message
from rtcli.protocol.dialects import Dialect
from rtcli.protocol.effects import Effects, Send
from rtcli.protocol.events import Event, Malformed, decode
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.models import DEFAULT_MODEL
from rtcli.protocol.payloads import ErrorPayload
from rtcli.protocol.playback import Playback, Truncation
from rtcli.protocol.record import Frame
from rtcli.protocol.requests import Request
from rtcli.protocol.session_config import Payload, build_payload, build_turn_detection
from rtcli.request_head import ApiKey
from rtcli.transports.emitter import Emitter
from rtcli.transports.layer import RealtimeTransportLayer

Observer: TypeAlias = Callable[[Frame], object]
"""Called with every frame of both directions."""

logger = logging.getLogger("rtcli.transports")


class OpenAIRealtimeBase(Emitter, RealtimeTransportLayer):
    """Everything that does not depend on what carries the events: the verbs, over a core that knows the protocol.

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
        core: ClientCore | None = None,
    ) -> None:
        super().__init__()
        self._core = core or ClientCore(
            DEFAULT_MODEL if model is None else model, reactions=RETRIEVE_ONLY, sequenced=False
        )
        self._api_key = api_key
        self._clock = clock
        self._heard: AskHeard | None = None  # asks the player, if there is one
        # The server has confirmed the session, or (True) a session.update; listeners have not heard of it.
        self._on_ready: Callable[[bool], object] = lambda updated: None
        self._observers: list[Observer] = []
        self.dialect: Dialect | None = None  # of other servers; None: GA alone is understood, as in the reference
        self.omissions = self._core.omissions  # what this server does not take; filled in by what finds that out
        self.frames = FrameMaker()  # numbers and links what is shown to the observers

    # -- properties ------------------------------------------------------------------------------

    @property
    def current_model(self) -> str:
        """The model that is, or will be, connected to. Assigning it while connected raises UsageError."""
        return self._core.model

    @current_model.setter
    def current_model(self, model: str) -> None:
        self._core.model = model

    @property
    def session(self) -> Payload | None:
        """The session as the server confirmed it last (read only); None before."""
        return self._core.session.confirmed

    @property
    def requested_session(self) -> Payload:
        """What was asked of the session so far, in the wire's shape, without defaults."""
        return self._core.session.requested

    @property
    def responding(self) -> bool:
        """Whether a response runs, is asked for, or waits to be asked for."""
        return self._core.responses.busy

    @property
    def playback(self) -> Playback:
        """How much audio arrived for each item."""
        return self._core.playback

    @property
    def current_item_id(self) -> str | None:
        """The item whose audio is arriving, or None."""
        return self._core.playback.item_id

    @property
    def last_interruption(self) -> list[Truncation]:
        """Where the last interruption cut the audio."""
        return self._core.last_interruption

    _tracing_config = property(
        fset=lambda self, tracing: setattr(self._core, "tracing", tracing),
        doc="The session's tracing as the server said it (set only).",
    )

    def forget_settings(self, paths: Iterable[str]) -> None:
        """Settings (dotted paths) that the server refused count as never asked for; it would refuse them again."""
        for path in paths:
            self._core.session.forget_setting(path)

    def attach_wire(self, observer: Observer) -> None:
        """Show every frame of both directions to `observer`, as it is read or enters the outbox.

        Frames are numbered from 1, each with the number of the one that led to it. Their times are the clock's, counted
        from `frames.began`.
        """
        self._observers.append(observer)

    def attach_playback(self, heard: AskHeard | None) -> None:
        """`heard(item_id, content_index)` gives the milliseconds really played, or None where it does not know."""
        self._heard = heard

    # -- from the server -------------------------------------------------------------------------

    def _on_message(self, frame: str | bytes, binary: bool | None = None) -> None:
        """One frame of the server: `*`, the wire's own type, then the semantic events. Never raises.

        `binary` says whether it came as a binary message; None: bytes did. It is read alike.
        """
        event = decode(frame)
        now = self._clock()
        if binary is None:
            binary = isinstance(frame, bytes)
        if self._observers:
            seen, problem = (None, event.reason) if isinstance(event, Malformed) else (event, "")
            self._show(self.frames.received(seen, frame, now, binary=binary, problem=problem))
        elif isinstance(event, Malformed):  # who observes sees it
            logger.warning("a frame that is not an event: %s", event.reason)
        try:
            if (dialect := self.dialect) is not None and (read := _read(dialect, event, frame, binary)) is not None:
                if isinstance(event, dict):
                    self.emit("*", event)
                listened = self._listeners.keys() - {"*"}
                for ga in read:
                    self._perform(self._core.receive(ga, now, self._heard, listened))
            elif isinstance(event, dict):
                self._perform(self._core.receive(event, now, self._heard, self._listeners))
        except Exception as error:
            kind = event["type"] if isinstance(event, dict) else "a binary frame"
            logger.warning("handling %s failed", kind, exc_info=error)
            self._on_error(error)

    def _on_open(self) -> None:
        self.emit("connected")

    def _on_error(self, error: Any) -> None:
        self.emit("error", ErrorPayload(error))

    def _on_close(self) -> None:
        self._core.connection_lost()
        self.frames.pending.connection_lost()
        self.emit("disconnected")

    def _show(self, frame: Frame) -> None:
        for observer in self._observers:
            try:
                observer(frame)
            except Exception as error:
                logger.error("a wire observer raised", exc_info=error)

    # -- carrying out what the core says ---------------------------------------------------------

    def _run(self, function: Callable[..., object], *args: Any) -> None:
        """Do what a call of the user leads to, on the thread that the transport lives on."""
        function(*args)

    def _perform(self, effects: Effects) -> None:
        emit = self.emit
        for effect in effects:
            if isinstance(effect, tuple):
                emit(*effect)
            elif isinstance(effect, Send):
                try:
                    if effect.context is None:
                        self._put(effect.event, effect.frame)
                    else:
                        effect.context.run(self._put, effect.event, effect.frame)
                except BaseException as error:
                    effects.throw(error)  # the core takes back what it counted on, and lets the error through
                    raise
            else:
                self._on_ready(effect.updated)

    def _put(self, event: Event, frame: bytes = b"") -> None:
        """Hand one event over for sending, at once; `frame` is its text, where a transport can send that."""
        self.send_event(event)

    # -- to the server ---------------------------------------------------------------------------

    def request_response(self, response: Mapping[str, Any] | None = None) -> None:
        """Ask for a response; `response` holds its parameters in the wire's names.

        At once, or when the one that runs is done; requests without parameters coalesce. A transport of one's own sends
        response.create at once. Raises ValueError for parameters that JSON cannot express.
        """
        self._run(self._perform, self._core.request_response(response))

    def give_up_response(self, create: Request | None = None) -> None:
        """The responses that run, or were asked for, are waited for no longer: what waits behind them may go out.

        With a `create`, that is the answer to this response.create alone.
        """
        if create is None:
            self.frames.pending.give_up()
            self._core.responses.give_up()
        else:
            self._core.responses.give_up_create(create.event_id)
        self._run(self._perform, self._core.next_create())

    def send_message(
        self, message: Any, other_event_data: Mapping[str, Any] | None = None, *, trigger_response: bool = True
    ) -> None:
        """Send a user message, and ask for a response unless told otherwise.

        `message` is text, or a mapping with `content` (parts `input_text`, `input_image` with `image` or `image_url`,
        `input_audio`). `other_event_data` is added to the event (`event_id`, `previous_item_id` ...).
        """
        self._run(self._perform, self._core.submit(user_message(message, other_event_data), respond=trigger_response))

    def add_image(self, image: str, *, trigger_response: bool = True) -> None:
        """Send an image, a data URI of a PNG or JPEG, as a user message."""
        self._run(self._perform, self._core.submit(image_message(image), respond=trigger_response))

    def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Append audio in the session's input format; `commit` ends the user's turn. Empty audio sends no append."""
        if audio:
            self.send_event({"type": "input_audio_buffer.append", "audio": encode_base64(audio)})
        if commit:
            self.send_event({"type": "input_audio_buffer.commit"})

    def build_session_payload(self, config: Mapping[str, Any]) -> Payload:
        """The whole `session` object that this config alone stands for; nothing is sent or remembered."""
        return build_payload(config, self._core.model)

    @staticmethod
    def build_turn_detection_config(config: Mapping[str, Any] | None) -> Payload | None:
        """A turn detection for the wire; None for None and for one that says nothing."""
        return build_turn_detection(config)

    def update_session_config(self, config: Mapping[str, Any]) -> None:
        """Send session.update: defaults, then what was configured before, then `config`. `tools=[]` clears them."""
        self._run(self._perform, self._core.update_session(config))

    def _update_tracing_config(self, tracing: Any) -> None:
        """Switch tracing on ("auto" or an object) or off (None); see `ClientCore.update_tracing`."""
        self._perform(self._core.update_tracing(tracing))

    def send_function_call_output(self, tool_call: Any, output: str, start_response: bool = True) -> None:
        """Answer a function call (a FunctionCall, or a mapping with its keys), then ask for a response.

        `item_update` shows the call as completed. Raises UsageError for an output that is not text and for a call
        without call_id; nothing is sent then.
        """
        self._run(self._perform, self._core.answer_call(tool_call, output, respond=start_response))

    def send_mcp_response(self, approval_request: Any, approved: bool, reason: str | None = None) -> None:
        """Answer a request for approval (a McpApprovalRequestItem, or a mapping with its keys)."""
        self._run(
            self._perform, self._core.submit(mcp_approval_response(approval_request, approved, reason), respond=False)
        )

    def reset_history(self, old_history: Iterable[Any], new_history: Iterable[Any]) -> None:
        """Send the deletes and creates that turn one history into another.

        Items are emitted ones or mappings with their keys. An item that changed is deleted and created again. Raises
        UsageError, before anything is sent, for an id given twice and for items that the API does not take (assistant
        output_audio, MCP items).
        """
        self._run(self._perform, self._core.reset_history(list(old_history), list(new_history)))


def _read(dialect: Dialect, event: Event | Malformed, frame: str | bytes, binary: bool) -> tuple[Event, ...] | None:
    """The GA events that a frame stands for; None where it is one, or nothing."""
    if not isinstance(event, Malformed):
        return dialect.read(event)
    return dialect.read_binary(frame) if binary and isinstance(frame, bytes) else None
