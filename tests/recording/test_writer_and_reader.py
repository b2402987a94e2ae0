"""What was added to a recording is in its file, and a reader gets it back whatever became of the file meanwhile."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rtcli.errors import InputError
from rtcli.files import write_file
from rtcli.masking import add_secret
from rtcli.protocol.events import encode
from rtcli.protocol.record import Connected, Connection, Did, Direction, Frame, Heard, Mark, Record
from rtcli.recording.header import Header
from rtcli.recording.reader import RecordingReader, open_recording
from rtcli.recording.writer import RecordingWriter

STARTED = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
HEADER = Header(STARTED, "chat", "the built-in server", "gpt-realtime-2", "1.0")


def frame(number: int, event: dict[str, Any], direction: Direction = Direction.RECEIVED, **about: Any) -> Frame:
    raw = encode(event)
    return Frame(number, number / 10, direction, event, len(raw.encode()), raw=raw, **about)


RECORDS: list[Record] = [
    Connection(0.0, Connected.OPEN, "ws://127.0.0.1:1/v1/realtime"),
    frame(1, {"type": "session.created", "session": {}}),
    Did(0.15, "typed text"),
    frame(2, {"type": "response.create"}, Direction.SENT, cause="typed text"),
    frame(3, {"type": "response.created", "response": {"id": "r"}}, parent=2),
    Heard(0.35, "item_1", 0, 120),
    Mark(0.36, "here"),
]


def record_all(path: Path, records: list[Record] = RECORDS) -> None:
    writer = RecordingWriter(path, HEADER)
    for record in records:
        writer.add(record)
    writer.close()


def read(path: Path) -> tuple[RecordingReader, list[Record]]:
    with open_recording(str(path)) as reader:
        return reader, list(reader)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "session.ndjson"
    record_all(path)
    return path


def test_what_was_added_is_read_again(file: Path) -> None:
    reader, records = read(file)

    assert records == RECORDS and reader.notes == () and reader.header == HEADER


def test_the_file_is_its_owners_alone_and_every_line_is_json(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n")[:-1]]
    assert lines[0]["rtcli"]["recording"] == 1 and len(lines) == 1 + len(RECORDS)


def test_no_file_is_overwritten_and_no_link_is_followed(file: Path, tmp_path: Path) -> None:
    link, elsewhere = tmp_path / "link.ndjson", tmp_path / "elsewhere"
    link.symlink_to(elsewhere)
    for path in (file, link):
        with pytest.raises(InputError, match=f"{path}: it exists already"):
            RecordingWriter(path, HEADER)
    assert not elsewhere.exists() and read(file)[1] == RECORDS


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_what_is_no_regular_file_is_never_replaced(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "session.ndjson"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.mkdir()
    with pytest.raises(InputError, match=r"session\.ndjson: not a regular file") as raised:
        RecordingWriter(path, HEADER, replace=True)

    assert raised.value.hint == "choose another name"
    assert path.is_symlink() or path.exists()


def test_what_is_being_read_is_not_replaced_until_it_has_been_read(file: Path, tmp_path: Path) -> None:
    """However many read it."""
    (link := tmp_path / "link.ndjson").hardlink_to(file)
    first, second = open_recording(str(file)), open_recording(str(file))
    for reader in (first, second):
        for path in (file, link):
            with pytest.raises(InputError, match="it is the recording that is read here"):
                RecordingWriter(path, HEADER, replace=True)
            with pytest.raises(InputError, match="it is the recording that is read here"):
                write_file(path, "x", replace=True)
        reader.close()
        reader.close()  # twice is once

    RecordingWriter(link, HEADER, replace=True).close()
    write_file(file, "x", replace=True)
    assert file.read_text(encoding="utf-8") == "x"


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing/session\.ndjson: No such file"):
        RecordingWriter(tmp_path / "missing" / "session.ndjson", HEADER)


def test_no_secret_is_written(tmp_path: Path) -> None:
    add_secret("hunter2-hunter2")
    path = tmp_path / "session.ndjson"
    audio = {"type": "input_audio_buffer.append", "audio": "A" * 2000, "note": "hunter2-hunter2"}
    spoken: list[Record] = [
        frame(1, {"type": "x", "k": "hunter2-hunter2"}),
        frame(2, audio),
        Did(1.0, "/header hunter2-hunter2"),
    ]
    record_all(path, spoken)

    text = path.read_text(encoding="utf-8")
    assert "hunter2" not in text and text.count('"masked":true') == 2
    assert "A" * 2000 in text


class Turn:
    """What an event loop would call soon."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def __call__(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def end(self) -> None:
        for call in self.calls:
            call()
        self.calls.clear()


