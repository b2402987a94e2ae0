"""Unfinished rows that change where they stand: the screen is as a drawing of the whole prompt would have left it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pyte
import pytest
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.key_binding import KeyBindings

from rtcli.render.styles import Color, Line, Span, plain
from rtcli.repl.completer import LineCompleter
from rtcli.repl.in_place import change_rows
from rtcli.repl.output import TerminalOutput
from rtcli.repl.pastes import Pastes
from rtcli.repl.prompt import Prompt, build_prompt
from tests.kit.waiting import until


@dataclass
class Drawn:
    """A prompt with a line that is being typed, and the screen that it is drawn on."""

    app: Prompt
    rows: list[Line]
    written: io.StringIO
    keys: PipeInput

    def change(self, now: list[Line]) -> bool:
        before, self.rows[:] = list(self.rows), now
        return change_rows(self.app, before, now, Color.MIDDLE)

    async def draw(self) -> None:
        counted = self.app.render_counter
        self.app.invalidate()
        await until(lambda: self.app.render_counter > counted)

    def screen(self) -> pyte.Screen:
        screen = pyte.Screen(80, 24)
        pyte.Stream(screen).feed(self.written.getvalue())
        return screen


@asynccontextmanager
async def drawn(rows: list[Line]) -> AsyncIterator[Drawn]:
    written, shown = io.StringIO(), list(rows)
    with create_pipe_input() as keys:
        app = build_prompt(
            region=lambda: list(shown),
            toolbar=lambda: (Span("", "the toolbar"),),
            accept=lambda text: None,
            completer=LineCompleter(lambda text: tuple),
            history=InMemoryHistory(),
            keys=KeyBindings(),
            pastes=Pastes(),
            keyboard=keys,
            screen=TerminalOutput(written, color=Color.MIDDLE),
            color=Color.MIDDLE,
        )
        running = asyncio.ensure_future(app.run_async())
        keys.send_text("typed")
        await until(lambda: app.current_buffer.text == "typed" and not app.invalidated)
        try:
            yield Drawn(app, shown, written, keys)
        finally:
            app.exit()
            await running


def row(text: str, label: str = "● ") -> Line:
    return (Span("assistant", label), Span("", text))


def colors(screen: pyte.Screen, y: int) -> list[tuple[str, str, bool]]:
    return [(cell.data, cell.fg, cell.bold) for x in range(80) for cell in [screen.buffer[y][x]]]


LONGER = [[row("one")], [row("one two")], [row("one two three", "○ ")]]
SHORTER = [[row("a long row"), row("another", "  ")], [row("a"), row("another", "  ")], [row("a"), row("", "  ")]]


@pytest.mark.parametrize("states", [LONGER, SHORTER], ids=["longer", "shorter"])
async def test_rows_change_and_nothing_else_does(states: list[list[Line]]) -> None:
    """The typed line, the toolbar and the cursor stay; a whole drawing afterwards has nothing to add."""
    async with drawn(states[0]) as prompt:
        for rows in states[1:]:
            assert prompt.change(rows)
            screen = prompt.screen()
            assert [line.rstrip() for line in screen.display if line.strip()] == [
                *(text for one in rows if (text := plain(one).rstrip())),
                "› typed",
                "the toolbar",
            ]
            assert (screen.cursor.x, screen.cursor.y) == (len("› typed"), len(rows))

        before, said = prompt.screen(), len(prompt.written.getvalue())
        await prompt.draw()
        after = prompt.screen()

        assert [colors(before, y) for y in range(5)] == [colors(after, y) for y in range(5)]
        assert "typed" not in prompt.written.getvalue()[said:]


async def test_a_drawing_knows_what_was_changed() -> None:
    """Rows that are again what the drawing before it has drawn."""
    async with drawn([row("one")]) as prompt:
        assert prompt.change([row("two")])
        prompt.rows[:] = [row("one")]
        await prompt.draw()

        assert prompt.screen().display[0].rstrip() == "● one"


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ([row("one")], [row("one"), row("two", "  ")]),
        ([row("one")], []),
        ([row("one")], [row("世界")]),
        ([row("世界")], [row("one")]),
    ],
    ids=["one more", "one less", "wide", "no longer wide"],
)
async def test_other_changes_are_for_a_drawing(before: list[Line], now: list[Line]) -> None:
    """Rows that come or go move the line; of wide characters the columns are not known here."""
    async with drawn(before) as prompt:
        said = prompt.written.getvalue()

        assert not prompt.change(now)
        assert prompt.written.getvalue() == said


async def test_a_drawing_that_is_to_come_is_waited_for() -> None:
    """It shows what a key has changed in the line as well."""
    async with drawn([row("one")]) as prompt:
        prompt.app.invalidate()

        assert not prompt.change([row("two")])
