"""Unfinished rows above the line, changed where they stand: drawing the whole prompt takes ten times as long."""

from __future__ import annotations

from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.layout.screen import Char, Screen

from rtcli.render.styles import STYLES, Color, Line, paint, plain
from rtcli.render.text import cells
from rtcli.repl.output import TerminalOutput


def change_rows(app: Application[Any], before: list[Line], now: list[Line], color: Color) -> bool:
    """Write the rows that differ over those of the last drawing, and into what the prompt remembers of it.

    Both stand at the top of the prompt, and none is wider than the terminal. False: the prompt has to be drawn whole.
    """
    output, screen = app.output, app.renderer.last_rendered_screen
    if not isinstance(output, TerminalOutput) or screen is None or len(before) != len(now):
        return False
    # a drawing is to come anyway, or a menu may lie over the rows
    if app.invalidated or app.current_buffer.complete_state is not None or not app.is_running or app.is_done:
        return False
    changed = [y for y, row in enumerate(now) if row != before[y]]
    if any(not _is_narrow(before[y]) or not _is_narrow(now[y]) for y in changed):
        return False
    if not changed:
        return True
    cursor = screen.get_cursor_position(app.layout.current_window)
    with output.held():
        at = cursor.y
        output.disable_autowrap()  # a terminal may have become narrower a moment ago
        output.write_raw("\r")
        for y in changed:
            (output.cursor_up if y < at else output.cursor_down)(abs(at - y))
            output.write_raw(f"{paint(now[y], color)}\x1b[K\r")
            _remember(screen, y, now[y], color)
            at = y
        output.cursor_down(cursor.y - at)
        output.cursor_forward(cursor.x)
        output.enable_autowrap()
    return True


def _is_narrow(row: Line) -> bool:
    text = plain(row)
    return cells(text) == len(text)


def _remember(screen: Screen, y: int, row: Line, color: Color) -> None:
    known = screen.data_buffer[y]
    x = 0
    for style, text in row:
        words = STYLES[style].words(color)
        for character in text:
            if (old := known[x]).char != character or old.style != words:
                known[x] = Char(character, words)
            x += 1
    for beyond in [column for column in known if column >= x]:
        del known[beyond]
