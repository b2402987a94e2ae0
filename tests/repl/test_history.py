"""Typed lines, kept."""

from __future__ import annotations

import stat
from pathlib import Path

from rtcli.repl.history import open_history


def test_lines_are_there_in_the_next_run_and_nobody_elses(tmp_path: Path) -> None:
    """Newest first, several rows each, readable by their owner alone."""
    file = tmp_path / "state" / "history"
    history = open_history(file)
    history.store_string("first")
    history.store_string("two\nrows")

    assert list(open_history(file).load_history_strings()) == ["two\nrows", "first"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_line_that_holds_a_key_is_not_kept(tmp_path: Path) -> None:
    """It would be on the disk for good."""
    file = tmp_path / "history"
    open_history(file).store_string("/connect sk-proj-abcdefghijklmnop1234")

    assert list(open_history(file).load_history_strings()) == []


def test_a_place_that_cannot_be_written_costs_the_history_alone(tmp_path: Path) -> None:
    """A file where the folder should be; a folder where the file should be."""
    (tmp_path / "file").write_text("x")
    open_history(tmp_path / "file" / "history").store_string("x")
    open_history(tmp_path).store_string("x")

    assert list(open_history(tmp_path).load_history_strings()) == []
