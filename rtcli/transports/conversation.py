"""What a connected transport does beyond emitting: response.create in turn, audio positions, interruption, tracing."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from rtcli.errors import UnsupportedError
from rtcli.protocol.audio_formats import decode_base64
from rtcli.protocol.events import Event, encode_bytes
from rtcli.protocol.payloads import TransportAudio
from rtcli.protocol.playback import Playback, Truncation
from rtcli.protocol.responses import ResponseSequencer
from rtcli.transports.base import Effect, OpenAIRealtimeBase
from rtcli.transports.layer import ApiKey


class ConversationTransport(OpenAIRealtimeBase):
    """A transport supplies `_put(event)`, which hands one event over for sending, at once and in order.

    `clock` gives seconds and measures what was heard when no player does. `manual`: nothing goes out that the caller
    did not send. `auto_tracing=False`: tracing is left alone unless the config names it.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        api_key: ApiKey | None = None,
        clock: Callable[[], float] = time.monotonic,
        manual: bool = False,
        auto_tracing: bool = True,
    ) -> None:
        super().__init__(model=model, api_key=api_key, clock=clock)
        self._manual = manual
        self._auto_tracing = auto_tracing
        self._tracing_wanted: Any = "auto"
        self._tracing_given = False
        self._responses = ResponseSequencer()
        self._heard: Callable[[str, int], int | None] | None = None
        self._set_muted: Callable[[bool], object] | None = None
        self._muted: bool | None = None
        self.playback = Playback()
        self.last_interruption: list[Truncation] = []
        if manual:
            self._effects = {"response.output_audio.delta": ConversationTransport._audio_arrived}

    @abstractmethod
    def _put(self, event: Event) -> None:
        """Hand one event over for sending. Raises NotConnectedError, OutboxFullError, ValueError."""

    @property
    def current_item_id(self) -> str | None:
        """The item whose audio is arriving, or None."""
        return self.playback.item_id

    @property
    def responding(self) -> bool:
        """Whether a response runs, is asked for, or waits to be asked for."""
        return self._responses.busy

    @property
    def muted(self) -> bool | None:
        """None until an input is attached, then whether it is muted."""
        return self._muted

    def attach_playback(self, heard: Callable[[str, int], int | None] | None) -> None:
        """`heard(item_id, content_index)` gives the milliseconds really played, or None where it does not know."""
        self._heard = heard

    def attach_input(self, set_muted: Callable[[bool], object], *, muted: bool = False) -> None:
        """From now on mute() calls `set_muted`, and `muted` is a bool."""
        self._set_muted, self._muted = set_muted, muted

    def mute(self, muted: bool) -> None:
        """Mute or unmute the attached input. Raises UnsupportedError without one."""
        if self._set_muted is None:
            hint = "mute the input yourself, or attach_input() it"
            raise UnsupportedError("this transport has no microphone to mute", hint=hint)
        self._set_muted(muted)
        self._muted = muted

    # -- sending ---------------------------------------------------------------------------------

    def _send_event(self, event: Event) -> None:
        handler = None if self._manual else self._SENDING.get(event.get("type", ""))
        if handler is not None:
            handler(self, event)
        else:
            self._put(event)

    def _sending_create(self, event: Event) -> None:
        encode_bytes(event)  # a mistake of the caller's shows here, not when its turn has come
        self._responses.request_event(event)
        self._send_next_create()

    def _sending_cancel(self, event: Event) -> None:
        self._put(event)
        self._responses.cancelling(event.get("response_id"))

    def _sending_update(self, event: Event) -> None:
        self._put(event)
        self._requested.merge_sent(event.get("session"))

    def _request_response(self, response: Mapping[str, Any] | None) -> None:
        if self._manual:
            super().request_response(response)
            return
        self._responses.request(response)
        self._send_next_create()

    def _update_session_config(self, config: Mapping[str, Any]) -> None:
        update = self._requested.plan(config, self._model)
        self._put({"type": "session.update", "session": update.payload})
        self._requested.remember(update)  # one that could not be sent must not spoil the later ones

    def _send_next_create(self) -> None:
        """Send the response.create whose turn it is."""
        due = self._responses.next_create()
        if due is None:
            return
        event, context = due
        try:
            context.run(self._put, event)
        except BaseException:
            self._responses.unsent()
            raise

    # -- interrupting ----------------------------------------------------------------------------

    def interrupt(self, cancel_ongoing_response: bool = True) -> None:
        """Stop the assistant's speech where it was heard.

        Cancels the response if one runs, emits `audio_interrupted`, truncates what was not heard to its end. Nothing
        happens while no audio is arriving or playing. `last_interruption` tells the positions.
        """
        cuts = self.playback.interrupt(self._clock(), self._heard)
        if not cuts:
            return
        epoch, self.last_interruption = self._epoch, cuts
        if cancel_ongoing_response:
            self._cancel(cuts[-1].response_id)
        self.emit("audio_interrupted")
        for cut in cuts:
            if cut.audio_end_ms is not None and self._epoch == epoch:
                self._truncate(cut, cut.audio_end_ms)

    def _truncate(self, cut: Truncation, audio_end_ms: int) -> None:
        self._put(
            {
                "type": "conversation.item.truncate",
                "item_id": cut.item_id,
                "content_index": cut.content_index,
                "audio_end_ms": audio_end_ms,
            }
        )

    def _cancel(self, response_id: str) -> None:
        if self._responses.is_out_of_band(response_id):
            self._send_event({"type": "response.cancel", "response_id": response_id})
        elif self._responses.can_cancel:
            self._send_event({"type": "response.cancel"})

    # -- what server events do -------------------------------------------------------------------

    def _response_created(self, event: Event) -> None:
        if isinstance(event.get("response"), dict):
            self._responses.created(event["response"])

    def _response_done(self, event: Event) -> None:
        if isinstance(event.get("response"), dict):
            self._responses.done(event["response"])

    def _server_error(self, event: Event) -> None:
        super()._server_error(event)
        if isinstance(event.get("error"), dict):
            self._responses.failed(event["error"])

    def _audio_finished(self, event: Event) -> None:
        item_id, index = event.get("item_id"), event.get("content_index")
        if isinstance(item_id, str):
            self.playback.finish((item_id, index if isinstance(index, int) else 0))

    def _audio_arrived(self, event: Event) -> None:
        item_id, delta, index = event.get("item_id"), event.get("delta"), event.get("content_index")
        if not isinstance(item_id, str) or not isinstance(delta, str):
            return
        data = decode_base64(delta)
        response = event.get("response_id")
        response_id = response if isinstance(response, str) else ""
        key = (item_id, index if isinstance(index, int) else 0)
        audio_format = self._responses.output_format(response_id) or self._requested.output_format
        inside, now = not self._responses.is_out_of_band(response_id), self._clock()
        in_time = self.playback.receive(key, response_id, len(data), audio_format, now, in_conversation=inside)
        self.emit("audio", TransportAudio(data, response_id, *key, interrupted=not in_time))

    def _speech_started(self, event: Event) -> None:
        # The reference takes a missing flag for false, so that the response is cancelled by one of the two.
        interrupts = self._requested.confirmed_at("audio", "input", "turn_detection", "interrupt_response")
        self.interrupt(not interrupts)

    def _send_tracing(self, event: Event) -> None:
        session = event.get("session")
        self._tracing = session.get("tracing") if isinstance(session, dict) else None
        if self._tracing_given or self._auto_tracing:
            self._update_tracing_config(self._tracing_wanted)

    def _send_next_after(self, event: Event) -> None:
        self._send_next_create()

    def _forget_connection(self) -> None:
        super()._forget_connection()
        self._responses.reset()
        self.playback.reset()

    _SENDING: ClassVar[Mapping[str, Effect]] = {
        "response.create": _sending_create,
        "response.cancel": _sending_cancel,
        "session.update": _sending_update,
    }
    _BEFORE: ClassVar[Mapping[str, Effect]] = {
        **OpenAIRealtimeBase._BEFORE,
        "response.created": _response_created,
        "response.done": _response_done,
        "response.output_audio.done": _audio_finished,
        "error": _server_error,
    }
    _AFTER: ClassVar[Mapping[str, Effect]] = {
        **OpenAIRealtimeBase._AFTER,
        "session.created": _send_tracing,
        "response.output_audio.delta": _audio_arrived,
        "response.created": _send_next_after,
        "response.done": _send_next_after,
        "error": _send_next_after,
        "input_audio_buffer.speech_started": _speech_started,
    }
