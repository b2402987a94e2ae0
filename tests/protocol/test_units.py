"""Moments, durations and sizes have one form each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from rtcli.protocol.units import clock, duration, parse_moment, since, size, wall_clock


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "+0.000s"),
        (1.2341, "+1.234s"),
        (59.9994, "+59.999s"),
        (59.9996, "+1:00.000"),
        (98.63, "+1:38.630"),
        (3600.5, "+1:00:00.500"),
    ],
)
def test_a_moment_is_shown_and_read_in_the_same_form(seconds: float, shown: str) -> None:
    """To the millisecond, without the errors of binary fractions."""
    assert since(seconds) == shown
    assert parse_moment(shown) == pytest.approx(seconds, abs=0.0006)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1:30", 90), ("0:01:30.5", 90.5), ("12.5 s", 12.5)])
def test_a_moment_is_read_as_people_write_it(text: str, seconds: float) -> None:
    """With or without minutes and a unit."""
    assert parse_moment(text) == seconds


@pytest.mark.parametrize("text", ["", "mark", "#5", "1:2:3:4", "-3", "1.2.3", "\u0661"])
def test_what_is_not_a_moment_is_not_read(text: str) -> None:
    """It may be a mark's note."""
    assert parse_moment(text) is None


def test_durations_are_short() -> None:
    """Each in the unit that keeps it so."""
    assert [duration(ms) for ms in (340, 2310, 64_000)] == ["340 ms", "2.3 s", "1:04"]
    assert [clock(s) for s in (-1, 59.9, 3600)] == ["0:00", "0:59", "1:00:00"]


def test_sizes_are_short() -> None:
    """Each in the unit that keeps it so; gigabytes in megabytes, as the files beside them are."""
    assert [size(length) for length in (812, 166_000, 2_400_000)] == ["812 B", "166 kB", "2.4 MB"]
    assert size(2_400_000_000) == "2,400.0 MB"


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=9))])
def test_the_time_of_day_is_the_readers(zone: timezone) -> None:
    """Whatever zone the recording was made in, without its name."""
    started = datetime(2026, 11, 26, 12, 0, 0, 250_000, tzinfo=zone)
    expected = (started + timedelta(seconds=1.5)).astimezone()

    assert wall_clock(started, 1.5) == f"{expected:%Y-%m-%d %H:%M:%S}.750"
