"""What the keys do: one method for each action of the table in `keys`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.search import stop_search

from rtcli.errors import ExitCode, RtcliError
from rtcli.repl.clipboard import ClipboardImages
from rtcli.repl.editor import edit
from rtcli.repl.keys import KeyHandler
from rtcli.repl.live import LiveWriter
from rtcli.repl.pastes import Pastes
from rtcli.repl.prompt import unfinished
from rtcli.repl.tab import TabKey
from rtcli.views import DisplaySettings, Level, Notice, SessionStatus, counted

if TYPE_CHECKING:
    from rtcli.views import View

EVENT_MODES = ("off", "summary", "all")
AGAIN_SECONDS = 2.0
"""Within this time a second Ctrl+C leaves."""


class ReplActions(Protocol):
    """What the keys can reach."""

    @property
    def status(self) -> SessionStatus:
        """The session at this moment."""

    @property
    def opening(self) -> bool:
        """There is no session yet: nothing but leaving can be meant."""

    def run_now(self, line: str) -> None:
        """Carry out a command line at once, beside whatever line is at work."""

    def cancel_current(self) -> bool:
        """Cancel the line that is at work; False when there is none."""

    @property
    def lines_waiting(self) -> int:
        """How many lines wait for their turn."""

    def drop_lines(self) -> None:
        """Carry out none of the lines that wait for their turn."""

    def show(self, view: View) -> None:
        """Show a view."""

    def leave(self, code: ExitCode) -> None:
        """End the prompt."""


class Controls:
    """The handlers, by the names of their actions."""

    def __init__(self, actions: ReplActions, display: DisplaySettings, writer: LiveWriter, pastes: Pastes) -> None:
        self._actions = actions
        self._display = display
        self._writer = writer
        self._pastes = pastes
        self._clipboard = ClipboardImages()
        self._hinted = -AGAIN_SECONDS  # when Ctrl+C said that a second one leaves
        self._stopped = -AGAIN_SECONDS  # when Ctrl+C gave up the line at work
        self.typed_ahead = False  # the keys came before there was a prompt: Enter is Ctrl+J then

    @property
    def handlers(self) -> dict[str, KeyHandler]:
        """Every action of the table."""
        actions: ReplActions = self._actions
        handlers: dict[str, Callable[[KeyPressEvent], None]] = {
            "send": self._send,
            "newline": self._newline,
            "paste_image": self._paste_image,
            "complete": TabKey(),
            "help": lambda _: actions.run_now("/help"),
            "interrupt": self._interrupt,
            "cancel": self._cancel,
            "leave": lambda _: actions.leave(ExitCode.OK),
            "edit": self._edit,
            "clear": lambda event: event.app.renderer.clear(),
            "suspend": lambda event: event.app.suspend_to_background(),  # on Windows it does nothing
            "mute": self._mute,
            "events": self._events,
            "talk": lambda _: actions.run_now("/ptt"),
            "metrics": self._metrics,
            "pause": lambda _: actions.run_now("/pause"),
            "step": lambda _: actions.run_now("/step"),
        }
        return handlers

    def _send(self, event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if unfinished(self._pastes.unfold(buffer.text)) and buffer.document.is_cursor_at_the_end:
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()
            event.app.vi_state.reset()  # a new line is begun in insert mode

    def _newline(self, event: KeyPressEvent) -> None:
        if self.typed_ahead and event.data == "\n":
            self._send(event)
        else:
            event.current_buffer.insert_text("\n")

    def _interrupt(self, event: KeyPressEvent) -> None:
        # Esc closes an open menu first, as in every editor
        if event.current_buffer.complete_state:
            event.current_buffer.cancel_completion()
        elif self._responding:
            self._actions.run_now("/interrupt")
        else:
            self._writer.finish_chart()

    @property
    def _responding(self) -> bool:
        status = self._actions.status
        return status.responding or status.speaking_item is not None

    def _cancel(self, event: KeyPressEvent) -> None:
        """Ctrl+C gives up the nearest thing that there is to give up."""
        if event.app.layout.is_searching:
            stop_search()
        elif event.current_buffer.text:
            # a line that is thrown away by mistake is one ↑ away
            event.current_buffer.reset(append_to_history=True)
        elif self._actions.cancel_current():
            self._cancelled()
        elif self._responding:
            self._actions.run_now("/interrupt")
        elif self._actions.opening or time.monotonic() - self._hinted < AGAIN_SECONDS:
            self._actions.leave(ExitCode.INTERRUPTED)
        else:
            self._hinted = time.monotonic()
            self._actions.show(Notice("Ctrl+C again, Ctrl+D or /quit leaves"))

    def _cancelled(self) -> None:
        """The line at work was given up: a second Ctrl+C gives up those behind it, which may be thousands."""
        waiting, now = self._actions.lines_waiting, time.monotonic()
        if waiting and now - self._stopped < AGAIN_SECONDS:
            self._actions.drop_lines()
            self._actions.show(Notice("command cancelled", f"and {counted(waiting, 'line')} behind it"))
        else:
            hint = f"Ctrl+C again drops the {counted(waiting, 'line')} behind it" if waiting else ""
            self._actions.show(Notice("command cancelled", hint=hint))
        self._stopped = now

    def _paste_image(self, event: KeyPressEvent) -> None:
        event.app.create_background_task(self._image_pasted(event.current_buffer))

    async def _image_pasted(self, buffer: Buffer) -> None:
        try:
            path, label = await self._clipboard.take()
        except RtcliError as error:
            self._actions.show(Notice(error.what, error.why, error.hint, Level.WARNING))
            return
        space = "" if buffer.document.char_before_cursor in ("", " ", "\n") else " "
        sign = self._pastes.stand_for(f'@"{path}"', label)
        buffer.insert_text(f"{space}{sign} ")

    def close(self) -> None:
        """Nothing of the clipboard stays behind."""
        self._clipboard.close()

    def _edit(self, event: KeyPressEvent) -> None:
        event.app.create_background_task(self._edited(event.current_buffer))

    async def _edited(self, buffer: Buffer) -> None:
        """The line, its pastes unfolded, in the user's editor. Most editors end a file with a line break."""
        try:
            text = await edit(self._pastes.unfold(buffer.text), self._writer)
        except RtcliError as error:
            self._actions.show(Notice(error.what, error.why, error.hint, Level.ERROR))
            return
        if text is not None:
            line = self._pastes.fold(text.removesuffix("\n"))
            buffer.document = Document(line, len(line))

    def _mute(self, event: KeyPressEvent) -> None:
        status = self._actions.status
        self._actions.run_now("/mute" if status.microphone and not status.muted else "/unmute")

    def _events(self, event: KeyPressEvent) -> None:
        modes = EVENT_MODES
        now = modes.index(self._display.events) if self._display.events in modes else 0
        self._display.events = modes[(now + 1) % len(modes)]

    def _metrics(self, event: KeyPressEvent) -> None:
        self._display.metrics = not self._display.metrics
