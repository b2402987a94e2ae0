"""The loop around the prompt, with keys from a pipe."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MethodType

import pytest
from prompt_toolkit.input import PipeInput, create_pipe_input

from rtcli.errors import ConnectError, ExitCode, UsageError
from rtcli.render.styles import Color
from rtcli.repl.backend import Backend, Edit
from rtcli.repl.completer import Work
from rtcli.repl.loop import run_prompt
from rtcli.repl.output import TerminalOutput
from rtcli.views import DisplaySettings, Notice, Quit, SessionStatus, Text, View
from tests.kit.waiting import DEADLINE, until

CONNECTED = SessionStatus(connection="connected", model="m")


@dataclass
class ScriptedBackend:
    """Keeps what it was asked; fails where it is told to."""

    status: SessionStatus = CONNECTED
    start_error: Exception | None = None
    close_error: Exception | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    lines: list[str] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    show: Callable[[View], None] = lambda view: None
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, show: Callable[[View], None], edit: Edit) -> None:
        self.show = show
        self.started.set()
        await self.ready.wait()
        if self.start_error:
            raise self.start_error

    async def run_line(self, line: str) -> Sequence[View]:
        self.lines.append(line)
        self.came.set()
        if line == "/break":
            raise ZeroDivisionError("oops")
        if line == "/refuse":
            raise UsageError("no", why="because", hint="do this")
        return [Quit()] if line == "/quit" else [Text(f"did {line}")]

    def complete(self, text: str) -> Work:
        return tuple

    async def close(self) -> None:
        if self.close_error:
            raise self.close_error

    def farewell(self) -> Sequence[View]:
        return (Notice("that was it"),)

    async def has_done(self, *lines: str) -> None:
        """Wait until exactly these lines were carried out."""
        async with asyncio.timeout(DEADLINE):
            while len(self.lines) < len(lines):
                self.came.clear()
                await self.came.wait()
        assert self.lines == list(lines)


@dataclass
class Running:
    """A prompt that runs: its keys, its screen, its end."""

    keyboard: PipeInput
    screen: io.StringIO
    display: DisplaySettings
    task: asyncio.Task[ExitCode]

    async def end(self) -> ExitCode:
        async with asyncio.timeout(DEADLINE):
            return await self.task


@asynccontextmanager
async def running(backend: ScriptedBackend, keys: dict[str, str] | None = None) -> AsyncIterator[Running]:
    screen, display = io.StringIO(), DisplaySettings()

    async def open_backend() -> Backend:
        return backend

    with create_pipe_input() as keyboard:
        prompt = run_prompt(
            open_backend,
            display=display,
            greeting=[Notice("welcome")],
            keys=keys,
            keyboard=keyboard,
            screen=TerminalOutput(screen, color=Color.NONE),
            color=Color.NONE,
        )
        task = asyncio.get_running_loop().create_task(prompt)
        yield Running(keyboard, screen, display, task)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_lines_wait_for_the_session_and_keep_their_order() -> None:
    """The prompt takes keys at once; what was sent is carried out when there is somebody to carry it out."""
    backend = ScriptedBackend()
    async with running(backend) as prompt:
        prompt.keyboard.send_text("one\r  \rtwo\r/quit\r")
        assert backend.lines == []
        backend.ready.set()

        assert await prompt.end() is ExitCode.OK
    assert backend.lines == ["one", "two", "/quit"]
    assert prompt.screen.getvalue().index("welcome") < prompt.screen.getvalue().index("did one")


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (ConnectError("cannot connect", why="refused", hint="start it"), ExitCode.CONNECTION, "→ start it"),
        (ValueError("bad"), ExitCode.UNEXPECTED, "ValueError: bad"),
    ],
)
async def test_a_session_that_does_not_start_ends_the_prompt(error: Exception, code: ExitCode, shown: str) -> None:
    """With the error's code, and the error on the screen."""
    backend = ScriptedBackend(start_error=error)
    backend.ready.set()
    async with running(backend) as prompt:
        assert await prompt.end() is code
    assert shown in prompt.screen.getvalue()


async def test_a_line_that_fails_is_told_and_the_conversation_goes_on() -> None:
    """Errors of ours with their hint, surprises with their type."""
    backend = ScriptedBackend()
    backend.ready.set()
    async with running(backend) as prompt:
        prompt.keyboard.send_text("/refuse\r/break\r/quit\r")

        assert await prompt.end() is ExitCode.OK
    assert "✗ no: because" in prompt.screen.getvalue()
    assert "✗ /break failed: ZeroDivisionError: oops" in prompt.screen.getvalue()


