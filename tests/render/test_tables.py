"""Tables in wide and in narrow terminals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.render.styles import plain
from rtcli.render.tables import table_rows
from rtcli.render.text import cells
from rtcli.views import Table

WHY = Table(
    ("#", "time", "", "type", "about", "cause"),
    (
        ("30", "+2.944", "<", "rate_limits.updated", "", ""),
        ("5", "+2.260", ">", "response.create", "", "typed text"),
    ),
    title="why #30",
)


def shown(table: Table, width: int) -> list[str]:
    return [plain(line) for line in table_rows(table, width)]


def test_columns_where_they_fit() -> None:
    """Two spaces between them, no white space at the ends."""
    assert shown(WHY, 80) == [
        "why #30",
        "#   time       type                 about  cause",
        "30  +2.944  <  rate_limits.updated",
        "5   +2.260  >  response.create             typed text",
    ]


def test_the_widest_column_gives_way_first() -> None:
    """The others keep their width, words stay whole."""
    table = Table(("setting", "value"), (("instructions", "be kind to everybody who asks"), ("voice", "marin")))

    assert shown(table, 30) == [
        "setting       value",
        "instructions  be kind to",
        "              everybody who",
        "              asks",
        "voice         marin",
    ]


def test_rows_become_paragraphs_before_words_are_broken() -> None:
    """In forty columns a type can still be read; an empty cell between others keeps its place."""
    assert shown(WHY, 40) == [
        "why #30",
        "#  time  -  type  about  cause",
        "30  +2.944  <  rate_limits.updated",
        "5  +2.260  >  response.create  -",
        "  typed text",
    ]


def test_a_word_that_fits_nowhere_is_broken_in_its_column() -> None:
    """JSON without white space does not cost the whole table its columns."""
    rows = shown(Table(("path", "value"), (("tools", '{"a":' * 20),)), 60)

    assert rows[1].startswith('tools  {"a":')
    assert "".join(row[7:] for row in rows[1:]) == '{"a":' * 20


def test_nothing_in_a_cell_acts_on_a_terminal() -> None:
    """Cells come from servers too; keys in them are cut, wide characters take two columns."""
    rows = shown(Table(("a", "b"), (("日本\x1b[31m", "x"), ("sk-abcdefghijklmnop", "y"))), 80)

    assert rows == ["a             b", "日本\\x1b[31m  x", "sk-…          y"]


CELL = st.text("ab \né日", max_size=30)


@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=4), st.integers(4, 60))
def test_no_width_loses_a_word_or_runs_over(rows: list[tuple[str, ...]], width: int) -> None:
    """Every character but white space is there, in every width."""
    table = Table(("one", "two", "three"), tuple(rows))
    lines = shown(table, width)

    assert all(cells(line) <= width for line in lines)
    wanted = sorted("".join("".join(row) for row in rows).replace(" ", "").replace("\n", "") + "onetwothree")
    assert sorted("".join(lines).replace(" ", "").replace("-", "").replace("⏎", "")) == wanted


@pytest.mark.parametrize("table", [Table((), ()), Table(("a",), ())])
def test_an_empty_table_is_its_headings(table: Table) -> None:
    """Nothing to show is not an error."""
    assert shown(table, 80) == list(table.columns)


@pytest.mark.parametrize("width", [20, 80, 1000])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_no_cell_forges_a_row(column: int, width: int) -> None:
    """A server's ids and arguments may hold newlines: what follows them never stands where a row begins."""
    row = ["call_1", "tool", "done"]
    row[column] += "\ncall_2  forged  done"
    rows = [
        "".join(span.text for span in line)
        for line in table_rows(Table(("call", "tool", "state"), (tuple(row),)), width)
    ]

    assert [line for line in rows if line.startswith("call_")] == [line for line in rows if line.startswith("call_1")]
    assert "forged" in "".join(rows).replace(" ", "")
