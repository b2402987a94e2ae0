"""The occurrences of a session: what happened between its frames, to be listed, searched and explained."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from rtcli.masking import masked_start
from rtcli.protocol.occurrences import Occurrence, half_answer, of_connection, of_devices, of_mark, of_request
from rtcli.protocol.record import Connected, Connection, Device, Http, Mark
from rtcli.session.log import WireLog
from rtcli.session.part import Part, moment
from rtcli.session.transcripts import TranscriptStreams

_MAX_MOMENTS = 2000
_MAX_TEXT = 4000
"""Characters of an answer that broke off; its frames have the rest."""


class Occurrences(Part):
    """Keeps the newest occurrences. Comes before the transcripts, which end what is open when a connection does."""

    def __init__(self, log: WireLog, transcripts: TranscriptStreams) -> None:
        self._log = log
        self._transcripts = transcripts
        self._devices: Device | None = None
        self._dialed = False
        self._kept: deque[Occurrence] = deque(maxlen=_MAX_MOMENTS)

    @property
    def all(self) -> tuple[Occurrence, ...]:
        """Those that are kept, oldest first; also for another thread."""
        return tuple(self._kept)

    def last(self, kind: str = "") -> Occurrence | None:
        """The newest one, of a kind where that is given."""
        return next((one for one in reversed(self._kept) if kind in ("", one.kind)), None)

    @property
    def last_loss(self) -> Occurrence | None:
        """When a connection was lost last."""
        return next((one for one in reversed(self._kept) if one.failed), None)

    def around(self, found: Occurrence) -> tuple[Occurrence, ...]:
        """Those that belong to one occurrence, the newest first: an answer broke off with its connection."""
        same = [one for one in self._kept if one.after == found.after and one.kind == "half answer" and found.ends]
        return (found, *same)

    @moment(Connection)
    def _on_connection(self, record: Connection) -> Iterable[Occurrence]:
        after = self._log.last_number
        again, self._dialed = self._dialed, True
        yield self._keep(of_connection(record, after, again=again))
        if record.state in (Connected.CLOSED, Connected.LOST):
            for (item_id, _), (text, _spoken) in self._transcripts.open_parts().items():
                yield self._keep(half_answer(record.at, after, item_id, masked_start(text, _MAX_TEXT, "")))

    @moment(Device)
    def _on_device(self, record: Device) -> Iterable[Occurrence]:
        changed = of_devices(record, self._devices, self._log.last_number)
        self._devices = record
        return () if changed is None else (self._keep(changed),)

    @moment(Mark)
    def _on_mark(self, record: Mark) -> None:
        self._keep(of_mark(record, self._log.last_number))  # shown by the reports, as the command's answer

    @moment(Http)
    def _on_http(self, record: Http) -> Iterable[Occurrence]:
        return (self._keep(of_request(record, self._log.last_number)),)

    def _keep(self, one: Occurrence) -> Occurrence:
        self._kept.append(one)
        return one
