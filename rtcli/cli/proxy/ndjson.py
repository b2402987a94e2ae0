"""The lines of `rtcli proxy` in a pipe: those of a recording, each with the number of its connection, unmasked."""

from __future__ import annotations

from collections.abc import Iterable

from rtcli.protocol.filters import WireFilter
from rtcli.protocol.record import Frame
from rtcli.protocol.record_lines import record_line
from rtcli.proxy.watch import Seen


def lines(seen: Iterable[Seen], wire_filter: WireFilter) -> bytes:
    """The lines of what has passed; a filter leaves frames out."""
    return b"".join(
        _line(None if watched is None else watched.link.number, record_line(record))
        for watched, record, _views in seen
        if not isinstance(record, Frame) or not wire_filter.tests or wire_filter.matches(record)
    )


def _line(number: int | None, line: bytes) -> bytes:
    return line + b"\n" if number is None else b'{"conn":%d,%b\n' % (number, line[1:])
