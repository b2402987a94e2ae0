"""The proxy at a prompt: the event view of all connections, and commands for one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from rtcli.cli.options import keys_of
from rtcli.cli.output import color_for
from rtcli.cli.proxy.inbox import Inbox
from rtcli.errors import ExitCode
from rtcli.protocol.occurrences import Occurrence
from rtcli.protocol.record import Frame
from rtcli.views import Labeled, Level, Notice, View, counted

if TYPE_CHECKING:
    from rtcli.cli.proxy.options import ProxyOptions
    from rtcli.proxy.watch import Seen


async def at_prompt(options: ProxyOptions) -> ExitCode:
    """Run the prompt until the user leaves."""
    from rtcli.cli.proxy.running import running
    from rtcli.config.folders import history_file
    from rtcli.repl.backend import ProxyBackend
    from rtcli.repl.loop import run_prompt

    screen = _Screen()
    recorded = options.folder(prompt=True) is not None
    async with AsyncExitStack() as stack:

        async def open_backend() -> ProxyBackend:
            control = await stack.enter_async_context(
                running(
                    options,
                    prompt=True,
                    seen=screen.seen,
                    # Nobody looks and nothing is recorded: then no frame has to be parsed.
                    active=lambda: recorded or options.display.events != "off",
                    show=screen.show,
                )
            )
            screen.show(control.greeting)
            return ProxyBackend(options.context(control), screen.attach)

        return await run_prompt(
            open_backend,
            display=options.display,
            label="proxy",
            keys=keys_of(options.settings),
            history=history_file(),
            vi=options.settings.get("editing") == "vi",
            color=color_for(sys.stdout, options.settings.get("theme")),
        )


class _Screen:
    """Hands views to the prompt: what comes before that is ready waits, what it does not take in time is counted."""

    def __init__(self) -> None:
        self._show: Callable[[View], None] | None = None
        self._early: list[View] = []
        self._inbox: Inbox[list[View]] = Inbox(self._take)
        self._left_out = 0

    def attach(self, show: Callable[[View], None]) -> None:
        """From now on there is a prompt."""
        self._show = show
        early, self._early = self._early, []
        for view in early:
            show(view)

    def show(self, view: View) -> None:
        """A view, on the prompt's loop."""
        if self._show is not None:
            self._show(view)
        else:
            self._early.append(view)

    def seen(self, seen: list[Seen]) -> None:
        """What has passed, on the watch's thread."""
        views: list[View] = []
        size = 0
        for watched, _record, amounts in seen:
            if watched is None:  # a record of the proxy as a whole
                continue
            label = f"[{watched.link.number}]"
            for view in amounts:
                if isinstance(view, Notice):  # its hint is for those who hold the session
                    views.append(Labeled(label, replace(view, hint="")))
                elif isinstance(view, Frame | Occurrence):
                    views.append(Labeled(label, view))
                    size += view.size if isinstance(view, Frame) else 200  # about a line
        # A batch at a time: each call into the loop wakes it, and an app sends hundreds of frames a second.
        self._inbox.put(views, size)

    def _take(self, views: list[View]) -> None:
        # Said with the next batch that fits: a notice for each one that is left out would be what floods the terminal.
        missing, self._left_out = self._inbox.left_out - self._left_out, self._inbox.left_out
        if missing:
            what = (
                f"{counted(missing, 'batch of events', 'batches of events')} not shown: the terminal did not take them"
            )
            self.show(Notice(what, hint="/events N-M lists them", level=Level.WARNING))
        for view in views:
            self.show(view)
