"""What responses and transcriptions cost in tokens and seconds, by modality; rate limits; percentiles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from rtcli.protocol.events import mapping_of


def _whole(value: object) -> int:
    """A count as the server wrote it; what is not a number counts as 0."""
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else 0


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens by modality. The cached counts are a part of the input counts, not an addition to them."""

    input_text: int = 0  # tokens, as all below
    input_audio: int = 0
    input_image: int = 0
    cached_text: int = 0
    cached_audio: int = 0
    cached_image: int = 0
    output_text: int = 0
    output_audio: int = 0
    output_reasoning: int = 0

    @classmethod
    def from_wire(cls, usage: object) -> TokenUsage:
        """The `usage` of a response.done, or a transcription's usage of type "tokens".

        A usage without details counts as text, cached tokens without details likewise.
        """
        whole = mapping_of(usage)
        spent = mapping_of(whole.get("input_token_details"))
        cached = mapping_of(spent.get("cached_tokens_details"))
        made = mapping_of(whole.get("output_token_details"))
        return cls(
            # other servers send totals alone
            input_text=_whole(spent.get("text_tokens") if spent else whole.get("input_tokens")),
            input_audio=_whole(spent.get("audio_tokens")),
            input_image=_whole(spent.get("image_tokens")),
            cached_text=_whole(cached.get("text_tokens") if cached else spent.get("cached_tokens")),
            cached_audio=_whole(cached.get("audio_tokens")),
            cached_image=_whole(cached.get("image_tokens")),
            output_text=_whole(made.get("text_tokens") if made else whole.get("output_tokens")),
            output_audio=_whole(made.get("audio_tokens")),
            output_reasoning=_whole(made.get("reasoning_tokens")),
        )

    def __add__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def input(self) -> int:
        """All input tokens, cached ones included."""
        return self.input_text + self.input_audio + self.input_image

    @property
    def cached(self) -> int:
        """Input tokens that the server had kept from an earlier response."""
        return self.cached_text + self.cached_audio + self.cached_image

    @property
    def output(self) -> int:
        """Text and audio made; the server counts reasoning within the text."""
        return self.output_text + self.output_audio

    @property
    def total(self) -> int:
        """Input and output."""
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class TranscriptionUsage:
    """What the transcription of the user's speech used: tokens or seconds, as its model is billed."""

    tokens: TokenUsage = TokenUsage()
    seconds: float = 0.0

    @classmethod
    def from_wire(cls, usage: object) -> TranscriptionUsage:
        """The `usage` of a transcription.completed event, of type "tokens" or "duration"."""
        whole = mapping_of(usage)
        if whole.get("type") == "duration":
            seconds = whole.get("seconds")
            return cls(seconds=float(seconds) if isinstance(seconds, int | float) and math.isfinite(seconds) else 0.0)
        return cls(tokens=TokenUsage.from_wire(whole))

    def __add__(self, other: TranscriptionUsage) -> TranscriptionUsage:
        return TranscriptionUsage(self.tokens + other.tokens, self.seconds + other.seconds)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit of a rate_limits.updated event."""

    name: str
    limit: int
    remaining: int
    reset_seconds: float


def rate_limits(event: Mapping[str, Any]) -> tuple[RateLimit, ...]:
    """The limits that a rate_limits.updated event names; an odd row is left out."""
    rows = event.get("rate_limits")
    return tuple(
        RateLimit(
            name=str(row.get("name", "?")),
            limit=_whole(row.get("limit")),
            remaining=_whole(row.get("remaining")),
            reset_seconds=float(reset) if isinstance(reset := row.get("reset_seconds"), int | float) else 0.0,
        )
        for row in (rows if isinstance(rows, Sequence) else ())
        if isinstance(row, Mapping)
    )


def percentile(values: Iterable[float], share: float) -> float | None:
    """The nearest-rank percentile: the smallest value that `share` (0 to 1) of the values do not exceed.

    None without values. Nearest rank never invents a figure that was not measured.
    """
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
