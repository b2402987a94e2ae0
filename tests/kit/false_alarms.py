"""What the rules object to in recorded sessions although the server took it: an error that is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rtcli.lint import Linter, Severity
from rtcli.lint.rule import AT_END
from rtcli.protocol.filters import type_of
from rtcli.protocol.record import Frame
from rtcli.recording.reader import open_recording


def false_alarms(folder: Path) -> Iterator[str]:
    """Each finding of severity error about an event that the server did not refuse."""
    for file in sorted(folder.glob("*.ndjson")):
        linter, refused = Linter(), set[int | None]()
        with open_recording(str(file)) as reader:
            for record in reader:
                linter.observe(record)
                if isinstance(record, Frame) and type_of(record) == "error":
                    refused.add(record.parent)
        for finding in linter.finish():
            judged = finding.rule.severity is Severity.ERROR and AT_END not in finding.rule.on
            if judged and finding.number not in refused:
                yield f"{file.name} #{finding.number} {finding.rule.id}: {finding.text}"


def sessions(folder: Path) -> int:
    """How many sessions were recorded there."""
    return len([*folder.glob("*.ndjson")])
