"""The one writer while a prompt is up: finished rows go above it, unfinished ones live in its layout.

Deltas are collected and shown by one timer. Full rows leave in a single write together with the prompt that is
drawn again below them: there is no moment in which typed keys would be echoed or a half-drawn prompt be seen, which
is what handing the terminal over and taking it back twenty times a second would cost.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from prompt_toolkit.application.current import set_app
from prompt_toolkit.data_structures import Size
from prompt_toolkit.output import Output

from rtcli.masking import masked
from rtcli.render.styles import Color, Line, Span, paint
from rtcli.render.text import visible
from rtcli.repl.in_place import InPlace
from rtcli.repl.output import one_write
from rtcli.repl.rows import RowQueue
from rtcli.views import DisplaySettings, Notice

if TYPE_CHECKING:
    from prompt_toolkit.application import Application

    from rtcli.protocol.record import Frame
    from rtcli.render.presenter import Presenter
    from rtcli.render.speech import SpeechTexts
    from rtcli.views import Chart, Labeled, SpeechDelta, SpeechDone, View

PERIOD = 0.05
"""Seconds between two changes of the screen."""

ASIDE_SECONDS = 0.005
"""So long a change of the screen waits for a drawing that a key has asked for."""

REGION_ROWS = 4
"""Rows above the input line that unfinished text may take."""

CHART_PERIOD = 0.25
"""Seconds between two drawings of a chart of something that goes on."""

MAX_ROWS = 1000
"""Rows of the event view in one change; what is beyond is counted (and stays in the session's log)."""

STEP_ROWS = 500
"""Rows in one turn of the loop, at least: keys are answered before the next ones."""

FIRST_ROWS, MIN_ROWS = 64, 8
"""Rows in the first turn, when nobody knows how fast the terminal takes them, and in one of the slowest terminal."""

SLOW_SECONDS = 0.25
"""A terminal that takes longer for one change gets fewer rows in the next: no key is answered meanwhile."""

MAX_WAITING = 8 * 2**20
"""Characters that may wait to be shown; a server that sends faster than that has the prompt wait."""


class LiveWriter:
    """Collects views on the event loop's thread and shows them at most twenty times a second."""

    def __init__(self, display: DisplaySettings, output: Output, color: Color) -> None:
        self.output = output
        self.color = color
        self._display = display
        self._rows = RowQueue()
        self._frame_rows = 0  # of the event view that wait
        self._left_out = 0
        self._most = FIRST_ROWS  # rows in the next turn, as fast as the terminal has taken the last ones
        self._begun = False
        self._app: Application[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._shown_at = 0.0
        self._stepped_aside = False
        self._in_place = InPlace(self._unfinished, output, color)
        self._paused = 0
        self._chart: Chart | None = None  # of something that goes on: drawn above the prompt until it is over
        self._chart_timer: asyncio.TimerHandle | None = None
        self.lend: Callable[[], AbstractContextManager[None]] = nullcontext  # gives a child process the terminal

    def __repr__(self) -> str:
        state = "paused" if self._paused else "at a prompt" if self._prompting else "without a prompt"
        return f"<LiveWriter {state}, {self._rows}>"

    # What turns views into rows is loaded after the first paint of a prompt, which needs none of it.

    @cached_property
    def _presenter(self) -> Presenter:
        from rtcli.render.presenter import Presenter
        from rtcli.render.preview import graphics_of

        colored = self.color not in (Color.NONE, Color.SIXTEEN)
        return Presenter(self._display, self.color, graphics_of(os.environ, colored=colored))

    @cached_property
    def _texts(self) -> SpeechTexts:
        from rtcli.render.speech import SpeechTexts

        return SpeechTexts()

    def attach(self, app: Application[Any], bar: Callable[[], Line] = tuple) -> None:
        """From now on there is a prompt, drawn by this application; its toolbar is now as `bar` says."""
        self._app, self._in_place.bar = app, bar

    @property
    def width(self) -> int:
        """Columns for a row: one less than there are, so that no row wraps by itself."""
        return max(self.output.get_size().columns - 1, 1)

    def write(self, view: View) -> None:
        """Take a view; the timer shows it."""
        self._begun = True
        # of one session among several, its frames are rows like any
        show = _ways().get(type(getattr(view, "view", view)), LiveWriter._other)
        show(self, view)
        # A microphone makes fifty frames a second, and painting the prompt for what nobody sees is most of its cost.
        quiet = show is LiveWriter._record
        if self._rows or self._left_out or not (quiet and self._display.events != "summary"):
            self._arm()

    def echo(self, text: str) -> None:
        """A line that the user has sent, as it stays in the scrollback."""
        first, *more = visible(masked(text)).split("\n")
        rows: list[Line] = [(Span("you", "› "), Span("", first))]
        rows += [(Span("", f"  {line}"),) for line in more]
        self._add([paint(row, self.color) for row in rows])
        self._arm()

    def region(self) -> list[Line]:
        """The unfinished rows, for a drawing of the whole prompt."""
        return self._in_place.region()

    def toolbar(self) -> Line:
        """The toolbar, for a drawing of the whole prompt."""
        return self._in_place.toolbar()

    @property
    def drawn_toolbar(self) -> Line:
        """The toolbar as it stands on the screen."""
        return self._in_place.drawn_bar

    def refresh(self) -> None:
        """Something of what stands there has changed, such as the toolbar."""
        self._arm()

    def _unfinished(self, size: Size) -> list[Line]:
        """Text that is being made, then streams of the event view."""
        if not self._begun:
            return []
        width, room = max(size.columns - 1, 1), min(REGION_ROWS, max(size.rows - 3, 0))
        tails = self._texts.tails(width)[-room:] if room else []
        left = room - len(tails)
        rows = tails + (self._presenter.open_rows(width)[-left:] if left else [])
        return self._chart_rows(width, max(size.rows - 3, 0) - len(rows)) + rows

    def _chart_rows(self, width: int, room: int) -> list[Line]:
        if self._chart is None or room <= 0:
            return []
        from rtcli.render.charts import chart_rows

        return chart_rows(self._chart, width)[:room]

    def _draw(self, chart: Chart) -> None:
        """A chart of something that goes on stays above the prompt; what was drawn there before is finished."""
        self.finish_chart()
        if chart.again is None or not self._prompting:
            self._other(chart)
        else:
            self._chart = chart
            self._chart_timer = asyncio.get_running_loop().call_later(CHART_PERIOD, self._redraw_chart)

    def _redraw_chart(self) -> None:
        if self._chart is None or self._chart.again is None:
            return
        self._chart = self._chart.again()
        if self._chart.again is None:
            self.finish_chart()
        else:
            self._chart_timer = asyncio.get_running_loop().call_later(CHART_PERIOD, self._redraw_chart)
        self._arm()

    def finish_chart(self) -> bool:
        """The chart as it stands goes into the scrollback; False where none is drawn."""
        chart, self._chart = self._chart, None
        if self._chart_timer is not None:
            self._chart_timer.cancel()
        if chart is None:
            return False
        self._other(chart)
        self._arm()
        return True

    def flush(self) -> None:
        """Show everything now."""
        while self._step():
            pass

    def close(self) -> None:
        """Finish what is open and show it. The prompt may be gone already."""
        self.finish_chart()
        self._add([paint(row, self.color) for row in self._texts.abandon(self.width)])
        self._add(self._presenter.close(self.width))
        self._paused = 0
        self.flush()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While another program has the terminal (an editor), nothing is written; it all comes afterwards."""
        self._paused += 1
        try:
            with self.lend():
                yield
        finally:
            self._paused = max(self._paused - 1, 0)
            self._in_place.forget()
            self._arm()

    @property
    def is_paused(self) -> bool:
        """Another program has the terminal."""
        return self._paused > 0

    def _delta(self, delta: SpeechDelta) -> None:
        self._texts.append(delta)

    def _done(self, done: SpeechDone) -> None:
        rows = self._texts.finish(done, self.width)
        self._rows.add((paint(row, self.color) for row in rows), len(done.text))

    def _record(self, record: Frame | Labeled) -> None:
        # the terminal could not take more in one period, and the prompt would stand still
        if self._frame_rows >= (MAX_ROWS if self._most >= FIRST_ROWS else 2 * self._most):
            self._left_out += 1
            return
        # to ask for the width takes longer than all the rest where nothing is shown
        lines = self._presenter.lines(record, self.width if self._display.events != "off" else 0)
        self._frame_rows += len(lines)
        self._rows.add(lines)  # between the rows of an answer, which goes on below without a label of its own

    def _other(self, view: View) -> None:
        size = len(view.what) + len(view.why) if isinstance(view, Notice) else 0
        self._add(self._presenter.each_line(view, self.width), size)

    def _add(self, lines: Iterable[str], size: int = 0) -> None:
        """Lines that are not speech: a speaker who goes on after them is named again."""
        if self._rows.add(lines, size):
            self._texts.interrupt()

    def _arm(self) -> None:
        """One timer; the first view after a pause is shown at once."""
        if self._timer is None and not self._paused and self._prompting:
            # after a pause it is zero: a command's answer has nothing to wait for
            wait = max(self._shown_at + PERIOD - time.monotonic(), 0)
            self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    @property
    def _prompting(self) -> bool:
        return self._app is not None and self._app.is_running

    def _tick(self) -> None:
        if self._app is not None and self._app.invalidated and not self._stepped_aside:
            # a key's drawing goes first: what stands above the line is changed in place then
            self._stepped_aside = True
            self._timer = asyncio.get_running_loop().call_later(ASIDE_SECONDS, self._tick)
            return
        self._stepped_aside = False
        more = self._step()
        while more and self._rows.size + self._texts.size > MAX_WAITING:
            more = self._step()
        if more and self._prompting:
            self._timer = asyncio.get_running_loop().call_later(0, self._tick)

    def _step(self) -> bool:
        """Show what waits, of much the first of it. Returns whether more is to be shown."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # a prompt that has ended and still stands there: it is erased next, and `close` shows what waits
        if self._paused or (self._app is not None and self._app.is_running and self._app.is_done):
            return False
        self._shown_at = time.monotonic()
        most = self._most
        if most >= STEP_ROWS:  # the more waits, the more is shown at once: it must not pile up
            most = max(most, self._rows.size // 8 // self.width)
        lines = self._rows.take(most)
        if not self._rows:
            self._frame_rows = 0
            if self._left_out:
                lines.append(paint((Span("muted", f"  … {self._left_out} rows omitted"),), self.color))
                self._left_out = 0
            if self._begun:
                lines += [paint(row, self.color) for row in self._texts.take_rows(self.width)]
        if lines:
            self._commit("".join(f"{line}\r\n" for line in lines))
            self._learn(len(lines), time.monotonic() - self._shown_at)
        elif self._app is not None and not self._in_place.change(self._app):
            self._app.invalidate()
        return bool(self._rows) or (self._begun and self._texts.has_more)

    def _learn(self, rows: int, seconds: float) -> None:
        """How many rows the terminal can take at once: it took so many in that time."""
        if seconds > SLOW_SECONDS:
            self._most = min(max(int(rows * SLOW_SECONDS / seconds), MIN_ROWS), STEP_ROWS)
        elif seconds < SLOW_SECONDS / 2 and rows >= self._most:
            self._most = min(2 * self._most, STEP_ROWS)

    def _commit(self, text: str) -> None:
        """Finished rows into the scrollback, and the prompt below them, in one write."""
        app = self._app
        # before the first paint and after the last there is nothing to draw below
        if app is None or not app.is_running:
            self.output.write_raw(text)
            self.output.flush()
            return
        if self._in_place.commit(app, text):
            return
        with one_write(self.output), set_app(app):
            app.renderer.erase()
            self.output.write_raw(text)
            app.render_counter += 1  # what the layout shows is cached by this number
            app.renderer.render(app, app.layout)


def load() -> None:
    """Import what turns views into rows, in a thread: with the first piece of an answer, a key would wait for it."""
    for name in ("presenter", "preview", "speech"):
        import_module(f"rtcli.render.{name}")


@cache
def _ways() -> dict[type, Callable[[LiveWriter, Any], None]]:
    """How views are shown that are not simply rows; the first paint needs none of their classes."""
    from rtcli.protocol.record import Frame
    from rtcli.views import Chart, SpeechDelta, SpeechDone

    return {
        SpeechDelta: LiveWriter._delta,
        SpeechDone: LiveWriter._done,
        Frame: LiveWriter._record,
        Chart: LiveWriter._draw,
    }
