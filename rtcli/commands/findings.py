"""What the rules of the protocol object to, as views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtcli.lint import RULES, Finding, Severity
from rtcli.views import Level, Notice, Table, counted

if TYPE_CHECKING:
    from rtcli.views import View

# A note is not worth a warning's color.
_LEVELS = {Severity.ERROR: Level.ERROR, Severity.WARNING: Level.WARNING, Severity.NOTE: Level.INFO}


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
