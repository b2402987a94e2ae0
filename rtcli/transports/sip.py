"""OpenAIRealtimeSIP: watch and steer a SIP call that the API already carries; its audio does not pass through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rtcli.errors import UnsupportedError, UsageError
from rtcli.protocol.session_config import Payload
from rtcli.transports.layer import Status
from rtcli.transports.websocket import OpenAIRealtimeWebSocket

# Fields of a turn detection that the API refuses for a call.
_NOT_IN_A_CALL = ("threshold", "prefix_padding_ms", "silence_duration_ms")


class OpenAIRealtimeSIP(OpenAIRealtimeWebSocket):
    """A WebSocket that joins a call by its `call_id` (from the webhook realtime.call.incoming).

    `interrupt()` cancels the response if one runs, and clears what the API still plays into the call.
    """

    _plays_remotely: ClassVar[bool] = True

    async def connect(self, *, call_id: str | None = None, **options: Any) -> None:
        """Join the call; as for the WebSocket transport. Raises UsageError without a `call_id`."""
        if not call_id and self._attempt is None and self._status is Status.DISCONNECTED:
            raise UsageError("a SIP call is joined by its call_id", hint="the webhook realtime.call.incoming has it")
        await super().connect(call_id=call_id, **options)

    def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Raises UnsupportedError: the caller's audio reaches the API by telephone."""
        raise UnsupportedError(
            "a SIP call carries its audio itself", hint="send_audio() is for the WebSocket transport"
        )

    def build_accept_payload(self, config: Mapping[str, Any]) -> Payload:
        """The body with which `POST /v1/realtime/calls/{call_id}/accept` takes a call, for a session config.

        Nothing is sent or remembered. Raises UsageError for a turn detection with a field that the API refuses in a
        call: `threshold`, `prefix_padding_ms`, `silence_duration_ms`.
        """
        payload = self.build_session_payload(config)
        audio = payload.get("audio")
        source = audio.get("input") if isinstance(audio, Mapping) else None
        detection = source.get("turn_detection") if isinstance(source, Mapping) else None
        if isinstance(detection, Mapping) and (refused := [name for name in _NOT_IN_A_CALL if name in detection]):
            raise UsageError(
                f"turn_detection of a SIP call cannot have {', '.join(refused)}",
                why="the API refuses to accept a call with it",
                hint="leave it out",
            )
        return payload
