"""A twin of a session: fed from the lines that a recording would have, and equal to it at every point."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from rtcli.protocol.record import Frame, Record
from rtcli.protocol.record_lines import record_line
from rtcli.protocol.record_parsing import parse_record
from rtcli.session.session import RealtimeSession
from rtcli.session.state import SessionState
from tests.kit.reproduction import reproduced


def known(state: SessionState) -> dict[str, Any]:
    """What can be seen of a session at this moment."""
    last = state.log.records[-1] if len(state.log) else None
    return {
        "frames": len(state.log),
        "last": last and dataclasses.replace(last, raw=""),
        "why": [link.number for link in state.log.why(last.number)] if last else [],
        "failure": state.log.last_failure,
        "history": tuple(state.history),
        "session": state.session,
        "connection": state.connection,
        "metrics": (state.metrics.short(), state.metrics.usage, state.timeline.turns, state.metrics.limits),
        "heard": [state.audio.heard_ms(item.item_id, 0) for item in state.history],
        "received": [state.audio.received_ms(item.item_id, 0) for item in state.history],
        "texts": [
            state.transcripts.text(role, item.item_id, 0) for item in state.history for role in ("user", "assistant")
        ],
        "unheard": [state.transcripts.heard(item.item_id, 0) for item in state.history],
        "exit code": state.exit_code,
    }


class Twin:
    """Follows a live session. `records` and `lines` are what a recording of it would hold."""

    def __init__(self, session: RealtimeSession) -> None:
        self.state = SessionState()
        self.records: list[Record] = []
        self.lines: list[str] = []
        self._live = session.state
        self._difference: str | None = None  # a test must see it; the session would survive an exception here
        link = session._link
        self._before: Callable[[Record], None] | None = link.record
        link.record = self.observe

    def observe(self, record: Record) -> None:
        """One record, live; the twin reads it from its line."""
        if self._before is not None:
            self._before(record)
        line = record_line(record).decode()
        read = parse_record(line.encode())
        self.records.append(read)
        self.lines.append(line)
        if isinstance(record, Frame) and isinstance(read, Frame) and record.event is not None:
            read.size = record.size  # of a frame that a test made without its text
        self.state.log.max_event_bytes = self._live.log.max_event_bytes
        self.state.log.read_back = self._live.log.read_back
        self.state.observe(read)
        live, twin = known(self._live), known(self.state)
        if self._difference is None and twin != live:
            different = {name: (twin[name], live[name]) for name in live if twin[name] != live[name]}
            self._difference = f"after record {len(self.records)}, {line[:200]}: {different}"

    def check(self) -> None:
        """Raise AssertionError with the first difference between the session and its recording, if there was one, and
        where a core that is fed with the recording sends something else by itself."""
        assert self._difference is None, self._difference
        reproduced(self.records).check()
