"""Which tools the session has: those the server confirmed, or was last asked for, and those of single responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rtcli.protocol.record import Connected, Connection, Frame
from rtcli.protocol.remember import remember
from rtcli.session.part import Part, moment, received, sent

_MAX_REMEMBERED = 256
"""Names that came with single responses."""


class DeclaredTools(Part):
    """Owns what was declared on the connection that is open, or was open last."""

    def __init__(self) -> None:
        self._confirmed: Sequence[Mapping[str, Any]] | None = None  # None: the server does not say
        self._requested: Sequence[Mapping[str, Any]] = ()
        self._of_responses: dict[str, None] = {}  # names of functions

    def __repr__(self) -> str:
        return f"<DeclaredTools: {len(self.tools)} tools>"

    @property
    def tools(self) -> Sequence[Mapping[str, Any]]:
        """The tools of the session, as the wire has them."""
        return self._requested if self._confirmed is None else self._confirmed

    def has_function(self, name: str) -> bool:
        """Whether the model can know a function of this name."""
        declared = (*(self._confirmed or ()), *self._requested)
        return name in self._of_responses or any(tool.get("name") == name for tool in declared)

    @received("session.created", "session.updated")
    def _on_session(self, event: Mapping[str, Any], _frame: Frame) -> None:
        if (tools := _tools_in(event.get("session"))) is not None:
            self._confirmed = tools

    @sent("session.update")
    def _on_session_update(self, event: Mapping[str, Any], _frame: Frame) -> None:
        if (tools := _tools_in(event.get("session"))) is not None:
            self._requested = tools

    @sent("response.create")
    def _on_response_create(self, event: Mapping[str, Any], _frame: Frame) -> None:
        for tool in _tools_in(event.get("response")) or ():
            remember(self._of_responses, str(tool.get("name")), None, _MAX_REMEMBERED)

    @moment(Connection)
    def _on_connection(self, record: Connection) -> None:
        if record.state is Connected.DIALING:
            self.__init__()  # type: ignore[misc]


def _tools_in(settings: Any) -> Sequence[Mapping[str, Any]] | None:
    tools = settings.get("tools") if isinstance(settings, Mapping) else None
    return [tool for tool in tools if isinstance(tool, Mapping)] if isinstance(tools, list) else None
