"""/check: the rules of the protocol over the session so far."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtcli.commands.findings import findings_views
from rtcli.errors import UsageError
from rtcli.lint import RULES, Finding, Severity
from rtcli.views import Level, Notice, Table
from tests.kit.sessions import Live

DELETE = '/send {"type": "conversation.item.delete", "item_id": "item_x"}'


async def judge(live: Live) -> tuple[set[str], Notice]:
    """The rules that are broken, and the sentence below the table."""
    *tables, notice = await live.run("/check")
    assert isinstance(notice, Notice)
    return {row[2] for table in tables if isinstance(table, Table) for row in table.rows}, notice


async def test_a_session_is_judged_as_far_as_it_has_come(live: Live) -> None:
    """An item that does not exist is found, under the number that /show takes."""
    assert "unknown-item" not in (await judge(live))[0]
    await live.run(DELETE)
    await live.until(lambda: live.records("error"))
    rules, notice = await judge(live)

    assert {"unknown-item", "refused"} <= rules
    assert notice.level is Level.ERROR and "1 error" in notice.what


async def test_a_recorded_session_is_judged_by_its_recording(live: Live, tmp_path: Path) -> None:
    """What the log has let go of is in the file."""
    await live.run(f"/record start {tmp_path / 'session.ndjson'}")
    await live.run(DELETE)
    await live.until(lambda: live.records("error"))

    assert "unknown-item" in (await judge(live))[0]


async def test_a_session_that_is_forgotten_in_part_is_not_judged(live: Live) -> None:
    """A cut within audio that the log has evicted would look like one beyond it."""
    live.session.state.log.shrink(1)
    await live.run("/say hello")
    await live.until(lambda: live.session.state.log.forgotten)
    with pytest.raises(UsageError, match="no longer in the log"):
        await live.run("/check")


async def test_a_rule_is_explained(live: Live) -> None:
    """By its name, which may be shortened as far as it stays unique."""
    (notice,) = await live.run("/check create-w")

    assert isinstance(notice, Notice)
    assert notice.what.startswith("create-while-active: ") and "prevents" in notice.why
    with pytest.raises(UsageError):
        await live.run("/check nosuch")


def test_the_worst_finding_colors_the_sentence() -> None:
    """And every severity is counted."""
    by_severity = {severity: next(rule for rule in RULES if rule.severity is severity) for severity in Severity}
    findings = [Finding(by_severity[severity], "x", 1) for severity in Severity]
    levels = [findings_views(findings[start:])[-1] for start in range(3)]

    assert [view.level for view in levels if isinstance(view, Notice)] == [Level.ERROR, Level.WARNING, Level.INFO]
    assert findings_views([])[0] == Notice("no findings", f"{len(RULES)} rules", level=Level.OK)
    assert "3 more findings" in str(findings_views(findings, 3)[-1])
