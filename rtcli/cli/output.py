"""Writes a command's result: views as text for users, or one JSON value."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from rtcli.errors import ExitCode, RtcliError
from rtcli.views import DisplaySettings

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from rtcli.render.styles import Color
    from rtcli.terminal.plain import PlainWriter
    from rtcli.terminal.sink import OnGone
    from rtcli.terminal.writer import Writer
    from rtcli.views import View


_UNLIMITED_WIDTH = 1000
"""Columns for what no terminal shows: lines that a program or `grep` reads are not folded."""


def show(*views: View) -> None:
    """Write views to stdout, colored and fitted where that is a terminal."""
    writer = plain_writer(DisplaySettings(), _theme())
    for view in views:
        writer.write(view)
    writer.close()


def _theme() -> str | None:
    """The theme of the settings; settings that cannot be read are for others to tell of."""
    from rtcli.config.settings import load_settings

    try:
        theme: str | None = load_settings().get("theme")
    except RtcliError:
        return None
    return theme


def color_for(stream: TextIO, theme: str | None) -> Color:
    """The colors for a stream of this process: what it can show, as the settings' theme wants it."""
    from rtcli.render.styles import themed
    from rtcli.terminal.capabilities import color_of

    return themed(color_of(stream, os.environ), theme)


class StdoutConsumer:
    """The reader of our stdout. `gone` is set when nothing can be written there any more.

    `problem` is None then if they have left, else the reason: output that was asked for is lost.
    """

    def __init__(self) -> None:
        import asyncio

        self.gone = asyncio.Event()
        self.problem: RtcliError | None = None

    def leave(self, problem: RtcliError | None) -> None:
        """Nothing more can be written."""
        # Before the event: who waits for that reads this next.
        self.problem = problem
        self.gone.set()

    async def while_reading(self, work: Coroutine[Any, Any, ExitCode]) -> ExitCode:
        """The code of this work; a reader that leaves ends it quietly, a full disk does not. Raises RtcliError."""
        import asyncio

        task, left = asyncio.ensure_future(work), asyncio.ensure_future(self.gone.wait())
        try:
            await asyncio.wait((task, left), return_when=asyncio.FIRST_COMPLETED)
            if self.problem is not None:
                raise self.problem
            return await task if task.done() else ExitCode.OK
        finally:
            for one in (task, left):
                one.cancel()
            await asyncio.gather(task, left, return_exceptions=True)


def raise_problem(problem: RtcliError | None) -> None:
    """For a command that has nothing to do but to write: raise what keeps it from that."""
    if problem is not None:
        raise problem


def plain_writer(
    display: DisplaySettings,
    theme: str | None,
    gone: OnGone = raise_problem,
    stdout: TextIO | None = None,
    *,
    speaker: str = "assistant",
) -> PlainWriter:
    """The writer for when no prompt is up; `gone` is told when stdout (the process's, if not given) takes nothing
    more. `speaker` is the role whose words go there."""
    from rtcli.terminal.capabilities import is_terminal, width_of
    from rtcli.terminal.plain import PlainWriter
    from rtcli.terminal.sink import Sink

    stdout = stdout or sys.stdout
    return PlainWriter(
        Sink(stdout, gone),
        Sink(sys.stderr),
        display,
        width=lambda: width_of(stdout) if is_terminal(stdout) else _UNLIMITED_WIDTH,
        out_color=color_for(stdout, theme),
        err_color=color_for(sys.stderr, theme),
        speaker=speaker,
    )


def view_writer(
    display: DisplaySettings,
    theme: str | None,
    gone: OnGone,
    *,
    json: bool,
    both: bool,
    stdout: TextIO | None = None,
    speaker: str = "assistant",
) -> Writer:
    """The writer for a whole session on `stdout`: text for users, or NDJSON of one or both directions."""
    stdout = stdout or sys.stdout
    if not json:
        return plain_writer(display, theme, gone, stdout, speaker=speaker)
    from rtcli.protocol.filters import parse_filter
    from rtcli.terminal.capabilities import is_terminal
    from rtcli.terminal.ndjson import NdjsonWriter
    from rtcli.terminal.sink import Sink

    return NdjsonWriter(
        Sink(stdout, gone),
        Sink(sys.stderr),
        both=both,
        terminal=is_terminal(stdout),
        wire_filter=parse_filter(display.filter),
    )


def show_json(value: Any) -> None:
    """Write one JSON value of ours in one line, for programs; secrets are masked."""
    from rtcli.masking import masked, masked_value
    from rtcli.protocol.events import encode
    from rtcli.terminal.sink import Sink

    Sink(sys.stdout, raise_problem).write(f"{masked(encode(masked_value(value)))}\n")
