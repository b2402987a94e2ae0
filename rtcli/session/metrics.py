"""What the session measures: turns, tokens by modality, transcription, rate limits, the round trip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rtcli.protocol.record import Frame
from rtcli.protocol.usage import RateLimit, TokenUsage, TranscriptionUsage, rate_limits
from rtcli.session.latency import Turns


class SessionMetrics:
    """Sums over one session of a person, reconnections included."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.usage: dict[str, TokenUsage] = {}
        self.responses = 0
        self.transcription = TranscriptionUsage()
        self.limits: tuple[RateLimit, ...] = ()
        self.round_trip: float | None = None
        self.model = ""

    def saw(self, record: Frame) -> None:
        """Take in one frame."""
        if record.event is None:
            return
        self.turns.observe(record)
        act = _TABLE.get(str(record.event.get("type")))
        if act:
            act(self, record.event)

    @property
    def total(self) -> TokenUsage:
        """Tokens of all responses, whatever the model."""
        return sum(self.usage.values(), TokenUsage())

    def _session(self, event: Mapping[str, Any]) -> None:
        session = event.get("session")
        if isinstance(session, Mapping) and isinstance(model := session.get("model"), str):
            self.model = model

    def _response(self, event: Mapping[str, Any]) -> None:
        response = event.get("response")
        if isinstance(response, Mapping):
            self.responses += 1
            used = TokenUsage.from_wire(response.get("usage"))
            self.usage[self.model] = self.usage.get(self.model, TokenUsage()) + used

    def _transcribed(self, event: Mapping[str, Any]) -> None:
        self.transcription += TranscriptionUsage.from_wire(event.get("usage"))

    def _limits(self, event: Mapping[str, Any]) -> None:
        self.limits = rate_limits(event)

    def short(self) -> dict[str, str]:
        """The figures for a toolbar."""
        figures = {}
        for share, name in ((0.5, "first p50"), (0.95, "first p95")):
            value = self.turns.summary("first delta", share)
            if value is not None:
                figures[name] = f"{value:.0f} ms"
        if self.total.total:
            figures["tokens"] = f"{self.total.total:,}"
        if self.round_trip is not None:
            figures["ping"] = f"{self.round_trip * 1000:.0f} ms"
        return figures


_TABLE: Mapping[str, Callable[[SessionMetrics, Mapping[str, Any]], None]] = {
    "session.created": SessionMetrics._session,
    "session.updated": SessionMetrics._session,
    "response.done": SessionMetrics._response,
    "conversation.item.input_audio_transcription.completed": SessionMetrics._transcribed,
    "rate_limits.updated": SessionMetrics._limits,
}
