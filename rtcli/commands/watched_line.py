"""Carries out a line at the prompt of a proxy: what looks finds a state that holds still."""

from __future__ import annotations

import inspect
from dataclasses import replace

from rtcli.commands.context import Context
from rtcli.commands.line import as_list, parse_arguments, run_line
from rtcli.commands.registry import Command
from rtcli.errors import UsageError
from rtcli.views import Chart, View


async def run_watched_line(line: str, context: Context) -> list[View]:
    """One line; what there is to show for it. Raises the errors of `rtcli.errors`. Two must not run at a time."""
    entry = _command_of(line, context)
    if entry is None or entry[0].topic != "proxy":
        with context.proxy.looking():
            views = await run_line(line, context)
        return [_drawn_again_quietly(view, context) for view in views]
    command, rest = entry
    with context.proxy.looking():
        arguments, options = parse_arguments(command, rest, context)
    # Not while the state holds still: the command waits for the relay's thread, which may be feeding that very state.
    result = command.handler(context, *arguments, **options)
    return as_list(await result if inspect.isawaitable(result) else result)


def _command_of(line: str, context: Context) -> tuple[Command, str] | None:
    text = line.strip()
    if not text.startswith("/") or "\n" in text:
        return None
    try:
        return context.registry.resolve(text[1:])
    except UsageError:  # it is told by the way of any other line
        return None


def _drawn_again_quietly(view: View, context: Context) -> View:
    """A chart of something that goes on looks at the state whenever it is drawn; not while that is being fed."""
    if not isinstance(view, Chart) or view.again is None:
        return view
    again = view.again

    def drawn() -> Chart:
        with context.proxy.glancing() as still:
            drawn_now = _drawn_again_quietly(again(), context) if still else chart
        assert isinstance(drawn_now, Chart)
        return drawn_now

    chart = replace(view, again=drawn)
    return chart
