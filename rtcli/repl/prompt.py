"""The prompt as one application that runs from the first paint to the end: what is above, the line, the toolbar."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from prompt_toolkit.application import Application, get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig
from prompt_toolkit.enums import DEFAULT_BUFFER, EditingMode
from prompt_toolkit.filters import Condition, has_focus, is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Float,
    FloatContainer,
    FormattedTextControl,
    HSplit,
    Window,
)
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import AppendAutoSuggestion, HighlightIncrementalSearchProcessor
from prompt_toolkit.output import Output
from prompt_toolkit.widgets import SearchToolbar

from rtcli.errors import ExitCode
from rtcli.masking import add_typed
from rtcli.protocol.events import read_json
from rtcli.render.styles import STYLES, Color, Line, Span
from rtcli.repl.in_place import PromptLayout
from rtcli.repl.keys import ESCAPE_SECONDS
from rtcli.repl.output import OneWriteRenderer, ReflowRenderer
from rtcli.repl.pastes import PasteLabels, Pastes, paste_bindings

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completer

Prompt: TypeAlias = Application[ExitCode]

_FIRST, _NEXT = (Span("you", "› "),), (Span("", "  "),)  # in front of the first row, and of those that follow
_MENU_ROWS = 8


def build_prompt(
    *,
    region: Callable[[], list[Line]],
    toolbar: Callable[[], Line],
    accept: Callable[[str], None],
    completer: Completer,
    history: History,
    keys: KeyBindings,
    pastes: Pastes,
    keyboard: Input | None = None,
    screen: Output | None = None,
    color: Color = Color.MIDDLE,
    reflow: bool = False,
    vi: bool = False,
) -> Prompt:
    """The application; `accept` gets each line that is sent, with its `pastes` folded; the application goes on.

    `reflow` says that the terminal wraps its rows anew when it becomes narrower, `vi` that the line is edited as in vi.
    """
    buffer = _input_buffer(accept, completer, history, pastes)
    app: Prompt = Application(
        layout=_layout(buffer, PasteLabels(pastes), region, toolbar, color),
        key_bindings=merge_key_bindings([load_auto_suggest_bindings(), paste_bindings(pastes), keys]),
        # what stays in the scrollback is written by the writer, not left over from the layout
        erase_when_done=True,
        include_default_pygments_style=False,
        input=keyboard,
        output=screen,
        editing_mode=EditingMode.VI if vi else EditingMode.EMACS,
        cursor=ModalCursorShapeConfig() if vi else None,
    )
    # how long a lone Esc waits for more: it has to stop an answer at once
    app.ttimeoutlen = ESCAPE_SECONDS
    renderer = ReflowRenderer if reflow else OneWriteRenderer
    app.renderer = renderer(app.renderer.style, app.output)
    return app


def fragments(lines: list[Line], color: Color) -> StyleAndTextTuples:
    """Styled lines in the words of the prompt's library."""
    out: StyleAndTextTuples = []
    for index, line in enumerate(lines):
        if index:
            out.append(("", "\n"))
        out += [(STYLES[style].words(color), text) for style, text in line]
    return out


class _InputBuffer(Buffer):
    """The line that is typed. One with a large paste is not kept in the history."""

    def __init__(self, pastes: Pastes, **options: Any) -> None:
        self._pastes = pastes
        super().__init__(**options)

    def append_to_history(self) -> None:
        """Keep the line, unless it is large; it was sent, or given up."""
        if not self._pastes.are_in(self.text):
            super().append_to_history()
            return
        if (text := self._pastes.unfold(self.text)).lstrip().startswith(("/", "{")):
            add_typed(text)  # as the history does for what it keeps
        self._pastes.forget()


def _input_buffer(
    accept: Callable[[str], None], completer: Completer, history: History, pastes: Pastes
) -> _InputBuffer:
    def handle(buffer: Buffer) -> bool:
        accept(buffer.text)
        return False  # the line is taken: begin a new one

    buffer = _InputBuffer(
        pastes,
        name=DEFAULT_BUFFER,
        # pasted text has lines; whether Enter sends is decided by its binding
        multiline=True,
        completer=completer,
        # a message is nothing to complete, and a menu over it is in the way
        complete_while_typing=Condition(lambda: buffer.text[:1] in ("/", "{") or "@" in buffer.text),
        history=history,
        auto_suggest=AutoSuggestFromHistory(),
        accept_handler=handle,
        tempfile_suffix=".txt",  # for the editor of Ctrl+X Ctrl+E
    )
    return buffer


def _layout(
    buffer: Buffer,
    labels: PasteLabels,
    region: Callable[[], list[Line]],
    toolbar: Callable[[], Line],
    color: Color,
) -> PromptLayout:
    search = SearchToolbar()
    region = _once_a_drawing(region)
    line = Window(
        BufferControl(
            buffer,
            input_processors=[HighlightIncrementalSearchProcessor(), AppendAutoSuggestion(), labels],
            search_buffer_control=search.control,
            preview_search=True,
        ),
        height=lambda: _input_height(buffer),
        get_line_prefix=lambda line, wrapped: fragments([_FIRST if line == wrapped == 0 else _NEXT], color),
        wrap_lines=True,
        dont_extend_height=True,
    )
    menu = Float(CompletionsMenu(max_height=_MENU_ROWS, scroll_offset=1), xcursor=True, ycursor=True, transparent=True)
    above = Window(FormattedTextControl(lambda: fragments(region(), color)), dont_extend_height=True)
    below = Window(FormattedTextControl(lambda: fragments([toolbar()], color)), height=1, dont_extend_height=True)
    body = HSplit(
        [
            ConditionalContainer(above, Condition(lambda: bool(region()))),
            FloatContainer(line, [menu]),
            search,
            ConditionalContainer(below, ~is_done & ~has_focus(search.control) & _room_below),
        ]
    )
    return PromptLayout(body, line, above=above, below=below)


@Condition
def _room_below() -> bool:
    """In a terminal of one row that row is the line's."""
    return get_app().output.get_size().rows > 1


def _once_a_drawing(rows: Callable[[], list[Line]]) -> Callable[[], list[Line]]:
    """The same rows however often one drawing asks for them."""
    drawn, kept = -1, list[Line]()

    def once() -> list[Line]:
        nonlocal drawn, kept
        if drawn != (now := get_app().render_counter):
            drawn, kept = now, rows()
        return kept

    return once


def _input_height(buffer: Buffer) -> Dimension:
    """At most half of the screen, so that the conversation stays in sight; room for the menu only while it is open."""
    menu = len(buffer.complete_state.completions) if buffer.complete_state else 0
    rows = get_app().output.get_size().rows
    # one row is the toolbar's; asked for more rows than there are, the library shows none of the prompt
    min_rows = max(min(1 + min(menu, _MENU_ROWS), rows - 1), 1)
    return Dimension(min=min_rows, max=max(rows // 2, min_rows))


def unfinished(text: str) -> bool:
    """Whether Enter should add a line: JSON that was begun and not ended, unless its last line is empty."""
    if not text.lstrip().startswith("{") or text.endswith("\n"):
        return False
    try:
        read_json(text)
    except json.JSONDecodeError as error:
        # an error before the end is a mistake, which more lines will not mend
        return error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
    except ValueError:  # nested too deeply, or a number beyond all bounds: Enter shows what is wrong
        return False
    return False
