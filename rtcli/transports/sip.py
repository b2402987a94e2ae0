"""OpenAIRealtimeSIP: watch and steer a SIP call that the API already carries; its audio does not pass through here."""

from __future__ import annotations

from typing import ClassVar

from rtcli.errors import UnsupportedError, UsageError
from rtcli.transports.websocket import OpenAIRealtimeWebSocket


class OpenAIRealtimeSIP(OpenAIRealtimeWebSocket):
    """A WebSocket that joins a call by its `call_id` (from the webhook realtime.call.incoming).

    `interrupt()` cancels the response if one runs, and clears what the API still plays into the call.
    """

    _plays_remotely: ClassVar[bool] = True

    def _check_target(self, call_id: str | None) -> None:
        if not call_id:
            raise UsageError(
                "a SIP call is joined by its call_id", hint="it comes with the webhook realtime.call.incoming"
            )

    def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Raises UnsupportedError: the caller's audio reaches the API by telephone."""
        raise UnsupportedError(
            "a SIP call carries its audio itself", hint="send_audio() is for the WebSocket transport"
        )