def test_the_records_of_one_turn_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turn, path = Turn(), tmp_path / "session.ndjson"
    writer = RecordingWriter(path, HEADER, defer=turn)
    writes: list[int] = []
    write = os.write

    def counted(file: int, data: bytes) -> int:
        writes.append(len(data))
        return write(file, data)

    monkeypatch.setattr(os, "write", counted)
    for record in RECORDS:
        writer.add(record)
    assert not writes and len(turn.calls) == 1

    turn.end()
    writer.close()
    assert len(writes) == 1 and read(path)[1] == RECORDS


def test_a_frame_whose_text_is_forgotten_before_the_turn_ends_is_written_with_it(tmp_path: Path) -> None:
    """As the log of a session forgets all but the newest."""
    turn, path, text = Turn(), tmp_path / "session.ndjson", '{"type": "x",  "k": 1.0}'
    writer = RecordingWriter(path, HEADER, defer=turn)
    kept = Frame(1, 0.1, Direction.RECEIVED, json.loads(text), len(text), raw=text)
    writer.add(kept)
    kept.raw = ""
    turn.end()

    assert text in path.read_text(encoding="utf-8") and writer.size == path.stat().st_size
    writer.close()


def test_a_short_write_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, bytes(data[:7])))
    record_all(tmp_path / "session.ndjson")

    assert read(tmp_path / "session.ndjson")[1] == RECORDS


def test_any_frame_can_be_had_back_from_the_file_before_and_after_it_is_closed(tmp_path: Path) -> None:
    turn, path = Turn(), tmp_path / "session.ndjson"
    writer = RecordingWriter(path, HEADER, defer=turn)
    assert writer.frame(0) is None and writer.frame(1) is None
    for record in RECORDS:
        writer.add(record)
    for _ in range(2):
        assert [writer.frame(number) for number in (1, 2, 3)] == [one for one in RECORDS if isinstance(one, Frame)]
        assert writer.frame(0) is None and writer.frame(4) is None
        writer.close()


@pytest.mark.parametrize("pack", [lambda data: data, lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n\n")])
def test_a_reader_finds_any_frame_again(file: Path, pack: Callable[[bytes], bytes]) -> None:
    reader, records = changed(file, pack)

    assert [reader.frame(number) for number in (1, 2, 3)] == [one for one in records if isinstance(one, Frame)]
    assert reader.frame(0) is None and reader.frame(4) is None


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: data.decode().encode("utf-16")])
def test_what_is_packed_cannot_be_read_twice(file: Path, pack: Callable[[bytes], bytes]) -> None:
    reader, records = changed(file, pack)

    assert len(records) == len(RECORDS) and reader.frame(1) is None


@pytest.mark.parametrize("lost", [21, 22])
def test_utf_16_that_was_cut_off_is_read_to_its_end(file: Path, lost: int) -> None:
    """Inside of a character, or between two."""
    reader, records = changed(file, lambda data: data.decode().encode("utf-16")[:-lost])

    assert records == RECORDS[:-1]
    assert "cut off" in " ".join(reader.notes)


_FULL = """
import resource, signal, sys
from pathlib import Path
from tests.recording.test_writer_and_reader import HEADER, frame
from rtcli.recording.writer import RecordingWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
told = []
writer = RecordingWriter(Path(sys.argv[1]), HEADER, failed=told.append)
for number in range(1, 200):
    writer.add(frame(number, {"type": "x", "text": "y" * 100}))
print(len(told), told[0], writer.closed, writer.problem == told[0])
"""


def test_a_full_disk_is_told_once_and_the_file_ends_with_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "session.ndjson"
    ran = subprocess.run([sys.executable, "-c", _FULL, path], capture_output=True, text=True, check=True)

    assert ran.stdout == "1 File too large True True\n"
    assert path.read_bytes().endswith(b"}\n")
    reader, records = read(path)
    assert len(records) > 10 and reader.notes == ()


def test_a_disk_that_takes_no_header_is_an_error_before_anything_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "session.ndjson"
    command = f"ulimit -f 0; trap '' XFSZ; echo hello | {sys.executable} -m rtcli chat --local --record {path}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert ran.returncode == 2 and ran.stderr == f"rtcli: {path}: File too large\n"


# -- files that something happened to ----------------------------------------------------------------------------------


def changed(file: Path, change: Callable[[bytes], bytes]) -> tuple[RecordingReader, list[Record]]:
    file.write_bytes(change(file.read_bytes()))
    return read(file)


@pytest.mark.parametrize("cut", [1, 2, 10, 20])
def test_a_torn_last_line_is_read_over_with_a_note(file: Path, cut: int) -> None:
    reader, records = changed(file, lambda data: data[:-cut])

    if cut == 1:  # only its line end is missing
        assert records == RECORDS and reader.notes == ()
    else:
        assert records == RECORDS[:-1]
        assert len(reader.notes) == 1 and reader.notes[0].startswith("the last line was cut off")


