"""Report pages for tests: made of records, and read back without a browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from rtcli.cli.report_page import describer
from rtcli.protocol.record import Record
from rtcli.recording.header import Header
from rtcli.recording.report.audio import AudioKind
from rtcli.recording.report.page import page, read_session

HEADER = Header(datetime(2026, 11, 26, 15, 4, 5, tzinfo=UTC), "chat", "the built-in server", "gpt-realtime-2.1", "1.0")


def page_of(
    records: Iterable[Record], audio: AudioKind = AudioKind.COMPACT, *, header: Header | None = HEADER, name: str = "x"
) -> str:
    """The page of a session."""
    session = read_session(name, header, records, describer())
    return b"".join(page(session, audio, lambda _model, _usage: None, "1.0")).decode()


def data_of(html: str, name: str) -> Any:
    """What a data element holds: a JSON value, or bytes."""
    found = re.search(rf'<script type="([\w/-]+)" id="{name}">([^<]*)</script>', html)
    assert found is not None, name
    if found[1] == "application/json":
        return json.loads(found[2])
    data = base64.b64decode(found[2])
    return gzip.decompress(data) if found[1] == "application/gzip" else data


def texts_of(html: str) -> list[str]:
    """The text of each event."""
    chunks = sorted({int(number) for number in re.findall(r'id="events-(\d+)"', html)})
    return [line for chunk in chunks for line in data_of(html, f"events-{chunk}").decode().split("\n")]