async def test_a_session_that_does_not_close_is_told() -> None:
    """The exit code stays what it was."""
    backend = ScriptedBackend(close_error=OSError("stuck"))
    backend.ready.set()
    async with running(backend) as prompt:
        prompt.keyboard.send_text("/quit\r")

        assert await prompt.end() is ExitCode.OK
    assert "did not close in order: OSError: stuck" in prompt.screen.getvalue()


async def test_a_session_can_end_the_prompt() -> None:
    """Quit with its code."""
    backend = ScriptedBackend()
    backend.ready.set()
    async with running(backend) as prompt:
        prompt.keyboard.send_text("x\r")
        await backend.has_done("x")
        backend.show(Quit(ExitCode.SERVER_ERROR))

        assert await prompt.end() is ExitCode.SERVER_ERROR


@pytest.mark.parametrize(
    ("status", "key", "line"),
    [
        (replace(CONNECTED, microphone=False), "\x1bOQ", "/unmute"),
        (replace(CONNECTED, microphone=True, muted=True), "\x1bOQ", "/unmute"),
        (replace(CONNECTED, microphone=True, muted=False), "\x1bOQ", "/mute"),
        (CONNECTED, "\x1bOS", "/ptt"),
        (replace(CONNECTED, responding=True), "\x03", "/interrupt"),
        (replace(CONNECTED, speaking_item="item_1"), "\x03", "/interrupt"),
    ],
)
async def test_a_key_stands_for_a_command(status: SessionStatus, key: str, line: str) -> None:
    """F2, F4, Ctrl+C: which one depends on the session's state."""
    backend = ScriptedBackend(status)
    backend.ready.set()
    async with running(backend) as prompt:
        prompt.keyboard.send_text("x\r")
        await backend.has_done("x")
        prompt.keyboard.send_text(key)
        await backend.has_done("x", line)


@pytest.mark.parametrize(("keys", "code"), [("\x03", ExitCode.INTERRUPTED), ("/quit\r", ExitCode.OK)])
async def test_a_session_that_does_not_come_is_left_at_once(keys: str, code: ExitCode) -> None:
    """By one Ctrl+C, or by /quit, which does not wait for a session to leave."""
    backend = ScriptedBackend()
    async with running(backend) as prompt:
        await asyncio.wait_for(backend.started.wait(), DEADLINE)
        prompt.keyboard.send_text(keys)

        assert await prompt.end() is code
    assert backend.lines == []


async def test_what_waits_is_in_the_toolbar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages that are queued, and the command that they are queued behind, which Ctrl+C stops."""

    class Slow(ScriptedBackend):
        async def run_line(self, line: str) -> Sequence[View]:
            self.lines.append(line)
            await asyncio.Event().wait()
            return ()

    monkeypatch.setattr("rtcli.repl.loop._LINE_SECONDS", 0.0)
    monkeypatch.setattr("rtcli.repl.loop._IDLE_REFRESH_SECONDS", 0.01)
    backend = Slow()
    async with running(backend) as prompt:
        prompt.keyboard.send_text("/set x\rhello\r")
        await until(lambda: "2 messages queued" in prompt.screen.getvalue(), "both wait for the session")
        backend.ready.set()
        await until(lambda: "1 message queued" in prompt.screen.getvalue(), "one is at work")
        await until(lambda: "(Ctrl+C stops)" in prompt.screen.getvalue(), "it says so")
        prompt.keyboard.send_text("\x03")
        await until(lambda: backend.lines == ["/set x", "hello"], "it was stopped")


async def test_a_second_ctrl_c_drops_the_lines_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of many lines that was pasted as keys is not sent to its end, line by line."""

    class Slow(ScriptedBackend):
        async def run_line(self, line: str) -> Sequence[View]:
            self.lines.append(line)
            self.came.set()
            if line.startswith("/slow"):
                await asyncio.Event().wait()
            return ()

    monkeypatch.setattr("rtcli.repl.controls.AGAIN_SECONDS", 1e9)
    backend = Slow()
    backend.ready.set()
    async with running(backend) as prompt:
        prompt.keyboard.send_text("/slow 1\r/slow 2\rthree\rfour\r")
        await backend.has_done("/slow 1")
        await until(lambda: "› four" in prompt.screen.getvalue(), "all were sent")
        prompt.keyboard.send_text("\x03")
        await until(lambda: "Ctrl+C again drops the 3 lines behind it" in prompt.screen.getvalue(), "it says what next")
        await backend.has_done("/slow 1", "/slow 2")
        prompt.keyboard.send_text("\x03")
        await until(lambda: "and 2 lines behind it" in prompt.screen.getvalue(), "they were dropped")
        prompt.keyboard.send_text("five\r")
        await backend.has_done("/slow 1", "/slow 2", "five")


