"""Compares our price tables with the package genai-prices: make prices. Ends with 1 where they differ."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib.metadata import version
from itertools import chain
from typing import Any

from rtcli.config.prices import MINUTE_PRICES, PRICES, PRICES_DATE, MinutePrice, Price

# Our figure, its name there, and the figure that stands for it there where it has no price of its own.
_TOKENS: Mapping[str, tuple[str, str]] = {
    "input_text": ("input_mtok", ""),
    "cached_text": ("cache_read_mtok", "input_mtok"),
    "output_text": ("output_mtok", ""),
    "input_audio": ("input_audio_mtok", ""),
    "cached_audio": ("cache_audio_read_mtok", "input_audio_mtok"),
    "output_audio": ("output_audio_mtok", ""),
    "input_image": ("input_image_mtok", ""),
    "cached_image": ("cache_image_read_mtok", "input_image_mtok"),
}
_MINUTES: Mapping[str, tuple[str, str]] = {"minute": ("audio_hours", "input_audio_hours")}


def differences(model: str, ours: Price, theirs: Any) -> Iterator[str]:
    """A line for each figure that is another there; `theirs` has a number, or None, for each name."""
    names, minutes_in_hour = (_MINUTES, 60) if isinstance(ours, MinutePrice) else (_TOKENS, 1)
    for field in fields(ours):
        if field.name not in names:
            continue  # nobody else lists it
        name, stand_in = names[field.name]
        value = getattr(theirs, name, None)
        if value is None and stand_in:
            value = getattr(theirs, stand_in, None)
        if value is not None and not isinstance(value, (int, float)) and not hasattr(value, "as_tuple"):
            yield f"{model}: {field.name} has tiers there: {value}"
            continue
        other = float(value or 0) / minutes_in_hour
        if abs(getattr(ours, field.name) - other) > 1e-6:
            yield f"{model}: {field.name} is {getattr(ours, field.name):g} here, {other:g} there"


def compare(find: Any) -> tuple[list[str], list[str]]:
    """(differences, models that are unknown there); `find` gives a model's prices by its name, or None."""
    found, unknown = list[str](), list[str]()
    for model, ours in chain[tuple[str, Price]](PRICES.items(), MINUTE_PRICES.items()):
        theirs = find(model)
        if theirs is None:
            unknown.append(model)
        else:
            found += differences(model, ours, theirs)
    return found, unknown


def main() -> int:
    """Print what differs."""
    from genai_prices.data import providers  # noqa: PLC0415  (make prices installs it)

    models = next(provider for provider in providers if provider.id == "openai").models

    def find(model: str) -> Any:
        return next((known.prices for known in models if known.is_match(model)), None)

    found, unknown = compare(find)
    lines = [*found, *(f"{model}: not in genai-prices" for model in unknown)]
    end = f"{len(found)} figures differ" if found else "no figure differs"
    lines.append(f"ours of {PRICES_DATE}, genai-prices {version('genai-prices')}: {end}")
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
