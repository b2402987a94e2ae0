"""The spans of a trace as OTLP/JSON writes them: ids in hex, times in nanoseconds, 64-bit numbers as text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

INTERNAL, CLIENT = 1, 3  # kinds of span
_ERROR = 2  # code of a status
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TYPE = 60  # characters of error.type, which is to take few values


class Trace:
    """Collects the spans of one trace. Moments come in seconds since `started`; what has not ended ends `now`.

    Ids are made of `name` and of the order of the spans, so that the same session gives the same ones.
    """

    def __init__(self, started: datetime, now: float, name: str) -> None:
        # As an integer: a float of today's nanoseconds is wrong by hundreds of them.
        self._began = (started - _EPOCH) // timedelta(microseconds=1) * 1000
        self._now = now
        self._id = hashlib.sha256(name.encode()).hexdigest()[:32]
        self.spans: list[dict[str, Any]] = []

    def __repr__(self) -> str:
        return f"<Trace {self._id}: {len(self.spans)} spans>"

    def span(
        self,
        name: str,
        start: float,
        end: float | None,
        parent: str = "",
        about: Mapping[str, object] | None = None,
        *,
        kind: int = INTERNAL,
        moments: Iterable[tuple[float, str, Mapping[str, object]]] = (),
        error: str = "",
    ) -> str:
        """Add a span; its id. `error` says that it failed, and why."""
        span_id = hashlib.sha256(f"{self._id} {len(self.spans)}".encode()).hexdigest()[:16]
        extra: dict[str, object] = {"rtcli.unfinished": True} if end is None else {}
        if error:
            extra |= {"error.type": error.partition(",")[0].partition(":")[0][:_MAX_TYPE]}
        span: dict[str, Any] = {
            "traceId": self._id,
            "spanId": span_id,
            "name": name,
            "kind": kind,
            "startTimeUnixNano": self._time(start),
            "endTimeUnixNano": self._time(max(start, self._now if end is None else end)),
            "attributes": attributes({**(about or {}), **extra}),
        }
        if parent:
            span["parentSpanId"] = parent
        if found := [self._event(*moment) for moment in moments]:
            span["events"] = found
        if error:
            span["status"] = {"code": _ERROR, "message": error}
        self.spans.append(span)
        return span_id

    def _event(self, at: float, name: str, about: Mapping[str, object]) -> dict[str, Any]:
        return {"timeUnixNano": self._time(at), "name": name, "attributes": attributes(about)}

    def _time(self, at: float) -> str:
        return str(self._began + round(at * 1e9))


def attributes(values: Mapping[str, object]) -> list[dict[str, Any]]:
    """Attributes as OTLP has them, those without a value left out."""
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value not in ("", None, [])]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(inner) for inner in value]}}
    # bool first, which is an int as well.
    for kind, name in ((bool, "boolValue"), (int, "intValue"), (float, "doubleValue")):
        if isinstance(value, kind):
            # JSON's numbers are doubles: OTLP writes 64-bit integers as text.
            return {name: str(value) if kind is int else value}
    return {"stringValue": str(value)}
