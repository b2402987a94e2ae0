"""What the keys do: one method for each action of the table in `keys`."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.search import stop_search

from rtcli.errors import ExitCode
from rtcli.repl.keys import KeyHandler
from rtcli.repl.live import LiveWriter
from rtcli.repl.prompt import unfinished
from rtcli.views import DisplaySettings, Notice, SessionStatus, View

EVENT_MODES = ("off", "summary", "all")
AGAIN_SECONDS = 2.0
"""Within this time a second Ctrl+C leaves."""


class ReplActions(Protocol):
    """What the keys can reach."""

    @property
    def status(self) -> SessionStatus:
        """The session at this moment."""

    def run_now(self, line: str) -> None:
        """Carry out a command line at once, beside whatever line is at work."""

    def cancel_current(self) -> bool:
        """Cancel the line that is at work; False when there is none."""

    def show(self, view: View) -> None:
        """Show a view."""

    def leave(self, code: ExitCode) -> None:
        """End the prompt."""


class Controls:
    """The handlers, by the names of their actions."""

    def __init__(self, actions: ReplActions, display: DisplaySettings, writer: LiveWriter) -> None:
        self._actions = actions
        self._display = display
        self._writer = writer
        self._hinted = -AGAIN_SECONDS  # when Ctrl+C said that a second one leaves

    @property
    def handlers(self) -> dict[str, KeyHandler]:
        """Every action of the table."""
        actions: ReplActions = self._actions
        handlers: dict[str, Callable[[KeyPressEvent], None]] = {
            "send": self._send,
            "newline": lambda event: event.current_buffer.insert_text("\n"),
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
        if unfinished(buffer.text) and buffer.document.is_cursor_at_the_end:
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    def _interrupt(self, event: KeyPressEvent) -> None:
        # Esc closes an open menu first, as in every editor
        if event.current_buffer.complete_state:
            event.current_buffer.cancel_completion()
        elif self._responding:
            self._actions.run_now("/interrupt")

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
            self._actions.show(Notice("command cancelled"))
        elif self._responding:
            self._actions.run_now("/interrupt")
        elif time.monotonic() - self._hinted < AGAIN_SECONDS:
            self._actions.leave(ExitCode.INTERRUPTED)
        else:
            self._hinted = time.monotonic()
            self._actions.show(Notice("Ctrl+C again, Ctrl+D or /quit leaves"))

    def _edit(self, event: KeyPressEvent) -> None:
        pause = ExitStack()
        # left by the callback, when the editor has returned
        pause.enter_context(self._writer.paused())
        event.current_buffer.open_in_editor().add_done_callback(lambda _: pause.close())

    def _mute(self, event: KeyPressEvent) -> None:
        status = self._actions.status
        self._actions.run_now("/mute" if status.microphone and not status.muted else "/unmute")

    def _events(self, event: KeyPressEvent) -> None:
        modes = EVENT_MODES
        now = modes.index(self._display.events) if self._display.events in modes else 0
        self._display.events = modes[(now + 1) % len(modes)]

    def _metrics(self, event: KeyPressEvent) -> None:
        self._display.metrics = not self._display.metrics
