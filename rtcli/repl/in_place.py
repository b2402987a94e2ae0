"""The prompt as it stands on the screen, changed without being laid out again: that takes ten times as long.

Text streams past above a prompt whose line stays as it is. Keys, a resize, rows that come or go need its layout.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from prompt_toolkit.layout import Layout
from prompt_toolkit.layout.screen import Char

from rtcli.render.styles import STYLES, Color, Line, paint, plain
from rtcli.render.text import cells
from rtcli.repl.output import TerminalOutput

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.data_structures import Point, Size
    from prompt_toolkit.layout import AnyContainer, Window
    from prompt_toolkit.layout.screen import Screen
    from prompt_toolkit.output import Output


class PromptLayout(Layout):
    """A layout that knows its window `above` the line, of unfinished rows, and the one `below` it, of the toolbar."""

    def __init__(self, container: AnyContainer, line: Window, *, above: Window, below: Window) -> None:
        super().__init__(container, line)
        self.above, self.below = above, below


class _Place(NamedTuple):
    """Where on the screen the parts of the prompt are."""

    output: TerminalOutput
    screen: Screen
    cursor: Point
    bar: int | None  # the toolbar's row, None while a history search hides it


class InPlace:
    """The rows that the last drawing has put around the line, and what has become of them since.

    `rows` and `bar` say how the unfinished rows and the toolbar look now; the layout asks by `region` and `toolbar`.
    """

    def __init__(self, rows: Callable[[Size], list[Line]], output: Output, color: Color) -> None:
        self._ask_rows = rows
        self.bar: Callable[[], Line] = tuple
        self._output = output
        self._color = color
        self._size: Size | None = None  # None: nothing is drawn that could be changed
        self._rows: list[Line] = []
        self._bar: Line = ()
        self._painted: tuple[Screen | None, list[str]] = (None, [])  # the line's rows of that drawing

    def region(self) -> list[Line]:
        """The unfinished rows, for a drawing of the whole prompt."""
        self._size = self._output.get_size()
        self._rows = list(self._ask_rows(self._size))
        return list(self._rows)

    def toolbar(self) -> Line:
        """The toolbar, for a drawing of the whole prompt."""
        self._bar = self.bar()
        return self._bar

    @property
    def drawn_bar(self) -> Line:
        """The toolbar as it was drawn last."""
        return self._bar

    def forget(self) -> None:
        """Another program had the terminal: the prompt is to be drawn."""
        self._size = None

    def change(self, app: Application[Any]) -> bool:
        """Write the rows that differ from those on the screen. False: the prompt has to be drawn whole."""
        if (place := self._place(app)) is None or (changed := self._changes(place)) is None:
            return False
        if not changed:
            return True
        output, at = place.output, place.cursor.y
        with output.held():
            output.disable_autowrap()  # a terminal may have become narrower a moment ago
            output.write_raw("\r")
            for y, row in changed:
                (output.cursor_up if y < at else output.cursor_down)(abs(at - y))
                output.write_raw(f"{paint(row, self._color)}\x1b[K\r")
                at = y
            (output.cursor_up if place.cursor.y < at else output.cursor_down)(abs(at - place.cursor.y))
            output.cursor_forward(place.cursor.x)
            output.enable_autowrap()
        self._remember(place, changed)
        return True

    def commit(self, app: Application[Any], text: str) -> bool:
        """Write finished rows, each with its line break, and the prompt below them, with the rows around its line as
        they are now. False: the prompt has to be drawn whole."""
        if (place := self._place(app)) is None or (changed := self._changes(place)) is None:
            return False
        self._remember(place, changed)
        around = dict(enumerate(self._rows))
        if place.bar is not None:
            around[place.bar] = self._bar
        below = self._painted_rows(app, place, around.keys())
        rows = [paint(around[y], self._color) if y in around else row for y, row in enumerate(below)]
        output = place.output
        with output.held():
            output.hide_cursor()
            output.write_raw("\r")
            output.cursor_up(place.cursor.y)
            output.erase_down()
            output.write_raw(text)
            output.disable_autowrap()
            output.write_raw("\r\n".join(rows) + "\r")
            output.cursor_up(len(rows) - 1 - place.cursor.y)
            output.cursor_forward(place.cursor.x)
            output.enable_autowrap()
            if place.screen.show_cursor:
                output.show_cursor()
        return True

    def _place(self, app: Application[Any]) -> _Place | None:
        """Where things are, or None where they are not known to be as we have drawn them."""
        output, screen, layout = self._output, app.renderer.last_rendered_screen, app.layout
        if not isinstance(output, TerminalOutput) or not isinstance(layout, PromptLayout) or screen is None:
            return None
        # a drawing is to come anyway, or a menu may lie over the rows
        if app.invalidated or app.current_buffer.complete_state is not None or not app.is_running or app.is_done:
            return None
        if self._size is None or self._size != output.get_size():
            return None
        drawn = screen.visible_windows_to_write_positions
        above, below = drawn.get(layout.above), drawn.get(layout.below)
        if (above.height if above else 0) != len(self._rows) or (above and above.ypos):
            return None  # the terminal has not the room
        return _Place(
            output, screen, screen.get_cursor_position(layout.current_window), None if below is None else below.ypos
        )

    def _changes(self, place: _Place) -> list[tuple[int, Line]] | None:
        """The rows that look different now; None where rows come or go, or the columns of one are not known here."""
        assert self._size is not None  # there is a place
        rows = self._ask_rows(self._size)
        if len(rows) != len(self._rows):
            return None
        pairs = [(y, before, now) for y, (before, now) in enumerate(zip(self._rows, rows, strict=True))]
        if place.bar is not None:
            pairs.append((place.bar, self._bar, self.bar()))
        changed = [(y, before, now) for y, before, now in pairs if before != now]
        if not all(_is_narrow(before) and _is_narrow(now) for _, before, now in changed):
            return None
        return [(y, now) for y, _, now in changed]

    def _remember(self, place: _Place, changed: Iterable[tuple[int, Line]]) -> None:
        """The next drawing writes only what differs from these rows."""
        for y, row in changed:
            if y == place.bar:
                self._bar = row
            else:
                self._rows[y] = row
            known = place.screen.data_buffer[y]
            x = 0
            for style, text in row:
                words = STYLES[style].words(self._color)
                for character in text:
                    if (old := known[x]).char != character or old.style != words:
                        known[x] = Char(character, words)
                    x += 1
            for beyond in [column for column in known if column >= x]:
                del known[beyond]

    def _painted_rows(self, app: Application[Any], place: _Place, around: Container[int]) -> Sequence[str]:
        """The rows of the last drawing as the terminal takes them, without those around the line."""
        screen, rows = self._painted
        if screen is not place.screen:
            assert self._size is not None  # there is a place
            height = min(place.screen.height, self._size.rows)
            rows = ["" if y in around else _painted(app, place, y) for y in range(height)]
            self._painted = place.screen, rows
        return rows


def _is_narrow(row: Line) -> bool:
    text = plain(row)
    return cells(text) == len(text)


def _painted(app: Application[Any], place: _Place, y: int) -> str:
    """A row of a drawing, as prompt_toolkit would write it on an empty one."""
    row, looks = place.screen.data_buffer[y], app.renderer.style
    codes = {
        style: place.output.code(looks.get_attrs_for_style_str(style), app.color_depth)
        for style in {char.style for char in row.values()} | {""}
    }
    end = max((x for x, char in row.items() if char.char != " " or codes[char.style] != codes[""]), default=-1)
    pieces, x, code = [], 0, codes[""]
    while x <= end:
        char = row[x]
        if (own := codes.get(char.style, codes[""])) != code:
            pieces.append(own)
            code = own
        pieces.append(char.char)
        x += char.width or 1
    if code != codes[""]:
        pieces.append(codes[""])
    return "".join(pieces)
