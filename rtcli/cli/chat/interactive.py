"""Chat in a terminal: paints the prompt first, then builds the session behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import import_module
from typing import TYPE_CHECKING

from rtcli.cli.options import keys_of
from rtcli.cli.output import color_for
from rtcli.errors import ExitCode
from rtcli.views import Notice

if TYPE_CHECKING:
    from rtcli.cli.chat.options import ChatOptions
    from rtcli.commands import Context
    from rtcli.views import View

_SHOWN_PREFIXES = ("replies:", "engines:")  # the rest of its lines is for operators of a server
_NEEDED = ("rtcli.session.session", "rtcli.session.dialing", "rtcli.session.recorder", "rtcli.commands.all_commands")


async def at_prompt(options: ChatOptions) -> ExitCode:
    """Run the prompt until the user leaves. The built-in server, if that is the endpoint, runs in a child."""
    from rtcli.config.folders import history_file
    from rtcli.repl.loop import run_repl

    # Before the prompt is painted: a key that cannot be bound is told on a plain line.
    keys = keys_of(options.settings)
    async with AsyncExitStack() as stack:

        async def open_context() -> Context:
            return await _open_context(options, stack)

        return await run_repl(
            open_context,
            display=options.display,
            label=options.endpoint.label,
            greeting=options.greeting(prompt=True),
            keys=keys,
            history=history_file(),
            vi=options.settings.get("editing") == "vi",
            color=color_for(options.streams.stdout, options.settings.get("theme")),
            streams=options.streams,
        )


def _load() -> None:
    """Import what a session needs, in a thread: on the loop, a key would show a tenth of a second late."""
    for name in _NEEDED:
        import_module(name)


async def _open_context(options: ChatOptions, stack: AsyncExitStack) -> Context:
    """The session, not started yet."""
    from rtcli.cli.connect import context_for, minted_for, serving_in_child_process, session_for

    relay = _Relay()
    loading = asyncio.get_running_loop().run_in_executor(None, _load)
    endpoint = await stack.enter_async_context(
        serving_in_child_process(options.endpoint, relay.say, relay.show, pace=options.pace)
    )
    await loading
    endpoint, minted = await minted_for(options, endpoint)
    session = session_for(options, endpoint, terminal=True)
    if minted:
        session.observe_request("POST", minted, 200)
    options.recording.resume_in(session)  # before "last" would be the recording of this session
    if (problem := options.recording.begin(session.recorder, prompt=True)) is not None:
        relay.show(problem)
    session.patience.limit = options.limit
    session.patience.start()
    if options.audio.listens:
        session.audio.unmute()
    # The prompt subscribes to the session as soon as this returns: only then is there somebody to show lines to.
    asyncio.get_running_loop().call_soon(relay.show_on, session.show)
    return context_for(options, session)


class _Relay:
    """Hands lines of the child on as notices, from the moment there is somebody to show them to."""

    def __init__(self) -> None:
        self._waiting: list[View] = []
        self._show: Callable[[View], None] = self._waiting.append

    def say(self, line: str) -> None:
        """One line that the child wrote for users; what concerns operators of a server is left out."""
        if line.startswith(_SHOWN_PREFIXES):
            self._show(Notice(line))

    def show(self, view: View) -> None:
        """A view of ours, in its place among these lines."""
        self._show(view)

    def show_on(self, show: Callable[[View], None]) -> None:
        """Show what has come and what will come."""
        self._show = show
        for view in self._waiting:
            show(view)
