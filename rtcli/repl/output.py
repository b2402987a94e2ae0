"""The terminal as the prompt draws on it: one write for each change, rows found again after a resize."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Size
from prompt_toolkit.layout import Layout, Window
from prompt_toolkit.output import ColorDepth, Output, create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import Renderer
from prompt_toolkit.styles import Attrs

from rtcli.render.styles import Color
from rtcli.render.text import cells

_DEPTHS = {Color.NONE: ColorDepth.DEPTH_1_BIT, Color.SIXTEEN: ColorDepth.DEPTH_4_BIT}

# Terminals that wrap existing rows anew when they become narrower; the others cut them. Taking a terminal of the
# first kind for one of the second leaves a piece of an unfinished row behind; the reverse would erase finished text.
_REFLOWING = ("TMUX", "VTE_VERSION", "KITTY_WINDOW_ID", "WEZTERM_PANE", "ALACRITTY_WINDOW_ID", "WT_SESSION")
_REFLOWING_PROGRAMS = ("iTerm.app", "Apple_Terminal", "WezTerm", "ghostty", "vscode")
_CUTTING = ("XTERM_VERSION", "STY", "INSIDE_EMACS")
"""Of terminals that cut: they may run inside of one that reflows, and inherit its variables."""


class TerminalOutput(Vt100_Output):
    """A terminal whose writes can be held together, and that survives the terminal's end.

    The cursor's position is never asked for: the answers would come in among the keys, and after an early exit in the
    shell's. `reflow` says that the terminal wraps its rows anew on a resize. `on_gone` is called once when nothing can
    be written any more.
    """

    def __init__(
        self, stdout: TextIO, *, color: Color, reflow: bool = False, on_gone: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(
            stdout,
            lambda: _size_of(stdout),
            term=os.environ.get("TERM"),
            default_color_depth=_DEPTHS.get(color, ColorDepth.DEPTH_8_BIT),
            enable_cpr=False,
        )
        self._held = 0  # how many hold its writes together
        self._held_size: Size | None = None  # as it was when that was asked first
        self._gone = False
        self._reflow = reflow
        self.on_gone = on_gone

    @contextmanager
    def held(self) -> Iterator[None]:
        """Everything written inside leaves in one write at the end: no half-drawn state is ever to be seen.

        Inside, the size is asked once: drawing the prompt wants to know it fifty times, which took a tenth of its time.
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                self._held_size = None
            self.flush()

    def get_size(self) -> Size:
        """Rows and columns as they are now, or were when the current drawing began."""
        if not self._held:
            return super().get_size()
        if self._held_size is None:
            self._held_size = super().get_size()
        return self._held_size

    def erase_down(self) -> None:
        """Erase from the start of this row to the end of the screen.

        In two steps, the second from the next column on: tmux takes an erasure that begins in the upper left corner
        for a cleared screen, and keeps what was on it, our prompt, in the scrollback.
        """
        self.write_raw("\x1b[2K\x1b[C\x1b[J\x1b[D")

    def code(self, attrs: Attrs, depth: ColorDepth) -> str:
        """The escape code that a look begins with."""
        return self._escape_code_caches[depth][attrs]

    def disable_autowrap(self) -> None:
        """Keep wrapping where the terminal reflows: rows for the old width that it reads only after it has become
        narrower have to wrap as those that it had, or we would count too many rows and erase what is above ours."""
        if not self._reflow:
            super().disable_autowrap()

    def flush(self) -> None:
        """Bring out what was written, unless it is held or the terminal is gone."""
        if self._held:
            return
        if self._gone:
            self._buffer.clear()
            return
        try:
            super().flush()
        except OSError:
            self._gone = True
            self._buffer.clear()
            self.on_gone()


def terminal_output(stdout: TextIO, color: Color, *, reflow: bool) -> Output:
    """The output for a terminal on this system."""
    return create_output(stdout) if sys.platform == "win32" else TerminalOutput(stdout, color=color, reflow=reflow)


@contextmanager
def one_write(output: Output) -> Iterator[None]:
    """Hold an output's writes together, where it can do that."""
    if isinstance(output, TerminalOutput):
        with output.held():
            yield
    else:
        yield
        output.flush()


def _size_of(stdout: TextIO) -> Size:
    try:
        size = os.get_terminal_size(stdout.fileno())
    except (OSError, ValueError):
        return Size(rows=24, columns=80)
    return Size(rows=size.lines or 24, columns=size.columns or 80)


def reflows(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is one that wraps its rows anew on a resize."""
    in_tmux = environ.get("TMUX") and environ.get("TERM", "").startswith(("tmux", "screen"))
    if any(environ.get(name) for name in (("STY",) if in_tmux else _CUTTING)):
        return False
    known = any(environ.get(name) for name in _REFLOWING)
    return known or environ.get("TERM_PROGRAM") in _REFLOWING_PROGRAMS


class OneWriteRenderer(Renderer):
    """Draws for one size of the terminal, and in one write."""

    def render(self, app: Application[object], layout: Layout, is_done: bool = False) -> None:
        """Draw what has changed."""
        with one_write(self.output):
            super().render(app, layout, is_done=is_done)


class ReflowRenderer(OneWriteRenderer):
    """Erases the whole prompt even after a narrower terminal has wrapped its rows."""

    _drawn_columns = 0
    _window: Window | None = None

    def render(self, app: Application[object], layout: Layout, is_done: bool = False) -> None:
        """Draw, and remember for which width."""
        columns = self.output.get_size().columns
        if columns < self._drawn_columns:  # the signal of the resize comes later
            self.erase(leave_alternate_screen=False)
        self._drawn_columns = columns
        self._window = layout.current_window
        super().render(app, layout, is_done=is_done)

    def erase(self, leave_alternate_screen: bool = True) -> None:
        """Go up over the rows that wrapping added above the cursor, then erase as ever."""
        columns = self.output.get_size().columns
        if 0 < columns < self._drawn_columns:
            self.output.cursor_up(self._rows_added(columns))
        super().erase(leave_alternate_screen)

    def _rows_added(self, columns: int) -> int:
        screen = self.last_rendered_screen
        if screen is None or self._window is None:
            return 0
        cursor = screen.get_cursor_position(self._window)
        added = 0
        for y in range(cursor.y + 1):
            row = screen.data_buffer[y]
            filled = cells("".join(row[x].char for x in range(max(row, default=-1) + 1)).rstrip())
            if y == cursor.y:  # of the cursor's own row, only what is before the cursor pushes it down
                filled = min(filled, cursor.x + 1)
            added += max(filled - 1, 0) // columns
        return added
