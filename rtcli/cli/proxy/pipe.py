"""The proxy in a pipe: NDJSON on stdout, commands from standard input, until a signal comes."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from rtcli.cli import report
from rtcli.cli.output import StdoutConsumer
from rtcli.cli.proxy.inbox import Inbox
from rtcli.cli.proxy.ndjson import lines
from rtcli.errors import ExitCode, RtcliError
from rtcli.protocol.filters import parse_filter
from rtcli.views import Quit

if TYPE_CHECKING:
    from rtcli.cli.proxy.options import ProxyOptions
    from rtcli.commands import Context
    from rtcli.proxy.watch import Seen
    from rtcli.terminal.sink import Sink


async def in_pipe(options: ProxyOptions) -> ExitCode:
    """Run until a signal cancels this, a /quit comes, or the reader of stdout leaves."""
    from rtcli.cli.proxy.running import running
    from rtcli.terminal.sink import Sink

    consumer = StdoutConsumer()
    out = Sink(sys.stdout, consumer.leave)
    # Lines are made on the watch's thread: the loop has only to write them.
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
        try:
            return await consumer.while_reading(_commands(options.context(proxied), out))
        finally:
            if inbox.left_out:
                report.line("warning: events were not printed: the reader of standard output did not take them in time")


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
    # A proxy that is started with </dev/null, as in CI, has to go on.
    await asyncio.Event().wait()
    raise AssertionError("a signal ends this")
