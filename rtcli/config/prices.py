"""What models cost, as OpenAI's model pages said on a date; settings can override every figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import TypeAlias

from rtcli.errors import UsageError
from rtcli.protocol.models import without_date
from rtcli.protocol.usage import TokenUsage

PRICES_DATE = "2026-11-26"
"""The day on which the tables below were read; `make prices` compares them with what others have read."""


@dataclass(frozen=True, slots=True)
class TokenPrice:
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

    def cost(self, tokens: Mapping[str, int], seconds: float = 0.0) -> float:
        """Dollars for these counts, named like the fields; names without a price cost nothing, nor does time."""
        total = 0.0
        for kind in ("text", "audio", "image"):
            # Cached tokens are counted within the input: they must not be billed twice, nor more than there are.
            cached = min(tokens.get(f"cached_{kind}", 0), tokens.get(f"input_{kind}", 0))
            fresh = tokens.get(f"input_{kind}", 0) - cached
            made = tokens.get(f"output_{kind}", 0)
            total += fresh * getattr(self, f"input_{kind}") + cached * getattr(self, f"cached_{kind}")
            total += made * getattr(self, f"output_{kind}", 0.0)
        return total / 1_000_000


@dataclass(frozen=True, slots=True)
class MinutePrice:
    """US dollars for a minute of audio, billed by the second; `standby` for a minute of a live session that pauses."""

    minute: float
    standby: float = 0.0

    def cost(self, tokens: Mapping[str, int], seconds: float = 0.0) -> float:
        """Dollars for this much audio; tokens cost nothing."""
        return self.minute * seconds / 60


Price: TypeAlias = TokenPrice | MinutePrice

_FULL = TokenPrice(4.00, 0.40, 16.00, 32.00, 0.40, 64.00, 5.00, 0.50)  # in the order of the fields: text, audio, image
_REASONING = replace(_FULL, output_text=24.00)
_MINI = TokenPrice(0.60, 0.06, 2.40, 10.00, 0.30, 20.00, 0.80, 0.08)

PRICES: Mapping[str, TokenPrice] = {
    "gpt-realtime-2.1": _REASONING,
    "gpt-realtime-2.1-mini": _MINI,
    "gpt-realtime-2": _REASONING,
    "gpt-realtime-1.5": _FULL,
    "gpt-realtime": _FULL,
    "gpt-realtime-mini": _MINI,
    "gpt-4o-transcribe": TokenPrice(2.50, 2.50, 10.00, 6.00, 6.00, 0.0, 0.0, 0.0),
    "gpt-4o-mini-transcribe": TokenPrice(1.25, 1.25, 5.00, 3.00, 3.00, 0.0, 0.0, 0.0),
}
"""Models that are billed by token."""

MINUTE_PRICES: Mapping[str, MinutePrice] = {
    "gpt-realtime-whisper": MinutePrice(0.017),
    "gpt-live-transcribe": MinutePrice(0.017),
    "gpt-transcribe": MinutePrice(0.0045),
    "whisper-1": MinutePrice(0.006),
    "gpt-realtime-translate": MinutePrice(0.034),
    "gpt-live-1": MinutePrice(0.05, standby=0.02),
    "gpt-live-1.1": MinutePrice(0.05, standby=0.02),
}
"""Models that are billed by time."""


def price_of(model: str, overrides: Mapping[str, Mapping[str, float]] | None = None) -> Price | None:
    """The price of a model or of a dated snapshot of it; None where no table knows it.

    `overrides` are the `[prices."MODEL"]` tables of the settings. A model that only they know needs every figure: of
    tokens, or `minute`, which prices any model by time. Raises UsageError for a figure that has no such name, or is
    missing.
    """
    name = without_date(model)
    known = _known(model) or _known(name)  # a snapshot may have a price of its own
    given = (overrides or {}).get(model) or (overrides or {}).get(name)
    if not given:
        return known
    # One figure of the settings says by which of the two a model is billed, also against our table.
    form: type[Price] = MinutePrice if "minute" in given else type(known) if known else TokenPrice
    names = {field.name for field in fields(form)}
    if odd := given.keys() - names:
        raise UsageError(f'prices."{model}": unknown figure {min(odd)}', hint=f"known are {', '.join(sorted(names))}")
    figures = {**(asdict(known) if known and isinstance(known, form) else {}), **given}
    needed = {field.name for field in fields(form) if field.default is MISSING}
    if missing := needed - figures.keys():
        raise UsageError(f'prices."{model}": {min(missing)} is missing', hint="a model of your own needs every figure")
    return form(**figures)


def _known(model: str) -> Price | None:
    return PRICES.get(model) or MINUTE_PRICES.get(model)


def cost_by(overrides: Mapping[str, Mapping[str, float]] | None) -> Callable[[str, TokenUsage], float | None]:
    """What tokens of a model cost, by our table and these prices; None where it has no price."""

    def cost(model: str, usage: TokenUsage) -> float | None:
        price = price_of(model, overrides)
        return None if price is None else price.cost(asdict(usage))

    return cost
