"""What the session counts: tokens by modality, transcription, rate limits; and the figures for a toolbar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.protocol.record import Frame
from rtcli.protocol.usage import RateLimit, TokenUsage, TranscriptionUsage, percentile, rate_limits
from rtcli.session import setting_paths
from rtcli.session.part import Part, received
from rtcli.timeline.figures import values
from rtcli.timeline.timeline import Timeline

_SHORT_TURNS = 100
"""Turns behind the figures of a toolbar."""


class SessionMetrics(Part):
    """Sums over one session of a user, reconnections included."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.usage: dict[str, TokenUsage] = {}
        self.responses = 0
        self.transcriptions: dict[str, TranscriptionUsage] = {}  # by the model that transcribes
        self.limits: tuple[RateLimit, ...] = ()
        self.model = ""
        self._transcriber = ""
        self._short: dict[str, str] = {}
        self._short_of = -1  # the state of the timeline that these are of

    @property
    def total(self) -> TokenUsage:
        """Tokens of all responses, whatever the model."""
        return sum(self.usage.values(), TokenUsage())

    @property
    def transcription(self) -> TranscriptionUsage:
        """What transcribing the user's speech used, whatever the model."""
        return sum(self.transcriptions.values(), TranscriptionUsage())

    @received("session.created", "session.updated")
    def _on_session(self, event: Mapping[str, Any], _frame: Frame) -> None:
        session = event.get("session")
        if isinstance(session, Mapping):
            if isinstance(model := session.get("model"), str):
                self.model = model
            if isinstance(model := setting_paths.get(session, "audio.input.transcription.model"), str):
                self._transcriber = model

    @received("response.done")
    def _on_response_done(self, event: Mapping[str, Any], _frame: Frame) -> None:
        response = event.get("response")
        if isinstance(response, Mapping):
            self.responses += 1
            used = TokenUsage.from_wire(response.get("usage"))
            self.usage[self.model] = self.usage.get(self.model, TokenUsage()) + used

    @received("conversation.item.input_audio_transcription.completed")
    def _on_conversation_item_input_audio_transcription_completed(
        self, event: Mapping[str, Any], _frame: Frame
    ) -> None:
        used = TranscriptionUsage.from_wire(event.get("usage"))
        self.transcriptions[self._transcriber] = self.transcriptions.get(self._transcriber, TranscriptionUsage()) + used

    @received("rate_limits.updated")
    def _on_rate_limits_updated(self, event: Mapping[str, Any], _frame: Frame) -> None:
        self.limits = rate_limits(event)

    def short(self) -> dict[str, str]:
        """The figures for a toolbar."""
        # A toolbar is drawn several times a second, mostly for what changes none of them.
        if self._short_of != self._timeline.changes:
            self._short, self._short_of = self._figures(), self._timeline.changes
        return dict(self._short)

    def _figures(self) -> dict[str, str]:
        figures = {}
        found = values("first_delta", self._timeline.turns[-_SHORT_TURNS:])
        for share, name in ((0.5, "first p50"), (0.95, "first p95")):
            value = percentile(found, share)
            if value is not None:
                figures[name] = f"{value:.0f} ms"
        if total := self.total.total:
            figures["tokens"] = f"{total:,}"
        return figures
