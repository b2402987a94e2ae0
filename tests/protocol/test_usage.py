"""Tokens by modality, transcription, rate limits, percentiles."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.protocol.usage import RateLimit, TokenUsage, TranscriptionUsage, percentile, rate_limits

WHOLE = {
    "total_tokens": 300,
    "input_tokens": 200,
    "output_tokens": 100,
    "input_token_details": {
        "text_tokens": 140,
        "audio_tokens": 50,
        "image_tokens": 10,
        "cached_tokens": 70,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 6, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 70, "reasoning_tokens": 12},
}


def test_a_whole_usage_is_read_by_modality() -> None:
    """Every count of response.done has its place, and the cached ones are a part of the input."""
    used = TokenUsage.from_wire(WHOLE)

    assert used == TokenUsage(140, 50, 10, 64, 6, 0, 30, 70, 12)
    assert (used.input, used.cached, used.output, used.total) == (200, 70, 100, 300)


def test_a_usage_without_details_counts_as_text() -> None:
    """A server that names only the sums is not read as having used nothing."""
    assert TokenUsage.from_wire({"input_tokens": 7, "output_tokens": 3}) == TokenUsage(input_text=7, output_text=3)


def test_cached_tokens_without_details_count_as_text() -> None:
    """The sum of the cached tokens alone is still taken off the price."""
    used = TokenUsage.from_wire({"input_token_details": {"text_tokens": 9, "cached_tokens": 5}})

    assert (used.input_text, used.cached_text) == (9, 5)


@pytest.mark.parametrize("odd", [None, "many", 7, [], {"input_token_details": 4, "output_tokens": "x"}])
def test_an_odd_usage_costs_nothing_and_no_error(odd: Any) -> None:
    """A surprise from the server is survived."""
    assert TokenUsage.from_wire(odd) == TokenUsage()


@given(st.lists(st.builds(TokenUsage, *[st.integers(0, 10**6)] * 9)))
def test_sums_lose_nothing(used: list[TokenUsage]) -> None:
    """The total of a session is the total of its responses."""
    assert sum(used, TokenUsage()).total == sum(entry.total for entry in used)


def test_transcription_is_billed_by_tokens_or_by_time() -> None:
    """Both kinds of usage that transcribers report add up side by side."""
    tokens = {"type": "tokens", "input_token_details": {"audio_tokens": 20}, "output_tokens": 4}
    both = TranscriptionUsage.from_wire(tokens) + TranscriptionUsage.from_wire({"type": "duration", "seconds": 3})

    assert (both.tokens.input_audio, both.tokens.output_text, both.seconds) == (20, 4, 3.0)


def test_transcription_without_seconds_took_none() -> None:
    """A duration that is missing counts as zero."""
    assert TranscriptionUsage.from_wire({"type": "duration"}) == TranscriptionUsage()


def test_rate_limits_are_read_and_odd_rows_left_out() -> None:
    """One odd row does not hide the others."""
    rows = [{"name": "tokens", "limit": 10, "remaining": 4, "reset_seconds": 1.5}, "odd", {"name": "requests"}]

    assert rate_limits({"rate_limits": rows}) == (RateLimit("tokens", 10, 4, 1.5), RateLimit("requests", 0, 0, 0.0))


@pytest.mark.parametrize("odd", [{}, {"rate_limits": None}, {"rate_limits": 5}])
def test_no_rate_limits_are_none(odd: dict[str, Any]) -> None:
    """An event without a list has no limits."""
    assert rate_limits(odd) == ()


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_a_value_that_was_measured(values: list[float], share: float) -> None:
    """Nearest rank: at least the share of the values is at most that one, and none is invented."""
    found = percentile(values, share)

    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


def test_nothing_measured_has_no_percentile() -> None:
    """None rather than a zero that looks fast."""
    assert percentile([], 0.5) is None
