"""The writer for a chat whose input or output is no terminal."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from rtcli.views import DisplaySettings

if TYPE_CHECKING:
    from rtcli.terminal.writer import Writer


def pipe_writer(display: DisplaySettings, *, json: bool, both: bool, gone: asyncio.Event) -> Writer:
    """Writes to stdout and stderr; `gone` is set when the reader of stdout goes away."""
    from rtcli.terminal.capabilities import colour_of, width_of
    from rtcli.terminal.ndjson import NdjsonWriter
    from rtcli.terminal.plain import PlainWriter
    from rtcli.terminal.sink import Sink

    out, err = Sink(sys.stdout, gone.set), Sink(sys.stderr)
    if json:
        from rtcli.protocol.wire_filter import parse_filter

        return NdjsonWriter(out, err, both=both, wanted=parse_filter(display.filter))
    return PlainWriter(
        out,
        err,
        display,
        width=lambda: width_of(sys.stdout),
        out_colour=colour_of(sys.stdout, os.environ),
        err_colour=colour_of(sys.stderr, os.environ),
    )
