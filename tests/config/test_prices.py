"""The estimate of what a session costs."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from docs import prices as comparison
from rtcli.config.prices import MINUTE_PRICES, PRICES, MinutePrice, TokenPrice, price_of
from rtcli.errors import UsageError
from rtcli.protocol.models import MODELS, TRANSCRIBERS


def test_cached_tokens_are_a_part_of_the_input_and_cost_less() -> None:
    """1 M text tokens in, half of them cached, and 1 M spoken out."""
    price = PRICES["gpt-realtime-2.1"]

    cost = price.cost({"input_text": 1_000_000, "cached_text": 500_000, "output_audio": 1_000_000})

    assert cost == pytest.approx(0.5 * price.input_text + 0.5 * price.cached_text + price.output_audio)


def test_more_cached_than_sent_costs_no_less_than_nothing() -> None:
    """Odd counts of a server do not make a negative cost."""
    assert PRICES["gpt-realtime"].cost({"cached_audio": 5, "input_audio": 0}) == 0


def test_a_dated_snapshot_costs_what_its_model_costs() -> None:
    """gpt-realtime-2025-08-28 is gpt-realtime; a mini is not its big sister."""
    assert price_of("gpt-realtime-2025-08-28") == PRICES["gpt-realtime"]
    assert price_of("gpt-realtime-2.1-mini") != price_of("gpt-realtime-2.1")


@pytest.mark.parametrize("model", [*MODELS, *TRANSCRIBERS])
def test_what_is_offered_has_a_price(model: str) -> None:
    """Else `/usage` would say nothing of the model that it was told to use."""
    assert price_of(model) is not None


def test_a_model_nobody_knows_has_no_price() -> None:
    """No estimate is better than a wrong one."""
    assert price_of("deployment-7") is None


def test_figures_can_be_overridden_one_by_one() -> None:
    """Prices change between releases."""
    price = price_of("gpt-realtime", {"gpt-realtime": {"input_text": 9.0}})

    assert isinstance(price, TokenPrice)
    assert (price.input_text, price.output_text) == (9.0, PRICES["gpt-realtime"].output_text)


@pytest.mark.parametrize(
    ("model", "figures", "message"),
    [
        ("gpt-realtime", {"inputs": 1.0}, "unknown figure inputs"),
        ("gpt-realtime", {"minute": 1.0, "input_text": 1.0}, "unknown figure input_text"),
        ("whisper-1", {"input_text": 1.0}, "unknown figure input_text"),
        ("mine", {"input_text": 1.0}, "is missing"),
        ("mine", {"standby": 1.0}, "unknown figure standby"),
    ],
)
def test_a_wrong_price_table_is_named(model: str, figures: dict[str, float], message: str) -> None:
    """A slip in the table is an error, not a free model."""
    with pytest.raises(UsageError, match=message):
        price_of(model, {model: figures})


def test_a_model_of_ones_own_takes_a_whole_table() -> None:
    """Every figure given: a price."""
    names = ("input", "cached", "output")
    figures = {f"{name}_{kind}": 1.0 for name in names for kind in ("text", "audio")}
    figures |= {"input_image": 1.0, "cached_image": 1.0}

    price = price_of("mine", {"mine": figures})

    assert price is not None
    assert price.cost({"input_image": 3_000_000}) == 3.0


def test_some_models_are_billed_by_the_minute() -> None:
    """To the second, whatever tokens are told; a price of one's own takes one figure."""
    assert MINUTE_PRICES["gpt-realtime-whisper"].cost({"input_audio": 10**9}, 30) == pytest.approx(0.0085)
    assert price_of("gpt-transcribe-2026-07-01") == MINUTE_PRICES["gpt-transcribe"]
    assert price_of("mine", {"mine": {"minute": 0.01}}) == MinutePrice(0.01)
    assert price_of("gpt-4o-transcribe", {"gpt-4o-transcribe": {"minute": 0.006}}) == MinutePrice(0.006)
    assert price_of("whisper-1", {"whisper-1": {"minute": 1.0}}) == MinutePrice(1.0)
    assert PRICES["gpt-realtime"].cost({}, 3600) == 0


# -- make prices ---------------------------------------------------------------------------------


def listed(model: str) -> SimpleNamespace | None:
    """A price list that has every price of ours, by its own names."""
    if price := PRICES.get(model):
        return SimpleNamespace(
            input_mtok=price.input_text,
            cache_read_mtok=price.cached_text,
            output_mtok=price.output_text,
            input_audio_mtok=price.input_audio,
            cache_audio_read_mtok=price.cached_audio,
            output_audio_mtok=price.output_audio,
            input_image_mtok=price.input_image,
            cache_image_read_mtok=price.cached_image,
        )
    return SimpleNamespace(audio_hours=MINUTE_PRICES[model].minute * 60)


def test_equal_prices_have_no_differences() -> None:
    """Hours there are minutes here; a cached price that is not listed is the full one."""
    assert comparison.compare(listed) == ([], [])
    theirs = SimpleNamespace(input_mtok=2.5, output_mtok=10, input_audio_mtok=6)
    assert list(comparison.differences("m", PRICES["gpt-4o-transcribe"], theirs)) == []


def test_each_difference_is_named() -> None:
    """Model, figure, and both prices; a model that is not listed is named too."""
    theirs = listed("gpt-realtime")
    other = replace(PRICES["gpt-realtime"], output_text=17.0)

    assert list(comparison.differences("m", other, theirs)) == ["m: output_text is 17 here, 16 there"]
    assert list(comparison.differences("w", MinutePrice(0.02), listed("whisper-1"))) == [
        "w: minute is 0.02 here, 0.006 there"
    ]
    assert comparison.compare(lambda model: None if model == "gpt-live-1" else listed(model)) == ([], ["gpt-live-1"])
    assert "tiers" in next(comparison.differences("m", other, SimpleNamespace(input_mtok=[1, 2])))
