"""What an exporter reads, and what it says about what it wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from rtcli.protocol.record import Record
from rtcli.timeline.timeline import Timeline
from rtcli.views import counted

Write: TypeAlias = Callable[[bytes], object]
"""Takes the next bytes of a file."""


@dataclass(frozen=True, slots=True)
class Source:
    """A session: `records` reads it from its beginning, each time anew. `started` is when its clock stood at 0.

    `program` is the version of rtcli.
    """

    records: Callable[[], Iterable[Record]]
    started: datetime | None = None
    endpoint: str = ""
    model: str = ""
    program: str = ""


@dataclass(frozen=True, slots=True)
class Exported:
    """`what` was written, in a few words; `notes` are what of the session is not in it, a sentence each."""

    what: str
    notes: tuple[str, ...] = ()


def forgotten(timeline: Timeline) -> tuple[str, ...]:
    """A note where a timeline has let its oldest turns go."""
    first = timeline.turns[0].number if timeline.turns else 1
    return (f"the first {counted(first - 1, 'turn')} of so long a session left out",) if first > 1 else ()
