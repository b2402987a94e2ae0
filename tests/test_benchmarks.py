"""The measurements end in one table, also where one of them fails. What they measure is not asked here."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tests.benchmarks.__main__ import PAGE, PLACE, Measured, measure, names, report, rows_of
from tests.benchmarks.rows import Row, exponent, row
from tests.kit.foreign import UnavailableError


@pytest.mark.parametrize("name", names())
def test_a_bench_says_what_it_is_and_yields_rows(name: str) -> None:
    """They are found by their names alone."""
    module = importlib.import_module(f"tests.benchmarks.bench_{name}")

    assert module.__doc__
    assert callable(module.rows)


@pytest.mark.parametrize(
    ("error", "last"),
    [
        (
            UnavailableError("cannot fetch /somewhere"),
            Row("not measured", "", "what it needs cannot be installed here"),
        ),
        (ValueError("in /somewhere"), Row("failed", "", "ValueError")),
    ],
)
def test_a_bench_that_fails_keeps_its_rows(
    error: Exception, last: Row, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then a row says so, without what is of this machine alone; stderr has that."""

    def rows() -> Iterator[Row]:
        yield row("first", 1)
        raise error

    monkeypatch.setitem(sys.modules, "tests.benchmarks.bench_broken", SimpleNamespace(rows=rows))

    assert list(rows_of("broken")) == [Row("first", "1"), last]
    assert "/somewhere" in capsys.readouterr().err


def test_a_bench_that_does_not_end_is_stopped() -> None:
    """The limit is part of the row."""
    measured = measure("history", limit=0.001)

    assert measured.rows[-1] == Row("stopped", "", "not finished after 0.001 s")


def test_bounds_are_judged_and_counted() -> None:
    """At most, at least, or nothing promised."""
    rows = (
        row("a", 3.2, "us", at_most=4),
        row("b", 7.9, "x", "the other | one", at_least=8),
        row("c", 1234.5),
        row("d", 0, "pieces", at_most=0),
    )
    text = report([Measured("send", rows, 60, (40, 60))], datetime(2026, 1, 2, tzinfo=UTC), 0.5)

    assert [one.met for one in rows] == [True, False, None, True]
    assert "2 of 3 bounds are met" in text
    assert "| send | b | 7.90 x | the other \\| one | at least 8 x | **no** | 50 |" in text
    assert "| send | c | 1,234 |" in text


def test_growth_is_told_by_its_exponent() -> None:
    """From the smallest size to the largest."""
    assert exponent({100: 1.0, 10_000: 1.0, 1_000: 5.0}) == pytest.approx(0.0)
    assert exponent({1_000: 2.0, 100_000: 200.0}) == pytest.approx(1.0)


def test_the_page_has_a_place_for_the_table() -> None:
    """Between its marks, where `make bench` writes."""
    assert PLACE.search(PAGE.read_text(encoding="utf-8"))