async def test_a_session_that_is_being_opened_is_not_called_disconnected() -> None:
    """It has been built, and what it connects to is being started."""
    backend = ScriptedBackend(status=SessionStatus(connection="disconnected", model="m"))
    async with running(backend) as prompt:
        await asyncio.wait_for(backend.started.wait(), DEADLINE)
        prompt.keyboard.send_text("x")
        await until(lambda: "connecting" in prompt.screen.getvalue(), "it is drawn")
        backend.status = CONNECTED
        backend.ready.set()
        await until(lambda: "\u25cf m" in prompt.screen.getvalue(), "it is open")

    assert "/reconnect" not in prompt.screen.getvalue()


async def test_a_state_that_lasted_a_moment_does_not_stay_in_the_toolbar(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event has drawn it between two looks at the toolbar, and is over at the second as it was at the first."""
    monkeypatch.setattr("rtcli.repl.loop._IDLE_REFRESH_SECONDS", 0.5)
    backend = ScriptedBackend()
    backend.ready.set()
    async with running(backend) as prompt:
        prompt.keyboard.send_text("x\r")
        await until(lambda: "did x" in prompt.screen.getvalue(), "the prompt is at work")
        backend.status = replace(CONNECTED, model="seen")
        await until(lambda: "\u25cf seen" in prompt.screen.getvalue(), "it was looked at")
        backend.status = replace(CONNECTED, responding=True)
        backend.show(Text("an event"))
        prompt.keyboard.send_text("y")
        await until(lambda: "answering" in prompt.screen.getvalue(), "it is drawn")
        backend.status = replace(CONNECTED, model="seen")
        await until(lambda: "\u25cf seen" in prompt.screen.getvalue().rpartition("answering")[2], "it is over")


async def test_keys_can_be_moved() -> None:
    """The new one acts, the old one does nothing."""
    backend = ScriptedBackend()
    backend.ready.set()
    async with running(backend, keys={"talk": "ctrl+t", "metrics": "alt+m"}) as prompt:
        prompt.keyboard.send_text("x\r")
        await backend.has_done("x")
        prompt.keyboard.send_text("\x1bOS\x1bm\x14")
        await backend.has_done("x", "/ptt")
        assert prompt.display.metrics


async def test_a_key_that_does_not_exist_is_refused_before_anything_is_drawn() -> None:
    """As a usage error, for the command line to report."""
    async with running(ScriptedBackend(), keys={"mute": "f99"}) as prompt:
        with pytest.raises(UsageError):
            await prompt.end()
    assert prompt.screen.getvalue() == ""


async def test_a_prompt_shows_its_state() -> None:
    """While the session is being made, while it takes lines, and when it has ended."""
    backend = ScriptedBackend()
    async with running(backend) as prompt:
        prompt.keyboard.send_text("one\r")
        async with asyncio.timeout(DEADLINE):
            await backend.started.wait()
        assert isinstance(backend.show, MethodType)
        repl = backend.show.__self__
        assert repr(repl).startswith("<Prompt '' opening, ")

        backend.ready.set()
        await backend.has_done("one")
        assert repr(repl).startswith("<Prompt '' open, 0 lines waiting, ")

        prompt.keyboard.send_text("/quit\r")
        await prompt.end()
        assert repr(repl) == "<Prompt '' ended, 0 lines waiting, 0 tasks>"


@pytest.mark.parametrize("shift_enter", ["\x1b[13;2u", "\x1b[27;2;13~", "\x1b\r"])
async def test_shift_enter_begins_a_new_line(shift_enter: str) -> None:
    """As kitty sends it, as modifyOtherKeys sends it, and as Alt+Enter; a report of the focus is no text."""
    backend = ScriptedBackend()
    backend.ready.set()
    async with running(backend) as prompt:
        prompt.keyboard.send_text(f"\x1b[Ione{shift_enter}two\x1b[O\r")
        await backend.has_done("one\ntwo")


async def test_what_is_pasted_is_one_text() -> None:
    """A bracketed paste does not send its lines one by one."""
    backend = ScriptedBackend()
    backend.ready.set()
    async with running(backend) as prompt:
        prompt.keyboard.send_text("\x1b[200~one\ntwo\x1b[201~\r")
        await backend.has_done("one\ntwo")


async def test_the_last_lines_are_what_the_session_came_to() -> None:
    """Also after Ctrl+D; they stay in the scrollback."""
    async with running(ScriptedBackend()) as prompt:
        prompt.keyboard.send_text("\x04")
        assert await prompt.end() is ExitCode.OK

    assert prompt.screen.getvalue().rindex("that was it") > prompt.screen.getvalue().rindex("welcome")
