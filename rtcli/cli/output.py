"""Writes a command's result: views as text for people, or one JSON value."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rtcli.views import DisplaySettings, View

if TYPE_CHECKING:
    from rtcli.terminal.plain import PlainWriter


_UNFOLDED = 1000
"""Columns for what no terminal shows: lines that a program or `grep` reads are not folded."""


def show(*views: View) -> None:
    """Write views to stdout, coloured and fitted where that is a terminal."""
    writer = plain_writer(DisplaySettings())
    for view in views:
        writer.write(view)
    writer.close()


def plain_writer(display: DisplaySettings, gone: Callable[[], None] | None = None) -> PlainWriter:
    """The writer for when no prompt is up; `gone` is called when the reader of stdout goes away."""
    from rtcli.terminal.capabilities import colour_of, is_terminal, width_of
    from rtcli.terminal.plain import PlainWriter
    from rtcli.terminal.sink import Sink

    return PlainWriter(
        Sink(sys.stdout, gone),
        Sink(sys.stderr),
        display,
        width=lambda: width_of(sys.stdout) if is_terminal(sys.stdout) else _UNFOLDED,
        out_colour=colour_of(sys.stdout, os.environ),
        err_colour=colour_of(sys.stderr, os.environ),
    )


def show_json(value: Any) -> None:
    """Write one JSON value in one line, for programs."""
    from rtcli.protocol.events import encode
    from rtcli.terminal.sink import Sink

    Sink(sys.stdout).write(f"{encode(value)}\n")
