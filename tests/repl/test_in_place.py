"""A prompt that is changed where it stands: the screen is as a drawing of the whole prompt would have left it."""

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
from rtcli.repl.in_place import InPlace
from rtcli.repl.output import TerminalOutput
from rtcli.repl.pastes import Pastes
from rtcli.repl.prompt import Prompt, build_prompt
from tests.kit.waiting import until


@dataclass
class Drawn:
    """A prompt with a line that is being typed, and the screen that it is drawn on."""

    app: Prompt
    in_place: InPlace
    rows: list[Line]
    bar: list[Line]
    written: io.StringIO
    keys: PipeInput
    color: Color

    def change(self, now: list[Line], bar: str = "the toolbar") -> bool:
        self.rows[:], self.bar[:] = now, [toolbar(bar)]
        return self.in_place.change(self.app)

    def commit(self, text: str, now: list[Line], bar: str = "the toolbar") -> bool:
        self.rows[:], self.bar[:] = now, [toolbar(bar)]
        return self.in_place.commit(self.app, text)

    async def draw(self, *, anew: bool = False) -> None:
        """A drawing of the whole prompt, of what differs or `anew` of everything."""
        counted = self.app.render_counter
        if anew:
            self.app.renderer.erase()
        self.app.invalidate()
        await until(lambda: self.app.render_counter > counted)

    def screen(self) -> pyte.Screen:
        screen = pyte.Screen(80, 24)
        pyte.Stream(screen).feed(self.written.getvalue())
        return screen


@asynccontextmanager
async def drawn(rows: list[Line], typed: str = "typed", color: Color = Color.MIDDLE) -> AsyncIterator[Drawn]:
    written, shown, bar = io.StringIO(), list(rows), [toolbar("the toolbar")]
    output = TerminalOutput(written, color=color)
    in_place = InPlace(lambda size: shown, output, color)
    in_place.bar = lambda: bar[0]
    with create_pipe_input() as keys:
        app = build_prompt(
            region=in_place.region,
            toolbar=in_place.toolbar,
            accept=lambda text: None,
            completer=LineCompleter(lambda text: tuple),
            history=InMemoryHistory(),
            keys=KeyBindings(),
            pastes=Pastes(),
            keyboard=keys,
            screen=output,
            color=color,
        )
        running = asyncio.ensure_future(app.run_async())
        await until(lambda: app.render_counter > 0)
        app.current_buffer.insert_text(typed)
        await until(lambda: not app.invalidated)
        try:
            yield Drawn(app, in_place, shown, bar, written, keys, color)
        finally:
            app.exit()
            await running


def toolbar(text: str) -> Line:
    return (Span("muted", text), Span("warning", " it warns"))


def row(text: str, label: str = "● ") -> Line:
    return (Span("assistant", label), Span("", text))


def lines(screen: pyte.Screen) -> list[str]:
    return [line.rstrip() for line in screen.display if line.strip()]


def looks(screen: pyte.Screen) -> list[list[tuple[str, str, bool]]]:
    """Characters, colors and weight; blanks have no look."""
    return [
        [(cell.data, cell.fg, cell.bold) if cell.data.strip() else (" ", "", False) for cell in row]
        for y in range(screen.lines)
        for row in [[screen.buffer[y][x] for x in range(screen.columns)]]
    ]


LONGER = [[row("one")], [row("one two")], [row("one two three", "○ ")]]
SHORTER = [[row("a long row"), row("another", "  ")], [row("a"), row("another", "  ")], [row("a"), row("", "  ")]]
COLORS = [Color.NONE, Color.SIXTEEN, Color.MIDDLE, Color.BRIGHT, Color.DEEP]


@pytest.mark.parametrize("states", [LONGER, SHORTER], ids=["longer", "shorter"])
async def test_rows_change_and_nothing_else_does(states: list[list[Line]]) -> None:
    """The typed line and the cursor stay; a whole drawing afterwards has nothing to add."""
    async with drawn(states[0]) as prompt:
        for number, rows in enumerate(states[1:]):
            assert prompt.change(list(rows), f"toolbar {number}")
            screen = prompt.screen()
            assert lines(screen) == [
                *(text for one in rows if (text := plain(one).rstrip())),
                "› typed",
                f"toolbar {number} it warns",
            ]
            assert (screen.cursor.x, screen.cursor.y) == (len("› typed"), len(rows))

        before, said = prompt.screen(), len(prompt.written.getvalue())
        await prompt.draw()

        assert looks(prompt.screen()) == looks(before)
        assert "typed" not in prompt.written.getvalue()[said:]


@pytest.mark.parametrize("typed", ["typed", "世界 " * 40, "two\nrows", "", "👩‍💻 e\u0301"])
@pytest.mark.parametrize("finished", [1, 30], ids=["a row", "more than a screen"])
async def test_finished_rows_leave_and_the_prompt_stands_below_them(typed: str, finished: int) -> None:
    """Whatever is typed; the prompt is as a drawing of it from nothing leaves it."""
    async with drawn([row("one")], typed) as prompt:
        above = [f"finished {number}" for number in range(finished)]
        assert prompt.commit("".join(f"{line}\r\n" for line in above), [row("two")], "another toolbar")
        screen = prompt.screen()
        shown = lines(screen)
        await prompt.draw(anew=True)

        at = shown.index("● two")
        assert shown[:at] == above[-at:] and shown[-1] == "another toolbar it warns"
        assert looks(prompt.screen()) == looks(screen)
        assert (screen.cursor.x, screen.cursor.y) == (prompt.screen().cursor.x, prompt.screen().cursor.y)


@pytest.mark.parametrize("color", COLORS)
async def test_what_is_changed_in_place_looks_as_it_is_drawn(color: Color) -> None:
    """With every palette: else a key would change the colors of the rows above it."""
    async with drawn([row("one")], color=color) as prompt:
        assert prompt.change([row("two", "○ ")], "another")
        changed = prompt.screen()
        await prompt.draw(anew=True)
        drawn_anew = prompt.screen()
        assert prompt.commit("", [row("two", "○ ")], "another")

        assert looks(changed) == looks(drawn_anew) == looks(prompt.screen())


async def test_a_history_search_has_no_toolbar() -> None:
    """Nothing is written in its place."""
    async with drawn([row("one")]) as prompt:
        prompt.keys.send_text("\x12")
        await until(lambda: prompt.app.layout.is_searching and not prompt.app.invalidated)

        assert prompt.change([row("two")], "changed")
        assert prompt.commit("finished\r\n", [row("three")], "changed again")
        shown = lines(prompt.screen())
        assert shown[:3] == ["finished", "● three", "› typed"] and "changed" not in "".join(shown)


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
        assert not prompt.commit("finished\r\n", now)
        assert prompt.written.getvalue() == said


async def test_a_drawing_that_is_to_come_is_waited_for() -> None:
    """It shows what a key has changed in the line as well."""
    async with drawn([row("one")]) as prompt:
        prompt.app.invalidate()

        assert not prompt.change([row("two")])
        assert not prompt.commit("finished\r\n", [row("two")])


async def test_after_another_program_the_prompt_is_drawn() -> None:
    """What stands on the screen is not known."""
    async with drawn([row("one")]) as prompt:
        prompt.in_place.forget()
        assert not prompt.change([row("two")])
        await prompt.draw()

        assert prompt.change([row("three")])
