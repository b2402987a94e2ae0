"""What happened between the frames, in words: a connection, a device, a mark, an answer that broke off."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from rtcli.protocol.close_codes import describe_close
from rtcli.protocol.ids import short_id
from rtcli.protocol.record import Connected, Connection, Device, Frame, Http, Mark


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that is no frame. It happened in second `at`, behind frame number `after`.

    `kind` is "connection", "device", "mark", "request" or "half answer". `ends`: the connection was over by it;
    `failed`: it broke, and was not closed.
    """

    at: float
    after: int
    kind: str
    words: str
    ends: bool = False
    failed: bool = False


def of_connection(record: Connection, after: int, *, again: bool) -> Occurrence:
    """A connection is dialed (`again`: not for the first time), open, closed or lost."""
    ends = record.state in (Connected.CLOSED, Connected.LOST)
    told = record.state is Connected.LOST or record.code is not None
    words = {
        Connected.DIALING: f"dialing {'again ' if again else ''}{_place(record.url)}".rstrip(),
        Connected.OPEN: "open",
        Connected.CLOSED: "closed",
        Connected.LOST: "lost",
    }[record.state]
    words += f": {describe_close(record.code, record.reason)}" if ends and told else ""
    return Occurrence(record.at, after, "connection", words, ends, record.state is Connected.LOST)


def of_devices(record: Device, before: Device | None, after: int) -> Occurrence | None:
    """What is different about the devices; None where nothing is."""
    old = before or Device(0.0, None, None, muted=True)
    changes = []
    if record.input != old.input:
        changes.append(f"microphone {record.input}" if record.input else f"microphone {old.input} closed")
    if record.input and (record.muted, record.input) != (old.muted, old.input):
        changes.append("muted" if record.muted else "live")
    if record.output != old.output:
        changes.append(f"speaker {record.output}" if record.output else f"speaker {old.output} gone")
    return Occurrence(record.at, after, "device", ", ".join(changes)) if changes else None


def of_mark(record: Mark, after: int) -> Occurrence:
    """A note of the user."""
    return Occurrence(record.at, after, "mark", record.note)


def of_request(record: Http, after: int) -> Occurrence:
    """A request beside the session."""
    return Occurrence(record.at, after, "request", f"{record.method} {record.path}: {record.status or 'no answer'}")


def half_answer(at: float, after: int, item_id: str, text: str) -> Occurrence:
    """What had come of an answer when its connection ended."""
    return Occurrence(at, after, "half answer", f"{short_id(item_id)} “{text}”")


def interleaved(frames: Iterable[Frame], occurrences: Iterable[Occurrence]) -> Iterator[Frame | Occurrence]:
    """Both, in the order in which they happened."""
    waiting = deque(occurrences)
    for frame in frames:
        while waiting and waiting[0].after < frame.number:
            yield waiting.popleft()
        yield frame
    yield from waiting


def _place(url: str) -> str:
    """An address without its query, which may hold a key."""
    try:
        parts = urlsplit(url)
    except ValueError:  # of a recording that somebody has edited
        return ""
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"
