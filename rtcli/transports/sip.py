"""OpenAIRealtimeSIP: watch and steer a SIP call that the API already carries; its audio does not pass through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.errors import UnsupportedError, UsageError
from rtcli.transports.layer import ApiKey
from rtcli.transports.websocket import OpenAIRealtimeWebSocket


class OpenAIRealtimeSIP(OpenAIRealtimeWebSocket):
    """A WebSocket that joins a call by its `call_id` (from the webhook realtime.call.incoming)."""

    async def connect(
        self,
        *,
        api_key: ApiKey | None = None,
        model: str | None = None,
        url: str | None = None,
        call_id: str | None = None,
        initial_session_config: Mapping[str, Any] | None = None,
    ) -> None:
        """As the WebSocket transport does. Raises UsageError without a call_id."""
        if not call_id:
            raise UsageError(
                "a SIP call is joined by its call_id", hint="it comes with the webhook realtime.call.incoming"
            )
        await super().connect(
            api_key=api_key, model=model, url=url, call_id=call_id, initial_session_config=initial_session_config
        )

    def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Raises UnsupportedError: the caller's audio reaches the API by telephone."""
        raise UnsupportedError(
            "a SIP call carries its audio itself", hint="send_audio() is for the WebSocket transport"
        )

    def interrupt(self, cancel_ongoing_response: bool = True) -> None:
        """Cancel the response if one runs, and stop what the API still plays into the call."""
        if cancel_ongoing_response and self._responses.can_cancel:
            self.send_event({"type": "response.cancel"})
        self.send_event({"type": "output_audio_buffer.clear"})
