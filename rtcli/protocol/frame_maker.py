"""FrameMaker: gives a message that crosses the wire its number, its time and its link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.masking import add_event
from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.provenance import current_cause, set_cause_frame
from rtcli.protocol.record import DECIMALS, Direction, Frame, size_of
from rtcli.protocol.split_secrets import SplitSecrets

_RECEIVED, _SENT = Direction.RECEIVED, Direction.SENT  # a member costs a search through its class

_MAY_CARRY_SECRETS = frozenset({"session.update", "session.start", "response.create"})
"""Events of ours whose tools may name an MCP server, and what it asks for."""


_TICKS: int = 10**DECIMALS


def _rounded(seconds: float) -> float:
    """To `DECIMALS` digits; the built-in with digits takes three times as long."""
    return round(seconds * _TICKS) / _TICKS


class FrameMaker:
    """Makes one `Frame` of each message; every observer of the session is handed this very object.

    Numbers count from 1 over both directions, and over one connection after the other. `began` is the moment from which
    the times of frames count, on the caller's clock. `pending` knows what waits for a reply; it sees each frame
    once, here.
    """

    def __init__(self) -> None:
        self.began = 0.0
        self.pending = PendingRequests()
        self._number = 0  # of the last frame
        self._split = SplitSecrets()

    def __repr__(self) -> str:
        return f"<FrameMaker: {self._number} frames, {self.pending}>"

    def received(
        self, event: Mapping[str, Any] | None, raw: str | bytes, now: float, *, binary: bool = False, problem: str = ""
    ) -> Frame:
        """A message of the server, with the number of the frame of ours that it answers.

        What this context sends from here on, it sends because of this frame: listeners run in the reader.
        """
        self._number = number = self._number + 1
        # Before anybody is told of the frame: what listeners send because of it is linked to it.
        parent = self.pending.observe(number, _RECEIVED, event)
        clean = None
        if event is not None:
            set_cause_frame(self, number, event["type"])
            clean = self._split.without(event)
        size = len(raw) if isinstance(raw, bytes) else size_of(raw)
        at = _rounded(now - self.began)
        return Frame(number, at, _RECEIVED, event, size, "", problem, raw, parent, binary, clean)

    def sent(self, event: Mapping[str, Any] | None, raw: str | bytes, now: float, *, problem: str = "") -> Frame:
        """A message of ours, with the command or the frame of the server that led to it."""
        if event is not None and event.get("type") in _MAY_CARRY_SECRETS:
            add_event(event)  # before anybody can show it
        self._number = number = self._number + 1
        cause, led_here = current_cause(self)
        parent = self.pending.observe(number, _SENT, event, led_here)
        return Frame(number, _rounded(now - self.began), _SENT, event, size_of(raw), cause, problem, raw, parent)
