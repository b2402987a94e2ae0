"""The proxy in a pipe: NDJSON on stdout, commands from standard input, until a signal comes."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from rtcli.cli import report
from rtcli.cli.options import bounds_of
from rtcli.cli.output import StdoutConsumer
from rtcli.cli.proxy.inbox import Inbox
from rtcli.cli.proxy.ndjson import lines
from rtcli.errors import ExitCode, RtcliError
from rtcli.protocol.filters import parse_filter
from rtcli.views import Quit

if TYPE_CHECKING:
    from rtcli.cli.proxy.options import ProxyOptions
    from rtcli.commands import Context
    from rtcli.proxy.control import ProxyControl
    from rtcli.proxy.watch import Seen
    from rtcli.terminal.sink import Sink


async def in_pipe(options: ProxyOptions) -> ExitCode:
    """Run until a signal cancels this, a /quit comes, or the reader of stdout leaves."""
    from rtcli.cli.proxy.running import running
    from rtcli.terminal.sink import Sink

    consumer = StdoutConsumer()
    out = Sink(sys.stdout, consumer.leave)
    inbox: Inbox[bytes] = Inbox(lambda data: out.write(data.decode(errors="replace")))
    display = options.display

    def seen(records: list[Seen]) -> None:
        if display.events != "off":
            data = lines(records, parse_filter(display.filter))
            inbox.put(data, len(data))

    async with running(
        options, prompt=False, seen=seen, active=lambda: display.events != "off", show=report.notice
    ) as proxied:
        report.notice(proxied.greeting)
        commands = asyncio.ensure_future(_commands(_context(proxied, options), out))
        left = asyncio.ensure_future(consumer.gone.wait())
        try:
            await asyncio.wait((commands, left), return_when=asyncio.FIRST_COMPLETED)
            if consumer.problem is not None:
                raise consumer.problem
            return ExitCode.OK if left.done() else commands.result()
        finally:
            for task in (commands, left):
                task.cancel()
            await asyncio.gather(commands, left, return_exceptions=True)
            if inbox.left_out:
                report.line("warning: events were not printed: the reader of standard output did not take them in time")


def _context(proxied: ProxyControl, options: ProxyOptions) -> Context:
    from rtcli.commands import Context, proxy_registry

    return Context(
        None,
        options.display,
        proxy_registry(),
        prices=options.settings.get("prices") or {},
        bounds=bounds_of(options.settings),
        proxied=proxied,
    )


async def _commands(context: Context, out: Sink) -> ExitCode:
    """Carry out the lines of standard input, whose answers go to stderr; its end ends nothing."""
    from rtcli.cli.lines import Lines
    from rtcli.commands.watched_line import run_watched_line
    from rtcli.terminal.ndjson import NdjsonWriter
    from rtcli.terminal.sink import Sink

    writer = NdjsonWriter(out, Sink(sys.stderr))
    async for _, line in Lines("-"):
        try:
            for view in await run_watched_line(line, context):
                if isinstance(view, Quit):
                    return view.code
                writer.write(view)
        except RtcliError as error:
            report.error(error)
    await asyncio.Event().wait()
    raise AssertionError("a signal ends this")
