"""The live writer without a prompt: before the first paint and after the last."""

from __future__ import annotations

import io
from types import SimpleNamespace

from rtcli.render.styles import Color, plain
from rtcli.repl.live import MAX_ROWS, LiveWriter
from rtcli.repl.output import TerminalOutput, reflows
from rtcli.views import Chart, DisplaySettings, Notice, SpeechDelta, SpeechDone
from tests.kit.waiting import until
from tests.render.frames import Wire


def writer(events: str = "off") -> tuple[LiveWriter, io.StringIO]:
    screen = io.StringIO()
    output = TerminalOutput(screen, color=Color.NONE)
    return LiveWriter(DisplaySettings(events=events), output, Color.NONE), screen


def test_without_a_prompt_views_are_lines_once_they_are_flushed() -> None:
    """In order; unfinished text waits for its end."""
    live, screen = writer()
    live.write(Notice("first"))
    live.write(SpeechDelta("assistant", "a", 0, "half"))
    live.echo("typed\nin two rows")
    assert screen.getvalue() == ""
    live.flush()
    live.write(SpeechDone("assistant", "a", 0, "half a word"))
    live.flush()

    assert screen.getvalue().splitlines() == ["· first", "› typed", "  in two rows", "● half a word"]


def test_a_row_of_the_event_view_leaves_an_answer_whole() -> None:
    """The rest of a text goes on below it without a label; below a notice it is said again who speaks."""
    live, screen = writer(events="all")
    wire, text = Wire(), "word " * 30
    live.write(SpeechDelta("assistant", "a", 0, text))
    live.flush()
    live.write(wire.frame("response.output_text.done", item_id="a", text=text + "end"))
    live.flush()
    live.write(SpeechDone("assistant", "a", 0, text + "end"))
    live.flush()

    rows = screen.getvalue().splitlines()
    assert "response.output_text.done" in rows[1]
    assert rows[0].startswith("● word")
    assert all(row.startswith("  ") for row in rows[2:]) and rows[-1].endswith("end")


def test_closing_shows_what_is_unfinished_once() -> None:
    """Text without its end, streams of the summary."""
    live, screen = writer(events="summary")
    live.write(Wire().frame("response.output_text.delta", item_id="a", delta="x"))
    live.write(SpeechDelta("assistant", "a", 0, "half"))
    live.close()
    live.close()

    assert "● half" in screen.getvalue()
    assert screen.getvalue().count("response.output_text a ×1") == 1


def test_unfinished_rows_are_few_and_fit() -> None:
    """However many streams are open, the region stays small and no row is wider than the terminal."""
    live, _ = writer(events="summary")
    wire = Wire()
    for number in range(9):
        live.write(SpeechDelta("assistant", f"item_{number}", 0, "words " * 50))
        live.write(wire.frame("response.output_text.delta", item_id=f"item_{number}", delta="x" * 300))

    assert len(live.region()) == 4
    assert all(sum(len(span.text) for span in row) <= live.width for row in live.region())


def test_a_flood_of_events_is_counted_rather_than_kept() -> None:
    """What the screen cannot show is said; the answer's text is never among it."""
    live, screen = writer(events="all")
    wire = Wire()
    live.write(SpeechDelta("assistant", "a", 0, "kept\n"))
    for _ in range(MAX_ROWS + 234):
        live.write(wire.frame("some.event"))
    live.write(Notice("kept as well"))
    live.flush()
    lines = screen.getvalue().splitlines()

    assert sum("some.event" in line for line in lines) == MAX_ROWS
    assert "  … 234 rows omitted" in lines
    assert {"● kept", "· kept as well"} <= set(lines)


def test_nothing_is_written_while_another_program_has_the_terminal() -> None:
    """It all comes afterwards."""
    live, screen = writer()
    with live.paused():
        live.write(Notice("meanwhile"))
        live.flush()
        assert screen.getvalue() == ""
        assert live.is_paused
    live.flush()

    assert screen.getvalue() == "· meanwhile\r\n"


