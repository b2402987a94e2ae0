"""What a prompt talks with: a session that shows views, and something that carries out lines and completes them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from prompt_toolkit.application import get_app

from rtcli.errors import RtcliError
from rtcli.repl.completer import Work
from rtcli.terminal.signals import ended_by
from rtcli.views import Level, Notice, SessionStatus

if TYPE_CHECKING:
    from rtcli.commands.context import Context
    from rtcli.views import View


Edit: TypeAlias = Callable[[str], Awaitable[str | None]]
"""Has the user edit a text; None: nothing was changed."""


class Backend(Protocol):
    """The whole of what the prompt asks of the program behind it."""

    @property
    def status(self) -> SessionStatus:
        """The session at this moment."""

    async def start(self, show: Callable[[View], None], edit: Edit) -> None:
        """Connect; `show` gets every view from now on. Raises the errors of `rtcli.errors`."""

    async def run_line(self, line: str) -> Sequence[View]:
        """Carry out one line; gives what it answers. Raises the errors of `rtcli.errors`."""

    def complete(self, text: str) -> Work:
        """How the text before the cursor can go on: called on the loop, what it returns may run in a thread."""

    async def close(self) -> None:
        """End the session."""

    def farewell(self) -> Sequence[View]:
        """What there is to say of a session that has ended."""


class SessionBackend:
    """The backend of `rtcli chat`: a session and the slash commands."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def status(self) -> SessionStatus:
        """The session's own status."""
        return self._context.session.status

    async def start(self, show: Callable[[View], None], edit: Edit) -> None:
        """Subscribe, then connect, so that nothing of the beginning is missed."""
        self._context.edit = edit
        self._context.screen_size = _screen_size
        self._context.session.subscribe(show)
        await self._context.session.start()

    async def run_line(self, line: str) -> Sequence[View]:
        """By the line grammar of the commands."""
        from rtcli.commands.line import run_line

        return await run_line(line, self._context)

    def complete(self, text: str) -> Work:
        """What the registry and the session know."""
        return _completion(text, self._context)

    async def close(self) -> None:
        """Close the session."""
        await self._context.session.close(ended_by())

    def farewell(self) -> Sequence[View]:
        """What the session came to."""
        from rtcli.commands.metrics import farewell

        return farewell(self._context)


class ReplayBackend:
    """The backend of `rtcli replay`: a recording, and the commands that look."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._playing: asyncio.Task[None] | None = None

    @property
    def status(self) -> SessionStatus:
        """Where the replay stands."""
        return self._context.replay.status

    async def start(self, show: Callable[[View], None], edit: Edit) -> None:
        """Play on behind the prompt."""
        self._context.replay.feed.subscribe(show)
        if (audio := self._context.replay.audio) is not None:
            audio.open()
        # kept: the loop holds its tasks by weak references
        self._context.screen_size = _screen_size
        self._playing = asyncio.get_running_loop().create_task(self._play(show))

    async def _play(self, show: Callable[[View], None]) -> None:
        try:
            await self._context.replay.run()
        except RtcliError as error:  # the file cannot be read on
            show(Notice(error.what, error.why, error.hint, Level.ERROR))

    async def run_line(self, line: str) -> Sequence[View]:
        """By the line grammar of the commands."""
        from rtcli.commands.line import run_line

        return await run_line(line, self._context)

    def complete(self, text: str) -> Work:
        """What the registry and the recording know."""
        return _completion(text, self._context)

    async def close(self) -> None:
        """Stop playing."""
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)

    def farewell(self) -> Sequence[View]:
        """Nothing: it was another session's."""
        return ()


class ProxyBackend:
    """The backend of `rtcli proxy`: its connections, one of which commands look at and act on."""

    def __init__(self, context: Context, subscribe: Callable[[Callable[[View], None]], None]) -> None:
        self._context = context
        self._subscribe = subscribe
        self._one_line = asyncio.Lock()  # a key's command comes beside a line

    @property
    def status(self) -> SessionStatus:
        """Of the proxy, and of the connection that is used."""
        return self._context.status

    async def start(self, show: Callable[[View], None], edit: Edit) -> None:
        """Show what passes from now on."""
        self._context.edit = edit
        self._context.screen_size = _screen_size
        self._subscribe(show)

    async def run_line(self, line: str) -> Sequence[View]:
        """By the line grammar of the commands."""
        from rtcli.commands.watched_line import run_watched_line

        async with self._one_line:
            return await run_watched_line(line, self._context)

    def complete(self, text: str) -> Work:
        """What the registry and the connection know; nothing while that is being fed."""
        with self._context.proxy.glancing() as still:
            return _completion(text, self._context) if still else tuple

    async def close(self) -> None:
        """Nothing: the proxy is not this backend's."""

    def farewell(self) -> Sequence[View]:
        """Nothing: it was the apps' session."""
        return ()


def _screen_size() -> tuple[int, int]:
    size = get_app().output.get_size()
    return size.columns, size.rows


def _completion(text: str, context: Context) -> Work:
    from rtcli.commands.complete import complete
    from rtcli.commands.known import Known

    registry, known = context.registry, Known.of(context)
    return lambda: complete(text, registry, known)
