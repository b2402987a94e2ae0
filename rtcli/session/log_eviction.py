"""What is heavy in an event (base64 audio and images), and how it is evicted while the event stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rtcli.protocol.audio_payloads import AUDIO_FIELDS
from rtcli.protocol.record import Frame

_LIGHT = 512
"""Texts shorter than this are never worth dropping."""


def note(length: int) -> str:
    """What stands where a payload was; an event view never takes it for base64."""
    return f"<{length} characters of base64 evicted>"


def _without_payload(part: Any) -> Any:
    if not isinstance(part, Mapping):
        return part
    thin = dict(part)
    for key in ("audio", "image_url"):
        if isinstance(value := part.get(key), str) and len(value) > _LIGHT and not value.startswith("http"):
            thin[key] = note(len(value))
    return thin


class Payloads:
    """Which records still hold their payload, oldest first, and what they take together."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._held = 0
        self.evicted = 0  # payloads that are gone
        self._queue: deque[tuple[int, int, Mapping[str, Any]]] = deque()
        # Microphone frames are alike once they are thin: one event serves them all, so an hour of speech stays small.
        self._alike: dict[tuple[str, int], Mapping[str, Any]] = {}

    def keep(self, record: Frame, weight: int) -> Iterable[tuple[int, Mapping[str, Any]]]:
        """Count a record in; (number, event without payload) for each record that loses its payload now."""
        if record.event is not None:
            self._queue.append((record.number, weight, record.event))
            self._held += weight
            if self._held > self.max_bytes:
                return self._evicted()
        return ()

    def _evicted(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        while self._held > self.max_bytes:
            number, weight, event = self._queue.popleft()
            self._held -= weight
            self.evicted += 1
            yield number, self.strip_payload(event)

    @staticmethod
    def weight(event: Mapping[str, Any] | None) -> int:
        """The characters of an event that can be evicted; 0 for most events."""
        if event is None:
            return 0
        type_ = event.get("type")
        if isinstance(type_, str) and (field := AUDIO_FIELDS.get(type_)):
            value = event.get(field)
            return len(value) if isinstance(value, str) else 0
        item = event.get("item")
        if item is None:  # nearly always
            return 0
        content = item.get("content") if isinstance(item, Mapping) else None
        return sum(
            len(value)
            for part in (content if isinstance(content, list) else ())
            if isinstance(part, Mapping)
            for key in ("audio", "image_url")
            if isinstance(value := part.get(key), str) and len(value) > _LIGHT
        )

    def strip_payload(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        field = AUDIO_FIELDS.get(str(event.get("type")))
        if field:
            thin = {**event, field: note(len(event[field]))}
            if len(event) == 2:
                return self._alike.setdefault((str(event["type"]), len(event[field])), thin)
            return thin
        item = event["item"]
        return {**event, "item": {**item, "content": [_without_payload(part) for part in item["content"]]}}
