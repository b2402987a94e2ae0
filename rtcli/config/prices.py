"""What models cost, as OpenAI's model pages said on a date; settings can override every figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from rtcli.errors import UsageError
from rtcli.protocol.models import without_date

PRICES_DATE = "2026-11-24"
"""The day on which the table below was read."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens. Cached tokens are a part of the input and cost less.

    The field names are those of `protocol.usage.TokenUsage`; reasoning is billed within the text that is made.
    """

    input_text: float
    cached_text: float
    output_text: float
    input_audio: float
    cached_audio: float
    output_audio: float
    input_image: float
    cached_image: float

    def cost(self, tokens: Mapping[str, int]) -> float:
        """Dollars for these counts, named like the fields; names without a price cost nothing."""
        total = 0.0
        for kind in ("text", "audio", "image"):
            cached = min(tokens.get(f"cached_{kind}", 0), tokens.get(f"input_{kind}", 0))
            fresh = tokens.get(f"input_{kind}", 0) - cached
            made = tokens.get(f"output_{kind}", 0)
            total += fresh * getattr(self, f"input_{kind}") + cached * getattr(self, f"cached_{kind}")
            total += made * getattr(self, f"output_{kind}", 0.0)
        return total / 1_000_000


_FULL = Price(4.00, 0.40, 16.00, 32.00, 0.40, 64.00, 5.00, 0.50)
_REASONING = replace(_FULL, output_text=24.00)
_MINI = Price(0.60, 0.06, 2.40, 10.00, 0.30, 20.00, 0.80, 0.08)

PRICES: Mapping[str, Price] = {
    "gpt-realtime-2.1": _REASONING,
    "gpt-realtime-2.1-mini": _MINI,
    "gpt-realtime-2": _REASONING,
    "gpt-realtime-1.5": _FULL,
    "gpt-realtime": _FULL,
    "gpt-realtime-mini": _MINI,
}


def price_of(model: str, overrides: Mapping[str, Mapping[str, float]] | None = None) -> Price | None:
    """The price of a model or of a dated snapshot of it; None where the table does not know it.

    `overrides` are the `[prices."MODEL"]` tables of the settings. A model that only they know needs every figure.
    Raises UsageError for a figure that has no such name, or is missing.
    """
    name = without_date(model)
    known = PRICES.get(model) or PRICES.get(name)
    given = (overrides or {}).get(model) or (overrides or {}).get(name)
    if not given:
        return known
    names = {field.name for field in fields(Price)}
    if odd := given.keys() - names:
        raise UsageError(f'prices."{model}": unknown figure {min(odd)}', hint=f"known are {', '.join(sorted(names))}")
    if known:
        return replace(known, **given)
    if missing := names - given.keys():
        raise UsageError(f'prices."{model}": {min(missing)} is missing', hint="a model of your own needs every figure")
    return Price(**given)
