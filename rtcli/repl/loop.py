"""The conversation at the prompt: lines and keys in, views out, until the user leaves or a signal comes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prompt_toolkit.input import Input, create_input
from prompt_toolkit.output import Output

from rtcli.errors import ExitCode, RtcliError
from rtcli.render.styles import Color, Line
from rtcli.repl.backend import Backend, SessionBackend
from rtcli.repl.capture import captured
from rtcli.repl.completer import LineCompleter, Work
from rtcli.repl.controls import Controls
from rtcli.repl.editor import edit
from rtcli.repl.history import open_history
from rtcli.repl.keys import bindings
from rtcli.repl.live import LiveWriter, load
from rtcli.repl.output import TerminalOutput, reflows, terminal_output
from rtcli.repl.pastes import Pastes
from rtcli.repl.prompt import Prompt, build_prompt
from rtcli.repl.toolbar import toolbar
from rtcli.terminal.signals import on_signal
from rtcli.terminal.standard_streams import StandardStreams, shared_streams
from rtcli.views import CONNECTING, DisplaySettings, Level, Notice, Quit, SessionStatus, Wait

if TYPE_CHECKING:
    from pathlib import Path

    from rtcli.commands.context import Context
    from rtcli.views import View

OpenBackend = Callable[[], Awaitable[Backend]]

_QUITS = ("/quit", "/exit", "/q", "quit", "exit")
"""Lines that do not wait until there is a session to leave."""

_LINE_SECONDS = 1.0
"""A line that takes longer says that it is at work."""

_CLOSE_SECONDS = 3.0
_IDLE_REFRESH_SECONDS, _ACTIVE_REFRESH_SECONDS = 1.0, 0.25
"""How often the toolbar is looked at: while nothing moves in it, and while a level or a position does."""

_TOOLBAR_SECONDS = 0.25
"""So long the toolbar stays as it was while rows stream past above it: to make it is a fifth of a drawing."""


async def run_repl(
    open_context: Callable[[], Awaitable[Context]],
    *,
    display: DisplaySettings,
    label: str = "",
    greeting: Sequence[View] = (),
    keys: Mapping[str, str] | None = None,
    history: Path | None = None,
    vi: bool = False,
    color: Color = Color.MIDDLE,
    streams: StandardStreams | None = None,
) -> ExitCode:
    """Run the prompt of `rtcli chat` until it ends; gives the exit code of the process.

    `open_context` builds the session. It is called only after the prompt has been painted, so that whatever it has to
    import loads behind a prompt that already takes keys. Then the session is started; if that first connection fails,
    the error is shown, the terminal restored, and the error's exit code returned. `display` is the one that the
    context holds, `label` what the toolbar says of the endpoint until then, `greeting` what is shown first, `keys`
    the actions bound to other keys, `history` the file of typed lines (None: they are forgotten), `vi` whether they
    are edited as in vi, `streams` the terminal (None: the process's own).

    Raises UsageError for `keys` that name no action or no key.
    """

    async def open_backend() -> Backend:
        return SessionBackend(await open_context())

    return await run_prompt(
        open_backend,
        display=display,
        label=label,
        greeting=greeting,
        keys=keys,
        history=history,
        vi=vi,
        color=color,
        streams=streams,
    )


async def run_prompt(
    open_backend: OpenBackend,
    *,
    display: DisplaySettings,
    label: str = "",
    greeting: Sequence[View] = (),
    keys: Mapping[str, str] | None = None,
    history: Path | None = None,
    vi: bool = False,
    color: Color = Color.MIDDLE,
    streams: StandardStreams | None = None,
    keyboard: Input | None = None,
    screen: Output | None = None,
) -> ExitCode:
    """The same in front of any backend, on a terminal or on a `keyboard` and `screen` of one's own."""
    streams = streams or shared_streams()
    reflow = reflows(os.environ)
    output = screen or terminal_output(streams.stdout, color, reflow=reflow)
    # stdout is not the terminal, which is opened by itself then
    if streams.apart and keyboard is None:
        keyboard = create_input(streams.stdin)
    repl = _Repl(open_backend, LiveWriter(display, output, color), display, label, greeting)
    repl.writer.lend = streams.lent
    controls = Controls(repl, display, repl.writer, repl.pastes)
    app = build_prompt(
        region=repl.writer.region,
        toolbar=repl.writer.toolbar,
        accept=repl.accept,
        completer=LineCompleter(repl.complete),
        history=open_history(history, repl.history_lost),
        keys=bindings(controls.handlers, keys),
        pastes=repl.pastes,
        keyboard=keyboard,
        screen=output,
        color=color,
        reflow=reflow,
        vi=vi,
    )
    _note_typed_ahead(app, controls)
    if isinstance(output, TerminalOutput):
        output.on_gone = lambda: repl.leave(ExitCode.HANGUP)
    with captured(repl.show, descriptor=streams.apart), on_signal(repl.on_signal), contextlib.closing(controls):
        return await repl.run(app)


class _Repl:
    """One prompt: its lines, its tasks, its end."""

    def __init__(
        self,
        open_backend: OpenBackend,
        writer: LiveWriter,
        display: DisplaySettings,
        label: str,
        greeting: Sequence[View],
    ) -> None:
        self.writer = writer
        self.pastes = Pastes()
        self._open_backend = open_backend
        self._display = display
        self._label = label
        self._greeting = greeting
        self._backend: Backend | None = None  # once the session has been built
        self._opened = asyncio.Event()  # lines are taken from now on
        self._painted = asyncio.Event()  # set by the first paint, which waits for no session
        self._lines: asyncio.Queue[str] = asyncio.Queue()  # sent by the user, not begun
        self._line: asyncio.Task[None] | None = None  # the one that is being carried out
        self._tasks: set[asyncio.Task[None]] = set()  # all of this prompt: they are cancelled at its end
        self._left: ExitCode | None = None  # why the prompt ends; None while it runs
        self._app: Prompt | None = None
        self._began = time.monotonic()
        self._toolbar: Line = ()
        self._toolbar_width = 0
        self._toolbar_until = 0.0  # from then on it has to be made anew
        self._not_begun = 0  # lines that wait for their turn
        self._line_name, self._line_began = "", 0.0  # of the one that is being carried out

    def __repr__(self) -> str:
        state = "ended" if self._left is not None else "open" if self._opened.is_set() else "opening"
        return f"<Prompt {self._label!r} {state}, {self._lines.qsize()} lines waiting, {len(self._tasks)} tasks>"

    async def run(self, app: Prompt) -> ExitCode:
        """From the first paint to the terminal's return."""
        self._app = app
        # prompt_toolkit's own way to subscribe to an event
        app.after_render += lambda _: self._painted.set()
        app.key_processor.after_key_press += self._renew_toolbar
        self.writer.flush()
        self.writer.attach(app, self.toolbar)
        for work in (self._open(), self._run_lines(), self._watch_toolbar()):
            self._start(work)
        try:
            # both are ours: see on_signal and captured
            await app.run_async(handle_sigint=False, set_exception_handler=False)
        except EOFError:  # not Ctrl+D, which has a binding: the terminal's other end is closed
            self._left = self._left if self._left is not None else ExitCode.HANGUP
        finally:
            await self._close()
        return self._left if self._left is not None else ExitCode.OK

    # The desk that the keys reach.

    @property
    def status(self) -> SessionStatus:
        """The session's; before there is one, that it is being made."""
        # A session that is being opened has not begun to connect, and nothing is wrong with it.
        if self._backend is None or (self.opening and self._backend.status.connection == "disconnected"):
            waits = (Wait(CONNECTING, time.monotonic() - self._began),)
            status = SessionStatus(connection=CONNECTING, endpoint=self._label, model=self._label, waits=waits)
        else:
            status = self._backend.status
        return replace(status, waits=(*status.waits, *self._line_waits()), queued=status.queued + self._not_begun)

    def _line_waits(self) -> Iterator[Wait]:
        """A command that takes long says what it is."""
        if self._line is not None and (seconds := time.monotonic() - self._line_began) >= _LINE_SECONDS:
            yield Wait(self._line_name, seconds)

    @property
    def opening(self) -> bool:
        """There is no session yet."""
        return not self._opened.is_set()

    def show(self, view: View) -> None:
        """A view from the session, a command, a log record."""
        if isinstance(view, Quit):
            self.leave(view.code)
        else:
            self.writer.write(view)

    def history_lost(self, why: str) -> None:
        """Typed lines are not kept from now on."""
        self.show(Notice("typed lines are not kept across runs", why, level=Level.WARNING))

    def leave(self, code: ExitCode) -> None:
        """End the prompt. The first reason counts."""
        if self._left is not None:
            return
        # set before the application ends, so that a second reason finds it
        self._left = code
        if self._app is not None and self._app.is_running and not self._app.is_done:
            self._app.exit(result=code)

    def on_signal(self, code: ExitCode) -> bool:
        """A signal ends the prompt; but Ctrl+C in an editor that has the terminal is the editor's."""
        ends = code is not ExitCode.INTERRUPTED or not self.writer.is_paused
        if ends:
            self.leave(code)
        return ends

    def run_now(self, line: str) -> None:
        """Carry out a command line at once, beside whatever line is at work."""
        if self._opened.is_set():
            self._start(self._run_line(line))

    def cancel_current(self) -> bool:
        """Cancel the line that is at work; False when there is none."""
        return self._line is not None and self._line.cancel()

    @property
    def lines_waiting(self) -> int:
        """How many lines wait for their turn."""
        return self._lines.qsize()

    def drop_lines(self) -> None:
        """Carry out none of the lines that wait for their turn."""
        while not self._lines.empty():
            self._lines.get_nowait()
            self._not_begun -= 1

    # What the prompt asks.

    def accept(self, line: str) -> None:
        """A line was sent: it stays in the scrollback, with its pastes folded, and waits for its turn."""
        text = self.pastes.unfold(line)
        if text.strip():
            self.writer.echo(self.pastes.labeled(line).rstrip("\n"))
            if self.opening and not self._not_begun and text.strip() in _QUITS:
                self.leave(ExitCode.OK)
            self._not_begun += 1
            self._lines.put_nowait(text)

    def complete(self, text: str) -> Work:
        """Nothing before there is a session."""
        return self._backend.complete(text) if self._backend is not None else tuple

    def toolbar(self) -> Line:
        """The toolbar as it is now, or was a moment ago."""
        width, now = self.writer.width, time.monotonic()
        if now >= self._toolbar_until or width != self._toolbar_width:
            self._toolbar = toolbar(self.status, self._display, width)
            self._toolbar_width, self._toolbar_until = width, now + _TOOLBAR_SECONDS
        return self._toolbar

    # The tasks.

    async def _open(self) -> None:
        """Build the session and connect, behind the prompt."""
        await self._painted.wait()
        await asyncio.to_thread(load)
        for view in self._greeting:
            self.show(view)
        try:
            self._backend = await self._open_backend()
            await self._backend.start(self.show, lambda text: edit(text, self.writer))
        except RtcliError as error:
            self.show(_notice(error))
            self.leave(error.exit_code)
        except Exception as error:  # noqa: BLE001  # a prompt without a session is of no use, whatever the reason
            self.show(_unexpected("the session could not be created", error))
            self.leave(ExitCode.UNEXPECTED)
        else:
            self._opened.set()
            self._redraw()

    async def _run_lines(self) -> None:
        """One line after the other, in the order in which they were sent."""
        while True:
            text = await self._lines.get()
            # lines that were typed while the session was being made
            await self._opened.wait()
            self._not_begun -= 1
            word = text.split(maxsplit=1)[0]
            self._line_name, self._line_began = word if word.startswith("/") else "/send", time.monotonic()
            self._line = self._start(self._run_line(text))
            await asyncio.wait([self._line])
            self._line = None
            self._redraw()

    async def _run_line(self, text: str) -> None:
        assert self._backend is not None  # lines wait for the session
        try:
            for view in await self._backend.run_line(text):
                self.show(view)
        except RtcliError as error:
            self.show(_notice(error))
        except Exception as error:  # noqa: BLE001  # a command that fails must not take the conversation with it
            self.show(_unexpected(f"{text.split(maxsplit=1)[0]} failed", error))

    async def _watch_toolbar(self) -> None:
        """Clocks, levels and positions move without any event."""
        while True:
            status = self.status
            moving = status.responding or status.speaking_item or (status.microphone and not status.muted)
            await asyncio.sleep(_ACTIVE_REFRESH_SECONDS if moving else _IDLE_REFRESH_SECONDS)
            self._renew_toolbar()
            # Not with what it was the last time: events have drawn it meanwhile, a moment ago as it was then.
            if self.toolbar() != self.writer.drawn_toolbar:
                self.writer.refresh()

    async def _close(self) -> None:
        """Everything that was started ends; what is unfinished is shown; the terminal stays clean."""
        # cancelled before the session closes, so that none of them uses what is being closed
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._backend is not None:
            try:
                await asyncio.wait_for(self._backend.close(), _CLOSE_SECONDS)
                for view in self._backend.farewell():
                    self.writer.write(view)
            except Exception as error:  # noqa: BLE001  # we leave anyway, and say so
                self.writer.write(_unexpected("the session did not close in order", error))
        self.writer.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _renew_toolbar(self, _: object = None) -> None:
        self._toolbar_until = 0.0

    def _redraw(self) -> None:
        self._renew_toolbar()
        if self._app is not None:
            self._app.invalidate()


def _note_typed_ahead(app: Prompt, controls: Controls) -> None:
    """Keys that already wait were typed while the terminal still made line feeds of Enter."""
    with contextlib.suppress(OSError, ValueError, NotImplementedError):  # Windows, and an input of a test's own
        controls.typed_ahead = bool(select.select([app.input.fileno()], [], [], 0)[0])

    def look(_: object) -> None:
        controls.typed_ahead = controls.typed_ahead and bool(app.key_processor.input_queue)

    app.key_processor.after_key_press += look


def _notice(error: RtcliError) -> Notice:
    return Notice(error.what, error.why, error.hint, Level.ERROR)


def _unexpected(what: str, error: Exception) -> Notice:
    return Notice(what, f"{type(error).__name__}: {error}".removesuffix(": "), level=Level.ERROR)
