"""Chat in a terminal: paints the prompt first, then builds the session behind it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from rtcli.cli.output import colour_for
from rtcli.errors import ExitCode
from rtcli.views import Notice, View

if TYPE_CHECKING:
    from rtcli.cli.chat.options import ChatOptions
    from rtcli.commands import Context

_WORTH_SAYING = ("replies:", "engines:")


async def at_prompt(plan: ChatOptions) -> ExitCode:
    """Run the prompt until the person leaves. The built-in server, if that is the endpoint, runs in a child."""
    from rtcli.config.folders import history_file
    from rtcli.repl.loop import run_repl

    async with AsyncExitStack() as stack:

        async def open_context() -> Context:
            return await _open_context(plan, stack)

        return await run_repl(
            open_context,
            display=plan.display,
            label=plan.endpoint.label,
            greeting=[plan.greeting],
            keys=plan.settings.get("keys"),
            history=history_file(),
            color=colour_for(sys.stdout, plan.settings.get("theme")),
        )


async def _open_context(plan: ChatOptions, stack: AsyncExitStack) -> Context:
    """The session, not started yet."""
    from rtcli.cli.connect import served_by_child, session_for
    from rtcli.commands import Context, default_registry

    relay = _Relay()
    place = await stack.enter_async_context(served_by_child(plan.endpoint, relay.say))
    session = session_for(plan, place, terminal=True)
    if plan.sound.listens:
        session.transport.mute(False)
    # The prompt subscribes to the session as soon as this returns: only then is there somebody to show lines to.
    asyncio.get_running_loop().call_soon(relay.show_on, session.show)
    return Context(
        session=session,
        display=plan.display,
        registry=default_registry(),
        prices=plan.settings.get("prices") or {},
    )


class _Relay:
    """Hands lines of the child on as notices, from the moment there is somebody to show them to."""

    def __init__(self) -> None:
        self._waiting: list[View] = []
        self._show: Callable[[View], None] = self._waiting.append

    def say(self, line: str) -> None:
        """One line that the child wrote for people; what concerns operators of a server is left out."""
        if line.startswith(_WORTH_SAYING):
            self._show(Notice(line))

    def show_on(self, show: Callable[[View], None]) -> None:
        """Show what has come and what will come."""
        self._show = show
        for view in self._waiting:
            show(view)
