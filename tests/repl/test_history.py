"""Typed lines, kept."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rtcli.repl.history import MAX_BYTES, open_history


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


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda file, other: file.symlink_to(other), "symbolic link"),
        (lambda file, _: os.mkfifo(file), "not a regular file"),
        (lambda file, _: file.symlink_to("/dev/zero"), "symbolic link"),
        (lambda file, _: file.mkdir(), "directory"),
    ],
    ids=["link", "fifo", "zero", "folder"],
)
def test_what_is_no_file_of_ours_is_not_used_and_told_once(
    make: Callable[[Path, Path], None], why: str, tmp_path: Path
) -> None:
    """Neither read, which might never end, nor written."""
    (tmp_path / "other").write_text("theirs")
    make(tmp_path / "history", tmp_path / "other")
    told: list[str] = []

    history = open_history(tmp_path / "history", told.append)
    history.store_string("x")

    assert list(history.load_history_strings()) == []
    assert (tmp_path / "other").read_text() == "theirs"
    assert len(told) == 1
    assert why in told[0]


def test_a_full_disk_is_told_once(tmp_path: Path) -> None:
    """The lines of this run are still there for the keys."""
    told: list[str] = []
    history = open_history(tmp_path / "history", told.append)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        history.append_string("one")
        history.append_string("two")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert told == ["File too large"]
    assert history.get_strings() == ["one", "two"]


def test_a_file_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    """An earlier version, or an editor, may have left it so."""
    (tmp_path / "history").write_text("\n# then\n+old\n")
    (tmp_path / "history").chmod(0o644)

    assert list(open_history(tmp_path / "history").load_history_strings()) == ["old"]
    assert stat.S_IMODE((tmp_path / "history").stat().st_mode) == 0o600


def test_two_programs_keep_each_others_lines(tmp_path: Path) -> None:
    """Each line stays whole, however long it is."""
    file, lines = tmp_path / "history", [f"{name} {number} " + name * 20_000 for name in "ab" for number in range(20)]
    program = (
        "import sys; from pathlib import Path; from rtcli.repl.history import open_history\n"
        "history = open_history(Path(sys.argv[1]))\n"
        "for number in range(20): history.store_string(f'{sys.argv[2]} {number} ' + sys.argv[2] * 20_000)"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(file), name]) for name in "ab"]

    assert [one.wait(30) for one in running] == [0, 0]
    assert sorted(open_history(file).load_history_strings()) == sorted(lines)


def test_a_file_that_has_grown_keeps_its_newer_half(tmp_path: Path) -> None:
    """It never grows without end; no line is cut in two."""
    file = tmp_path / "history"
    history = open_history(file)
    for number in range(1200):
        history.store_string(f"{number} " + "x" * 1000)

    kept = list(open_history(file).load_history_strings())

    assert file.stat().st_size <= MAX_BYTES // 2
    assert kept[0].startswith("1199 ")
    assert all(len(line.partition(" ")[2]) == 1000 for line in kept)
