"""The command that judges a session by the rules of the protocol."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import Annotated

from rtcli.commands.arguments import Choice
from rtcli.commands.context import Context
from rtcli.commands.findings import findings_views
from rtcli.commands.records import records_so_far
from rtcli.commands.registry import command
from rtcli.lint import RULES, Linter
from rtcli.protocol.record import Record
from rtcli.views import Notice, Views


@command("check", topic="wire")
async def check(context: Context, rule: Annotated[str | None, Choice(*(one.id for one in RULES))] = None) -> Views:
    """Check the session so far by the rules of the protocol; /check RULE explains one.

    Unanswered calls and the like are reported as if the session ended now.
    """
    if rule is not None:
        found = next(one for one in RULES if one.id == rule)
        return Notice(f"{found.id}: {found.sentence}", f"{found.severity}, prevents: {found.prevents}")
    linter = Linter()
    stop = threading.Event()
    try:  # in a thread: a long session must not hold up the conversation
        await asyncio.to_thread(_feed, linter, records_so_far(context), stop)
    finally:
        stop.set()
    return findings_views(linter.finish(), sum(linter.more.values()))


def _feed(linter: Linter, records: Iterable[Record], stop: threading.Event) -> None:
    for record in records:
        # A thread cannot be cancelled: after Ctrl+C it would go on through an hour of records.
        if stop.is_set():
            return
        linter.observe(record)
