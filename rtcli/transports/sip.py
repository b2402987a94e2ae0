"""OpenAIRealtimeSIP: watch and steer a SIP call that the API already carries; its audio does not pass through here."""

from __future__ import annotations

from typing import ClassVar

from rtcli.errors import UnsupportedError
from rtcli.transports.websocket import OpenAIRealtimeWebSocket


class OpenAIRealtimeSIP(OpenAIRealtimeWebSocket):
    """A WebSocket that joins a call by its `call_id` (from the webhook realtime.call.incoming).

    `interrupt()` cancels the response if one runs, and clears what the API still plays into the call.
    """

    _needs_call_id: ClassVar[bool] = True
    _plays_remotely: ClassVar[bool] = True

    def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Raises UnsupportedError: the caller's audio reaches the API by telephone."""
        raise UnsupportedError(
            "a SIP call carries its audio itself", hint="send_audio() is for the WebSocket transport"
        )
