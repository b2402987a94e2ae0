"""Whole files and growing ones: what is lost, who can read them, where links lead."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rtcli.errors import InputError
from rtcli.files import lock, open_private, open_stream, write_all, write_file
from rtcli.recording.header import Header
from rtcli.recording.writer import RecordingWriter

NOT_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def short_files() -> Iterator[int]:
    """A disk that is full after so many bytes: the system refuses longer files as it refuses writes to a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_file_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    """Whatever the umask says; nothing is left beside it."""
    old = os.umask(0)
    try:
        write_file(tmp_path / "a.txt", "text")
    finally:
        os.umask(old)

    assert (tmp_path / "a.txt").read_text() == "text"
    assert mode(tmp_path / "a.txt") == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_a_file_that_holds_something_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    """An empty one, as mktemp makes it, has nothing to lose."""
    (tmp_path / "empty").touch(0o644)
    (tmp_path / "old").write_text("old")

    write_file(tmp_path / "empty", "new")
    with pytest.raises(InputError, match=r"old: it exists already") as refused:
        write_file(tmp_path / "old", "new")
    assert "--force" in refused.value.hint
    assert (tmp_path / "old").read_text() == "old"

    write_file(tmp_path / "old", "new", replace=True)
    assert [(tmp_path / name).read_text() for name in ("empty", "old")] == ["new", "new"]
    assert [mode(tmp_path / name) for name in ("empty", "old")] == [0o600, 0o600]


@pytest.mark.skipif(os.name != "posix", reason="no file locks")
def test_what_a_program_is_writing_is_replaced_by_nobody(tmp_path: Path) -> None:
    """It would go on writing into a file that has no name any more; when it has ended, the file is like any other."""
    path = tmp_path / "session.ndjson"
    path.write_text("a line\n", encoding="utf-8")
    with path.open("rb") as held:
        lock(held.fileno())
        for write in (lambda: write_file(path, "x", replace=True), lambda: open_stream(path, replace=True)):
            with pytest.raises(InputError, match="a session is being recorded to it"):
                write()
        with pytest.raises(InputError, match="a session is being recorded to it"):
            RecordingWriter(path, Header(datetime.now(UTC), "chat", "e", "m"), replace=True)
    assert path.read_text(encoding="utf-8") == "a line\n"

    write_file(path, "x", replace=True)
    assert path.read_text(encoding="utf-8") == "x"


def test_a_full_disk_keeps_the_old_file(tmp_path: Path, short_files: int) -> None:
    """And leaves no half of the new one anywhere."""
    (tmp_path / "old").write_text("old")

    with pytest.raises(InputError, match="old: File too large"):
        write_file(tmp_path / "old", b"x" * (short_files + 1), replace=True)

    assert (tmp_path / "old").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "old"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Settings that are kept in a repository of their own are written there; a chain and a dangling link too."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("old")
    (tmp_path / "link").symlink_to("real/file")
    (tmp_path / "chain").symlink_to("link")
    (tmp_path / "dangling").symlink_to("real/later")

    write_file(tmp_path / "chain", "new", replace=True)
    write_file(tmp_path / "dangling", "new")

    assert (tmp_path / "real" / "file").read_text() == "new"
    assert (tmp_path / "real" / "later").read_text() == "new"
    assert all((tmp_path / name).is_symlink() for name in ("link", "chain", "dangling"))


@AS_ROOT
def test_a_link_that_another_user_made_is_not_followed(tmp_path: Path) -> None:
    """In a folder that everybody can write, it would choose what of ours is overwritten."""
    (tmp_path / "mine").write_text("old")
    (tmp_path / "link").symlink_to("mine")
    os.chown(tmp_path / "link", 4711, 4711, follow_symlinks=False)

    with pytest.raises(InputError, match="another user made this symbolic link"):
        write_file(tmp_path / "link", "x", replace=True)
    with pytest.raises(InputError, match="another user made this symbolic link"):
        open_stream(tmp_path / "link", replace=True)
    assert (tmp_path / "mine").read_text() == "old"


@AS_ROOT
def test_a_file_of_another_user_is_not_written_into(tmp_path: Path) -> None:
    """That user would read along."""
    (tmp_path / "theirs").write_text("x")
    os.chown(tmp_path / "theirs", 4711, 4711)

    with pytest.raises(InputError, match="belongs to another user"):
        open_stream(tmp_path / "theirs", replace=True)
    with pytest.raises(PermissionError):
        open_private(tmp_path / "theirs")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda place: place.mkdir(), "Is a directory"),
        (lambda place: place.symlink_to(place.name), "symbolic link"),
        (os.mkfifo, "nobody reads from this pipe"),
    ],
    ids=["folder", "loop", "fifo"],
)
def test_what_can_hold_no_file_is_named(make: Callable[[Path], None], reason: str, tmp_path: Path) -> None:
    """At once: a pipe that nobody reads would wait for ever."""
    make(tmp_path / "place")

    with pytest.raises(InputError, match=f"place: .*{reason}"):
        write_file(tmp_path / "place", "x")
    with pytest.raises(InputError, match=f"place: .*{reason}"):
        open_stream(tmp_path / "place")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The file, and what is wrong."""
    with pytest.raises(InputError, match=r"none/file: No such file or directory"):
        write_file(tmp_path / "none" / "file", "x")


def test_a_pipe_and_a_device_take_what_is_written(tmp_path: Path) -> None:
    """`>(program)` in a shell, /dev/null, /dev/stdout: nothing is put in their place."""
    os.mkfifo(tmp_path / "pipe")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    while True:
        try:
            write_file(tmp_path / "pipe", b"x" * 200_000)
            break
        except InputError:  # the reader has not opened it yet
            assert reader.is_alive()
    reader.join(30)
    write_file("/dev/null", "x")
    program = "from rtcli.files import write_file; write_file('/dev/stdout', 'said')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert received == [b"x" * 200_000]
    assert ended.stdout == b"said"
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(InputError, match="/dev/full: No space left"):
        write_file("/dev/full", "x")


def test_text_that_has_no_utf8_is_written_as_its_escape(tmp_path: Path) -> None:
    """A server's JSON may hold half of a character."""
    write_file(tmp_path / "a.json", '"\ud800"')

    assert (tmp_path / "a.json").read_text() == '"\\ud800"'


def test_a_stream_begins_empty_and_private(tmp_path: Path) -> None:
    """A new one, and one that replaces an old one which everybody could read."""
    (tmp_path / "old").write_text("something longer")
    (tmp_path / "old").chmod(0o644)
    with pytest.raises(InputError, match="exists already"):
        open_stream(tmp_path / "old")

    for name, replace in (("new", False), ("old", True)):
        descriptor = open_stream(tmp_path / name, replace=replace)
        write_all(descriptor, b"text")
        os.close(descriptor)

    assert [(tmp_path / name).read_text() for name in ("new", "old")] == ["text", "text"]
    assert [mode(tmp_path / name) for name in ("new", "old")] == [0o600, 0o600]
