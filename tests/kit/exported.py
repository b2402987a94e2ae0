"""Exports what a test told, and gives the bytes and what was said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from rtcli.protocol.record import Record
from rtcli.recording.export.source import Exported, Source, Write

STARTED = datetime(2026, 11, 26, 10, 0, 0, 250_000, tzinfo=UTC)


def export(
    exporter: Callable[[Source, Write], Exported], records: Iterable[Record], started: datetime | None = STARTED
) -> tuple[bytes, Exported]:
    """What an exporter makes of records."""
    kept, written = list(records), bytearray()
    source = Source(lambda: iter(kept), started, "the built-in server", "gpt-realtime-2.1", "0.1")
    exported = exporter(source, written.extend)
    return bytes(written), exported
