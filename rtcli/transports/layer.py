"""RealtimeTransportLayer: what every transport offers, whatever carries its events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from typing import Any, Self

from rtcli.protocol.events import Event
from rtcli.request_head import ApiKey


class Status(StrEnum):
    """Where a connection stands; equal to the reference's texts.

    The transports here are never DISCONNECTING, and neither are the reference's: close() ends a connection at once, and
    what is left of it closes behind the scenes (`wait_closed`). The value is for transports that have such a state.
    """

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTING = "disconnecting"
    DISCONNECTED = "disconnected"


class StatusEvent(Enum):
    """What moves the status."""

    DIALING = "the key is known and the address is being dialed"
    OPENED = "the socket is open"
    ENDED = "the attempt failed, or the connection is closed or lost"


STATUS_MOVES: dict[tuple[Status, StatusEvent], Status] = {
    (Status.DISCONNECTED, StatusEvent.DIALING): Status.CONNECTING,
    (Status.CONNECTING, StatusEvent.OPENED): Status.CONNECTED,
    (Status.CONNECTING, StatusEvent.ENDED): Status.DISCONNECTED,
    (Status.CONNECTED, StatusEvent.ENDED): Status.DISCONNECTED,
}
"""Any other move is a mistake of ours."""


class RealtimeTransportLayer(ABC):
    """The interface of the reference, in snake_case, with options as keyword arguments."""

    @property
    @abstractmethod
    def status(self) -> str:
        """connecting, connected, disconnecting or disconnected."""

    @property
    @abstractmethod
    def muted(self) -> bool | None:
        """Whether audio input is muted; None where the transport does not handle it."""

    @abstractmethod
    async def connect(
        self,
        *,
        api_key: ApiKey | None = None,
        model: str | None = None,
        url: str | None = None,
        call_id: str | None = None,
        initial_session_config: Mapping[str, Any] | None = None,
        send_session: bool = True,
    ) -> None:
        """Open the connection and send the first session.update, unless `send_session` is False."""

    @abstractmethod
    def close(self) -> None:
        """End the connection."""

    @abstractmethod
    def send_event(self, event: Event) -> None:
        """Send one event as it is."""

    @abstractmethod
    def request_response(self, response: Mapping[str, Any] | None = None) -> None:
        """Ask for a response."""

    @abstractmethod
    def send_message(
        self, message: Any, other_event_data: Mapping[str, Any] | None = None, *, trigger_response: bool = True
    ) -> None:
        """Send a user message."""

    @abstractmethod
    def add_image(self, image: str, *, trigger_response: bool = True) -> None:
        """Send an image as a user message."""

    @abstractmethod
    def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Append audio to the input buffer."""

    @abstractmethod
    def update_session_config(self, config: Mapping[str, Any]) -> None:
        """Change the session."""

    @abstractmethod
    def send_function_call_output(self, tool_call: Any, output: str, start_response: bool = True) -> None:
        """Answer a function call."""

    @abstractmethod
    def send_mcp_response(self, approval_request: Any, approved: bool, reason: str | None = None) -> None:
        """Answer a request for approval of an MCP call."""

    @abstractmethod
    def reset_history(self, old_history: list[Any], new_history: list[Any]) -> None:
        """Make the server's conversation into `new_history`."""

    @abstractmethod
    def interrupt(self, cancel_ongoing_response: bool = True) -> None:
        """Stop the assistant's speech where it was heard."""

    @abstractmethod
    def mute(self, muted: bool) -> None:
        """Mute or unmute audio input."""

    @abstractmethod
    def on(self, type: str, listener: Callable[..., Any]) -> Self:  # noqa: A002  the reference's name
        """Add a listener."""

    @abstractmethod
    def once(self, type: str, listener: Callable[..., Any]) -> Self:  # noqa: A002
        """Add a listener for one event."""

    @abstractmethod
    def off(self, type: str, listener: Callable[..., Any]) -> Self:  # noqa: A002
        """Remove a listener."""

    @abstractmethod
    def emit(self, type: str, *args: Any) -> bool:  # noqa: A002
        """Call the listeners of an event."""
