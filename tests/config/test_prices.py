"""The estimate of what a session costs."""

from __future__ import annotations

import pytest

from rtcli.config.prices import PRICES, price_of
from rtcli.errors import UsageError


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


def test_a_model_nobody_knows_has_no_price() -> None:
    """No estimate is better than a wrong one."""
    assert price_of("deployment-7") is None


def test_figures_can_be_overridden_one_by_one() -> None:
    """Prices change between releases."""
    price = price_of("gpt-realtime", {"gpt-realtime": {"input_text": 9.0}})

    assert price is not None
    assert (price.input_text, price.output_text) == (9.0, PRICES["gpt-realtime"].output_text)


@pytest.mark.parametrize(
    ("model", "figures", "message"),
    [("gpt-realtime", {"inputs": 1.0}, "unknown figure inputs"), ("mine", {"input_text": 1.0}, "is missing")],
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
