"""The ids of the function calls of a session, as far back as anybody may ask for them."""

from __future__ import annotations

from rtcli.protocol.payloads import FunctionCall
from rtcli.protocol.remember import remember

_MAX_REMEMBERED = 4096


class FunctionCalls:
    """Tells new calls from those that were handed on already; bounded, the oldest are forgotten first."""

    def __init__(self) -> None:
        self.call_ids: dict[str, str] = {}  # by item_id: the items of a history do not carry it
        self._handed_on: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._handed_on)

    def is_new(self, call: FunctionCall) -> bool:
        """Whether this call comes for the first time: it may be reported completed twice (item added, item done)."""
        # Some servers give no call_id; the item's id tells calls apart as well.
        name = call.call_id or call.id
        if name and name in self._handed_on:
            return False
        if name:
            remember(self._handed_on, name, None, _MAX_REMEMBERED)
        if call.id:
            remember(self.call_ids, call.id, call.call_id, _MAX_REMEMBERED)
        return True

    def forget_connection(self) -> None:
        """Another connection may hand on the same ids again."""
        self._handed_on.clear()
