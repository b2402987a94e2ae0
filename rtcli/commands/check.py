"""The command that judges a session by the rules of the protocol."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import Annotated

from rtcli.commands.arguments import Choice
from rtcli.commands.context import Context
from rtcli.commands.records import records_so_far
from rtcli.commands.registry import command
from rtcli.lint import RULES, Finding, Linter, Severity
from rtcli.protocol.record import Record
from rtcli.views import Level, Notice, Table, View, Views, counted

# A note is not worth a warning's color.
_LEVELS = {Severity.ERROR: Level.ERROR, Severity.WARNING: Level.WARNING, Severity.NOTE: Level.INFO}


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


def findings_views(findings: list[Finding], more: int = 0) -> list[View]:
    """What was found as a table, and a sentence that counts it; `more` were not kept."""
    if not findings:
        return [Notice("no findings", f"{len(RULES)} rules", level=Level.OK)]
    rows = tuple(
        (finding.rule.severity.value, f"#{finding.number}" if finding.number else "", finding.rule.id, finding.text)
        for finding in findings
    )
    counts = {severity: sum(one.rule.severity is severity for one in findings) for severity in Severity}
    what = ", ".join(counted(count, severity.value) for severity, count in counts.items() if count)
    worst = next(severity for severity in Severity if counts[severity])
    left_out = f"{counted(more, 'more finding')} of the same rules" if more else ""
    hint = "/why N shows what led to an event, /check RULE what a rule prevents"
    return [Table(("", "event", "rule", "finding"), rows), Notice(what, left_out, hint, level=_LEVELS[worst])]