@pytest.mark.parametrize(
    "change",
    [
        gzip.compress,
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.decode().replace("\n", "\r\n").encode("utf-16"),
        lambda data: gzip.compress(codecs.BOM_UTF16_BE + data.decode().encode("utf-16-be")),
        lambda data: data.replace(b"\n", b"\n\n  \n"),
        lambda data: b"\n".join(b"  " + line for line in data.split(b"\n")),
        lambda data: b"".join(encode(json.loads(line)).encode() + b"\n" for line in data.splitlines()),
        lambda data: b"".join(json.dumps(json.loads(line)).encode() + b"\n" for line in data.splitlines()),
    ],
    ids=["gzip", "byte order mark", "CRLF", "PowerShell", "packed UTF-16", "empty lines", "indented", "compact", "jq"],
)
def test_what_editors_and_packers_do_to_a_file_is_not_seen(file: Path, change: Callable[[bytes], bytes]) -> None:
    reader, records = changed(file, change)

    assert records == RECORDS and reader.notes == () and reader.header == HEADER


def test_unknown_kinds_are_counted_and_broken_lines_are_named(file: Path) -> None:
    lines = file.read_bytes().split(b"\n")
    lines[3:3] = [b'{"t":0.1,"weather":"fine"}', b"{broken", b'{"t":0.1,"weather":"bad"}', lines[0]]
    reader, records = changed(file, lambda _: b"\n".join(lines))

    assert records == RECORDS
    assert sorted(note.split(":")[0] for note in reader.notes) == [
        "another header",
        "line 5 was passed over",
        "unknown kind of line",
    ]
    assert any("2 lines passed over" in note for note in reader.notes)


def test_broken_lines_are_named_by_their_place_in_the_file_and_not_all_of_them() -> None:
    lines = [b'{"type":"x"}', b"[1]", b"", b"[2]", b'{"type":"y"}', *[b"[3]"] * 40, b'{"type":"z"}', b"[4]"]
    reader = RecordingReader(io.BytesIO(b"\n".join(lines)), "-")

    assert [one.event and one.event["type"] for one in reader if isinstance(one, Frame)] == ["x", "y", "z"]
    assert [note.split(" ")[1] for note in reader.notes[:4]] == ["2", "4", "6", "7"]
    assert reader.notes[-1] == "23 lines more passed over" and len(reader.notes) == 21


def test_a_packed_file_that_was_cut_off_is_read_to_where_it_ends() -> None:
    text = b"".join(b'{"type":"x","event_id":"%x"}\n' % (number * 7919**5) for number in range(2000))
    packed = gzip.compress(text)
    reader = RecordingReader(io.BytesIO(packed[: len(packed) // 2]), "-")

    assert len(list(reader)) > 500
    assert reader.notes == ("the packed file was cut off",)


def test_frames_keep_their_links_where_others_were_deleted(file: Path) -> None:
    reader, records = changed(
        file, lambda data: b"\n".join(line for line in data.split(b"\n") if b'"n":1,' not in line)
    )

    numbered = [(one.number, one.parent) for one in records if isinstance(one, Frame)]
    assert numbered == [(1, None), (2, 1)]
    assert reader.notes == ("frames are missing: those that are left have new numbers",)


def test_the_output_of_both_and_plain_events_are_recordings_without_a_header() -> None:
    both = b'{"dir":">","t":0.1,"event":{"type":"response.create"}}\n{"dir":"<","t":0.2,"event":{"type":"x"}}\n'
    plain = b'{"type":"response.create"}\n{"type":"x"}\n'
    for data in (both, plain):
        reader = RecordingReader(io.BytesIO(data), "-")
        frames = [one for one in reader if isinstance(one, Frame)]
        assert reader.header is None and reader.notes == ()
        assert [(one.number, one.direction) for one in frames] == [(1, Direction.SENT), (2, Direction.RECEIVED)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"hello\n", "not a recording"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a recording"),
        (b'{"rtcli":{"recording":2}}\n', "version 2 of the format; this rtcli reads version 1"),
        (b'{"rtcli":{"recording":"x"}}\n', "not a version"),
        (b'{"rtcli":{"recording":1,"started":"today"}}\n', "not a time: 'today'"),
        (gzip.compress(b'{"type":"x"}\n' * 999, mtime=0)[:12], "the packed file was cut off"),
        (gzip.compress(b'{"type":"x"}\n', mtime=0)[:-8] + b"12345678", "CRC"),
        (b'{"level":"info","message":"up"}\n{"level":"info","message":"down"}\n', "none of its lines is an event"),
        (b'data: {"type":"session.created"}\n\n' * 3, "none of its lines is an event"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line_that_names_the_file(data: bytes, reason: str) -> None:
    with pytest.raises(InputError) as refused:
        list(RecordingReader(io.BytesIO(data), "this.ndjson"))

    assert str(refused.value).startswith("this.ndjson") and reason in str(refused.value)
    assert "\n" not in str(refused.value)
