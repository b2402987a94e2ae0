"""Tables and JSON, which rich lays out: a view becomes a renderable, a renderable becomes lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rtcli.render.media import Summary
from rtcli.render.styles import STYLES, Colour
from rtcli.render.text import one_line, redacted, visible, visible_json
from rtcli.views import Json, Table

if TYPE_CHECKING:
    from rich.console import RenderableType

_JSON_LOOKS = {
    "json.key": "accent",
    "json.str": "string",
    "json.number": "number",
    "json.bool_true": "number",
    "json.bool_false": "number",
    "json.null": "muted",
    "json.brace": "",
    "table.header": "bold",
    "table.title": "muted",
}


def json_text(view: Json, summary: Summary) -> str:
    """The JSON of a value, indented; sound and images summarised unless it asks for all of it."""
    value: Any = view.value if view.full else summary.of(view.value)
    return redacted(visible_json(json.dumps(value, indent=2, ensure_ascii=False, default=str)))


def json_block(view: Json, summary: Summary) -> RenderableType:
    """A JSON value with its title, coloured."""
    from rich.highlighter import JSONHighlighter
    from rich.text import Text

    text = JSONHighlighter()(json_text(view, summary))
    return Text.assemble((one_line(view.title), "table.title"), "\n", text) if view.title else text


def table_block(view: Table) -> RenderableType:
    """A table that fits any width: cells fold, columns keep their order."""
    from rich.table import Table as Grid

    grid = Grid(
        box=None, pad_edge=False, title=one_line(view.title) or None, title_justify="left", padding=(0, 2, 0, 0)
    )
    for column in view.columns:
        grid.add_column(_cell(column), overflow="fold")
    for cells in view.rows:
        grid.add_row(*(_cell(cell) for cell in cells))
    return grid


def _cell(text: str) -> RenderableType:
    from rich.text import Text

    return Text(redacted(visible(text)))


def lines_of(renderable: RenderableType, width: int, colour: Colour, *, wrapped: bool = True) -> list[str]:
    """A renderable as painted lines, without the white space at their ends.

    What is to be copied (JSON) is not `wrapped`: the terminal does that, and copies it back as one line.
    """
    import io

    from rich.console import Console
    from rich.theme import Theme

    theme = Theme({name: _rich_style(look, colour) for name, look in _JSON_LOOKS.items()})
    console = Console(
        file=io.StringIO(),
        width=max(width, 1),
        color_system=None if colour is Colour.NONE else "standard" if colour is Colour.SIXTEEN else "256",
        force_terminal=colour is not Colour.NONE,
        no_color=colour is Colour.NONE,
        legacy_windows=False,
        theme=theme,
        emoji=False,
        markup=False,
        highlight=False,
    )
    with console.capture() as capture:
        console.print(renderable, soft_wrap=not wrapped)
    return [line.rstrip() for line in capture.get().rstrip("\n").split("\n")]


def _rich_style(look: str, colour: Colour) -> str:
    style = STYLES[look]
    bold = "bold" if style.bold else "not bold"
    if style.tone is None or colour is Colour.NONE:
        return bold
    if colour is not Colour.SIXTEEN:
        return f"{bold} color({style.tone.code(colour)})"
    return f"{bold} dim" if style.tone.basic is None else f"{bold} color({style.tone.basic - 30})"
