"""The turns that the server takes by itself: from speech that it heard to a response that nobody asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.protocol.events import value_at


class ServerTurns:
    """Follows voice detection. Frames are known by their numbers."""

    def __init__(self) -> None:
        self.speech_started: int | None = None  # the last one
        self._ended: tuple[str | None, int] | None = None  # the item and the frame that ended the last speech
        self._committed: int | None = None  # a commit of the server's own that no response has followed
        self._certain = False  # the server will answer it, whatever we ask for
        self._creates_responses = False  # as far as the session's settings are known

    def session(self, session: Mapping[str, Any]) -> None:
        """The session's settings as the server says them."""
        value = value_at(session, "audio.input.turn_detection")
        self._creates_responses = isinstance(value, Mapping) and value.get("create_response") is not False

    def ended(self, item_id: str | None, number: int) -> None:
        """Speech, or the time to wait for it, has ended; a commit of that item follows."""
        self._ended = item_id, number

    def end_of(self, item_id: str | None) -> int | None:
        """The frame that ended the speech of an item, None where the server said of no such end."""
        return self._ended[1] if self._ended and self._ended[0] == item_id else None

    def committed(self, number: int) -> None:
        """The server committed what it heard."""
        self._ended = None
        self._committed, self._certain = number, self._creates_responses

    def asked(self) -> None:
        """We ask for a response. A client that does so after a commit does not expect the server to do it."""
        self._certain = False

    @property
    def answered_next(self) -> bool:
        """The next response of the conversation, or the refusal of one, is the server's own."""
        return self._committed is not None and self._certain

    def take(self) -> int | None:
        """The commit that a response follows, once."""
        taken, self._committed = self._committed, None
        return taken
