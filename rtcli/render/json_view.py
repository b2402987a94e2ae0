"""JSON, which rich colors: a value becomes painted lines."""

from __future__ import annotations

import json
from typing import Any

from rtcli.masking import masked
from rtcli.render.media import MediaElider
from rtcli.render.styles import STYLES, Color
from rtcli.render.text import one_line, visible_json
from rtcli.views import Json

_JSON_LOOKS = {
    "json.key": "accent",
    "json.str": "string",
    "json.number": "number",
    "json.bool_true": "number",
    "json.bool_false": "number",
    "json.null": "muted",
    "json.brace": "",
    "json.title": "muted",
}


def json_text(view: Json, summary: MediaElider) -> str:
    """The JSON of a value, indented; audio and images summarized unless it asks for all of it."""
    value: Any = view.value if view.full else summary.of(view.value)
    return visible_json(masked(json.dumps(value, indent=2, ensure_ascii=False, default=str)))


def json_lines(view: Json, summary: MediaElider, color: Color) -> list[str]:
    """A JSON value under its title, painted. Long lines stay whole: the terminal wraps them, and copies them whole."""
    import io

    from rich.console import Console
    from rich.highlighter import JSONHighlighter
    from rich.text import Text
    from rich.theme import Theme

    text = JSONHighlighter()(json_text(view, summary))
    if view.title:
        text = Text.assemble((one_line(view.title), "json.title"), "\n", text)

    theme = Theme({name: _rich_style(look, color) for name, look in _JSON_LOOKS.items()})
    console = Console(
        file=io.StringIO(),
        color_system=None if color is Color.NONE else "standard" if color is Color.SIXTEEN else "256",
        force_terminal=color is not Color.NONE,
        no_color=color is Color.NONE,
        legacy_windows=False,
        theme=theme,
        # ":smile:" and "[bold]" in a server's text are text
        emoji=False,
        markup=False,
        highlight=False,
    )
    with console.capture() as capture:
        # the terminal wraps it, so that a copied line is whole
        console.print(text, soft_wrap=True)
    return [line.rstrip() for line in capture.get().rstrip("\n").split("\n")]


def _rich_style(look: str, color: Color) -> str:
    style = STYLES[look]
    bold = "bold" if style.bold else "not bold"
    if style.tone is None or color is Color.NONE:
        return bold
    if color is not Color.SIXTEEN:
        return f"{bold} color({style.tone.code(color)})"
    return f"{bold} dim" if style.tone.basic is None else f"{bold} color({style.tone.basic - 30})"
