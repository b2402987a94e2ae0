"""The folder of recordings: what is found by which name, and what goes when it grows beyond its bounds."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rtcli.errors import InputError
from rtcli.recording.folder import RecordingFolder, described
from rtcli.recording.header import Header
from rtcli.recording.writer import RecordingWriter

STARTED = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
HEADER = Header(STARTED, "chat", "test", "m")


def recorded(folder: RecordingFolder, *names: str) -> list[Path]:
    """Recordings of these names, each newer than the one before."""
    paths = [folder.path / f"{name}.ndjson" for name in names]
    folder.path.mkdir(exist_ok=True)
    for age, path in enumerate(paths):
        RecordingWriter(path, HEADER).close(1.0)
        os.utime(path, (1e9 + age, 1e9 + age))
    return paths


@pytest.fixture
def folder(tmp_path: Path) -> RecordingFolder:
    return RecordingFolder(tmp_path / "recordings", max_files=3)


def test_a_new_recording_has_its_start_and_its_command_in_its_name(folder: RecordingFolder) -> None:
    one, other = folder.new_path("chat", STARTED), folder.new_path("chat", STARTED)

    assert one.name.startswith(f"{STARTED.astimezone():%Y-%m-%dT%H-%M-%S}-chat-") and one != other
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="file/recordings: Not a directory"):
        RecordingFolder(tmp_path / "file" / "recordings").new_path("chat", STARTED)


def test_a_name_a_beginning_an_end_and_last_are_found(folder: RecordingFolder) -> None:
    first, second = recorded(folder, "monday-a1-x", "tuesday-b2-x")

    for name, path in (("monday-a1-x", first), ("mon", first), ("b2-x", second), ("last", second), (str(first), first)):
        assert folder.find(name) == path
    with pytest.raises(InputError, match="2 recordings match"):
        folder.find("x")
    with pytest.raises(InputError, match="neither a file nor a recording"):
        folder.find("wednesday")


def test_the_oldest_go_first_and_nothing_that_is_written_or_not_a_recording(folder: RecordingFolder) -> None:
    recorded(folder, "a", "b", "c", "d", "e")
    (folder.path / "notes.txt").write_text("mine", encoding="utf-8")
    writer = RecordingWriter(folder.path / "z.ndjson", HEADER)
    os.utime(writer.path, (1e8, 1e8))  # older than all of them
    assert {described(entry).name: described(entry).writing for entry in folder.entries()}["z"] is True

    assert [entry.name for entry in folder.prune()] == ["b", "a"]
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "c.ndjson", "d.ndjson", "e.ndjson", "notes.txt", "z.ndjson",
    ]  # fmt: skip
    writer.close()
    assert [entry.name for entry in folder.prune()] == ["z"]


def test_bytes_bound_it_too(folder: RecordingFolder) -> None:
    paths = recorded(folder, "a", "b", "c")
    size = paths[0].stat().st_size

    assert [entry.name for entry in folder.prune(max_bytes=2 * size)] == ["a"]
