"""The writer for a chat whose input or output is not a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rtcli.cli.output import plain_writer

if TYPE_CHECKING:
    from rtcli.cli.chat.options import ChatOptions
    from rtcli.terminal.sink import OnGone
    from rtcli.terminal.writer import Writer


def pipe_writer(options: ChatOptions, gone: OnGone) -> Writer:
    """Writes to stdout and stderr; `gone` is told when stdout takes nothing more."""
    if not options.json:
        return plain_writer(options.display, options.settings.get("theme"), gone, options.streams.stdout)
    from rtcli.protocol.filters import parse_filter
    from rtcli.terminal.capabilities import is_terminal
    from rtcli.terminal.ndjson import NdjsonWriter
    from rtcli.terminal.sink import Sink

    return NdjsonWriter(
        Sink(options.streams.stdout, gone),
        Sink(sys.stderr),
        both=options.both,
        terminal=is_terminal(options.streams.stdout),
        wire_filter=parse_filter(options.display.filter),
    )
