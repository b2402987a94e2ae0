"""The writer for a chat whose input or output is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from rtcli.cli.output import plain_writer
from rtcli.views import DisplaySettings

if TYPE_CHECKING:
    from rtcli.terminal.writer import Writer


def pipe_writer(display: DisplaySettings, *, json: bool, both: bool, gone: Callable[[], None]) -> Writer:
    """Writes to stdout and stderr; `gone` is called when the reader of stdout goes away."""
    if not json:
        return plain_writer(display, gone)
    from rtcli.protocol.wire_filter import parse_filter
    from rtcli.terminal.ndjson import NdjsonWriter
    from rtcli.terminal.sink import Sink

    return NdjsonWriter(Sink(sys.stdout, gone), Sink(sys.stderr), both=both, wanted=parse_filter(display.filter))