class Broken(io.StringIO):
    """A terminal that has gone away."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_has_gone_is_told_once_and_never_raises() -> None:
    """Whatever is written afterwards."""
    told: list[str] = []
    output = TerminalOutput(Broken(), color=Color.NONE, on_gone=lambda: told.append("gone"))
    live = LiveWriter(DisplaySettings(), output, Color.NONE)
    for _ in range(3):
        live.write(Notice("x"))
        live.flush()

    assert told == ["gone"]


def test_what_is_held_leaves_in_one_write() -> None:
    """Also when drawing fails in between."""
    screen = io.StringIO()
    output = TerminalOutput(screen, color=Color.NONE)
    with output.held():
        output.write_raw("a")
        output.flush()
        assert screen.getvalue() == ""
        output.write_raw("b")

    assert screen.getvalue() == "ab"


def test_terminals_that_wrap_anew_are_known() -> None:
    """By what they say of themselves; any other is taken for one that cuts its rows."""
    assert reflows({"TMUX": "/tmp/tmux-0/default,1,0"})
    assert reflows({"TERM_PROGRAM": "iTerm.app"})
    assert not reflows({"TERM": "xterm-256color"})
    assert not reflows({"VTE_VERSION": "7600", "XTERM_VERSION": "XTerm(390)", "TERM": "xterm-256color"})
    assert not reflows({"TMUX": "/tmp/tmux-0/default,1,0", "STY": "1234.tty", "TERM": "screen"})
    assert reflows({"TMUX": "/tmp/tmux-0/default,1,0", "XTERM_VERSION": "XTerm(390)", "TERM": "tmux-256color"})


class _Running:
    """As much of an application as says that there is a prompt."""

    is_running = True
    is_done = invalidated = False
    layout, renderer = None, SimpleNamespace(last_rendered_screen=None)

    def invalidate(self) -> None:
        """Nothing is drawn."""


async def test_nothing_is_written_across_a_prompt_that_has_ended_and_is_not_erased_yet() -> None:
    """What comes in between waits for the end."""
    live, screen = writer()
    app = _Running()
    live.attach(app)  # type: ignore[arg-type]
    app.is_done = True
    live.write(Notice("finished"))
    live.flush()
    assert screen.getvalue() == ""
    app.is_running = False
    live.close()

    assert screen.getvalue() == "· finished\r\n"


async def test_a_chart_of_something_that_goes_on_is_drawn_anew_until_it_is_over() -> None:
    """Above the prompt while it lasts; once in the scrollback then."""
    live, screen = writer()
    app = _Running()
    live.attach(app)  # type: ignore[arg-type]
    drawn = 0

    def again() -> Chart:
        nonlocal drawn
        drawn += 1
        return Chart(f"drawing {drawn}", 0, 1, (), again=again if drawn < 3 else None)

    live.write(again())
    assert "drawing 1" in plain(live.region()[0])
    await until(lambda: "drawing 2" in plain((live.region() or [()])[0]))
    app.is_running = False
    await until(lambda: not live.region())
    live.flush()

    assert screen.getvalue().splitlines()[0] == "drawing 3" and "drawing 2" not in screen.getvalue()


async def test_a_chart_that_is_not_over_stays_when_another_comes_or_the_prompt_ends() -> None:
    """As it was drawn last."""
    live, screen = writer()
    app = _Running()
    live.attach(app)  # type: ignore[arg-type]

    def endless(name: str) -> Chart:
        return Chart(name, 0, 1, (), again=lambda: endless(name))

    live.write(endless("one"))
    live.write(endless("two"))
    assert plain(live.region()[0]) == "two"
    app.is_running = False
    live.close()

    assert [line for line in screen.getvalue().splitlines() if line in ("one", "two")] == ["one", "two"]
    assert not live.finish_chart()


async def test_what_nobody_sees_does_not_paint_the_prompt() -> None:
    """A microphone makes fifty frames a second; in a view that counts them each one is worth a look."""
    painted = {}
    for events in ("off", "summary"):
        live, _ = writer(events)
        app = _Running()
        paintings: list[None] = []
        app.invalidate = lambda paintings=paintings: paintings.append(None)  # type: ignore[method-assign, misc]
        live.attach(app)  # type: ignore[arg-type]
        for _ in range(3):
            live.write(Wire().frame("input_audio_buffer.append", ">", audio="AAAA"))
        painted[events] = live._timer is not None or bool(paintings)

    assert painted == {"off": False, "summary": True}
