"""Writes a command's result: views as text for people, or one JSON value."""

from __future__ import annotations

import os
import sys
from typing import Any

from rtcli.views import DisplaySettings, View


def show(*views: View) -> None:
    """Write views to stdout, coloured and fitted where that is a terminal."""
    from rtcli.terminal.capabilities import colour_of, width_of
    from rtcli.terminal.plain import PlainWriter
    from rtcli.terminal.sink import Sink

    writer = PlainWriter(
        Sink(sys.stdout),
        Sink(sys.stderr),
        DisplaySettings(),
        width=lambda: width_of(sys.stdout),
        out_colour=colour_of(sys.stdout, os.environ),
        err_colour=colour_of(sys.stderr, os.environ),
    )
    for view in views:
        writer.write(view)
    writer.close()


def show_json(value: Any) -> None:
    """Write one JSON value in one line, for programs."""
    from rtcli.protocol.events import encode
    from rtcli.terminal.sink import Sink

    Sink(sys.stdout).write(f"{encode(value)}\n")
