"""The proxy in a pipe: NDJSON on stdout, commands from standard input, until a signal comes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rtcli.cli import report
from rtcli.cli.output import StdoutConsumer
from rtcli.cli.proxy.inbox import Inbox
from rtcli.cli.proxy.ndjson import lines
from rtcli.errors import ExitCode
from rtcli.protocol.filters import parse_filter

if TYPE_CHECKING:
    from rtcli.cli.proxy.options import ProxyOptions
    from rtcli.proxy.watch import Seen


async def in_pipe(options: ProxyOptions) -> ExitCode:
    """Run until a signal cancels this, or the reader of stdout leaves."""
    from rtcli.cli.proxy.running import running
    from rtcli.terminal.sink import Sink

    consumer = StdoutConsumer()
    out = Sink(sys.stdout, consumer.leave)
    inbox: Inbox[bytes] = Inbox(lambda data: out.write(data.decode(errors="replace")))
    wire_filter = parse_filter(options.display.filter)
    show_all = options.display.events != "off"

    def seen(records: list[Seen]) -> None:
        data = lines(records, wire_filter)
        inbox.put(data, len(data))

    async with running(options, prompt=False, seen=seen, active=lambda: show_all, show=report.notice) as proxied:
        report.notice(proxied.greeting)
        await consumer.gone.wait()
    if consumer.problem is not None:
        raise consumer.problem
    return ExitCode.OK
