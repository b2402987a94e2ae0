"""The smallest transport, for scenarios of the base class: what it is told to send is the wire."""

from __future__ import annotations

import json
from typing import Any

from rtcli.protocol.events import Event
from rtcli.transports import OpenAIRealtimeBase


class BaseTransport(OpenAIRealtimeBase):
    """The smallest transport: it records what it is told to send."""

    status = "connected"
    muted = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.wire: list[Event] = []
        self.failing_sends = 0

    async def connect(self, **options: Any) -> None: ...

    def send_event(self, event: Event) -> None:
        if self.failing_sends > 0:
            self.failing_sends -= 1
            raise RuntimeError("send failed")
        self.wire.append(json.loads(json.dumps(event, allow_nan=False)))

    def mute(self, muted: bool) -> None: ...

    def close(self) -> None:
        self._on_close()

    def interrupt(self, cancel_ongoing_response: bool = True) -> None: ...
