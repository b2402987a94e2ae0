"""Sessions are recorded, found again, and looked at like the session itself."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rtcli.protocol.record import Frame
from rtcli.recording.reader import open_recording
from rtcli.server import RealtimeServer
from tests.kit.program import Ended, one_clear_line, rtcli, start
from tests.kit.terminal import Terminal

RTCLI = (sys.executable, "-m", "rtcli")
TURN = "hello\nwhat time is it?\n"


async def recorded(path: Path, text: str = TURN) -> Ended:
    ended = await rtcli("chat", "--local", "--json", "--both", "--record", str(path), text=text)
    assert ended.code == 0, ended.err
    return ended


@pytest.fixture(scope="module")
def session_of_two_turns(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a chat has recorded."""
    path = tmp_path_factory.mktemp("recorded") / "session.ndjson"
    asyncio.run(recorded(path))
    return path.read_bytes()


@pytest.fixture
def file(tmp_path: Path, session_of_two_turns: bytes) -> Path:
    path = tmp_path / "session.ndjson"
    path.write_bytes(session_of_two_turns)
    return path


def kinds(path: Path) -> list[str]:
    """The kinds of the lines of a recording, each once."""
    known = ("rtcli", "event", "did", "connection", "device", "end")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return list(dict.fromkeys(kind for line in lines for kind in known if kind in line))


async def test_a_pipe_records_to_the_file_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "session.ndjson"
    ended = await recorded(path)

    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kinds(path) == ["rtcli", "device", "connection", "event", "did", "end"]
    assert lines[0]["rtcli"]["command"] == "chat" and lines[-1]["end"] == {"exit_code": 0}
    assert [line["event"] for line in lines if "event" in line] == [event["event"] for event in ended.events]


async def test_a_pipe_records_nothing_by_itself(tmp_path: Path) -> None:
    ended = await rtcli("chat", "--local", text="hello\n", environ={"XDG_STATE_HOME": str(tmp_path)})

    assert ended.code == 0 and list(tmp_path.rglob("*.ndjson")) == []


@pytest.mark.parametrize("command", ["chat", "send-event"])
async def test_a_file_that_is_there_is_not_overwritten(command: str, tmp_path: Path) -> None:
    path = tmp_path / "precious.ndjson"
    path.write_text("precious", encoding="utf-8")
    arguments = ["-"] if command == "send-event" else []
    ended = await rtcli(command, *arguments, "--local", "--record", str(path), text='{"type":"response.create"}\n')

    one_clear_line(ended, 2, str(path), "it exists already")
    assert path.read_text(encoding="utf-8") == "precious"


async def test_a_recording_that_was_asked_for_and_cannot_be_had_is_an_error(tmp_path: Path) -> None:
    ended = await rtcli("chat", "--local", "--record", str(tmp_path / "no" / "file"), text="hello\n")

    one_clear_line(ended, 2, "no/file", "No such file or directory")
    ended = await rtcli("chat", "--local", "--record", "x", "--no-record", text="hello\n")
    one_clear_line(ended, 2, "--record and --no-record exclude each other")


async def test_send_event_records_what_it_sends_and_gets(tmp_path: Path) -> None:
    path = tmp_path / "one.ndjson"
    ended = await rtcli(
        "send-event", "-", "--local", "--both", "--record", str(path), text='{"type":"response.create"}'
    )

    assert ended.code == 0, ended.err
    with open_recording(str(path)) as reader:
        frames = [record for record in reader if isinstance(record, Frame)]
        assert reader.header is not None and reader.header.command == "send-event" and reader.notes == ()
    shown = [line["event"] for line in ended.events]
    assert [json.loads(str(frame.raw)) for frame in frames][: len(shown)] == shown
    created = next(frame for frame in frames if frame.event and frame.event["type"] == "response.created")
    assert created.parent == next(frame.number for frame in frames if frame.direction == ">")


# -- replay ------------------------------------------------------------------------------------------------------------


async def test_commands_find_in_a_recording_what_they_found_in_the_session(tmp_path: Path) -> None:
    path, commands = tmp_path / "session.ndjson", "/why\n/history\n/grep time\n/show 8\n/usage\n"
    live = await rtcli("chat", "--local", "--record", str(path), text=TURN + commands)
    again = await rtcli("replay", str(path), text=commands)

    assert live.code == again.code == 0
    assert again.out == live.out and "what time is it?" in again.out and "why #" in again.out


async def test_a_recording_gives_the_events_of_its_session(file: Path, tmp_path: Path) -> None:
    events = await rtcli("replay", str(file), "--json")
    both = await rtcli("replay", str(file), "--json", "--both")
    packed = tmp_path / "packed.ndjson.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))

    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert events.events == [line["event"] for line in lines if line.get("dir") == "<"]
    assert both.out.splitlines() == [line for line in file.read_text(encoding="utf-8").splitlines() if '"dir":' in line]
    for source, text in ((str(packed), ""), ("-", both.out)):
        read = await rtcli("replay", source, "--json", text=text)
        assert read.out == events.out and read.code == 0


async def test_what_sends_is_refused_and_says_why(file: Path) -> None:
    ended = await rtcli("replay", str(file), text='hello\n/reconnect\n{"type":"response.create"}\n/history\n')

    assert ended.code == 2 and ended.err.count("this is a recording: nothing can be sent or changed") == 3
    assert "hello" in ended.out


async def test_a_torn_recording_is_played_to_its_last_whole_line_with_a_note(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])
    ended = await rtcli("replay", str(file), "--json")

    assert ended.code == 0 and "the last line was cut off" in ended.err
    assert ended.types[-1] == "rate_limits.updated"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuch"], ["nosuch", "neither a file nor a recording"]),
        (["last"], ["last", "has no recording"]),
        (["missing.ndjson"], ["missing.ndjson", "No such file"]),
        (["/dev/null"], ["/dev/null", "it is empty"]),
        (["x", "--speed", "slow"], ["'slow' is not a speed"]),
        (["x", "--both"], ["--both needs --json"]),
        (["x", "--filter", "item="], ["item="]),
    ],
)
async def test_what_cannot_be_replayed_is_one_line(arguments: list[str], words: list[str], tmp_path: Path) -> None:
    ended = await rtcli("replay", *arguments, environ={"XDG_STATE_HOME": str(tmp_path)})

    one_clear_line(ended, 2, *words)


async def test_a_session_goes_on_with_the_conversation_of_a_recording(file: Path, tmp_path: Path) -> None:
    second = tmp_path / "second.ndjson"
    ended = await rtcli("chat", "--local", "--resume", str(file), "--record", str(second), text="/history\nand now?\n")

    assert ended.code == 0 and "4 items of" in ended.err
    assert [line.split()[0] for line in ended.out.splitlines()[1:5]] == ["1", "2", "3", "4"]
    with open_recording(str(second)) as reader:
        events = [record.event for record in reader if isinstance(record, Frame) and record.event]
    created = [event["item"] for event in events if event["type"] == "conversation.item.create"]
    assert [item["role"] for item in created] == ["user", "assistant", "user", "assistant", "user"]
    one_clear_line(await rtcli("chat", "--local", "--resume", "nosuch", text="hello\n"), 2, "nosuch")


async def test_the_session_that_goes_on_is_not_recorded_over_the_one_before(file: Path) -> None:
    before = file.read_bytes()
    ended = await rtcli("chat", "--local", "--resume", str(file), "--record", str(file), "--force", text="hello\n")

    one_clear_line(ended, 2, "--record", "this command reads it")
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["-", "", " "])
@pytest.mark.parametrize("command", [("chat", "--local"), ("send-event", "--local"), ("serve",), ("proxy", "--local")])
async def test_no_recording_has_a_name_that_nobody_gives_to_a_file(
    command: tuple[str, ...], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard output takes none."""
    monkeypatch.chdir(tmp_path)
    needs = "a recording needs a file" if command[0] in ("chat", "send-event") else "recordings need a folder"
    one_clear_line(await rtcli(*command, "--record", name, text=""), 2, f"--record {name!r}: {needs}")
    assert not list(tmp_path.iterdir())


async def test_the_first_line_finds_the_resumed_conversation(file: Path) -> None:
    """However long the server takes to put it together."""
    slow = "event=>conversation.item.create:delay=0.2s"
    async with RealtimeServer(voice="tone", faults=(slow,)) as server:
        ended = await rtcli("chat", "--url", server.url, "--resume", str(file), text="/history\n")

    assert ended.code == 0, ended.err
    assert [line.split()[0] for line in ended.out.splitlines()[1:5]] == ["1", "2", "3", "4"]


# -- the folder --------------------------------------------------------------------------------------------------------


async def test_recordings_are_listed_searched_and_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name, text in (("a", "hello"), ("b", "what time is it?")):
        await recorded(folder / f"{name}.ndjson", f"{text}\n")
        os.utime(folder / f"{name}.ndjson", (1e9 + ord(name),) * 2)
    (folder / "note.txt").write_text("not a recording", encoding="utf-8")
    (folder / "broken.ndjson").write_text("not a recording", encoding="utf-8")
    where = ("--recordings", str(folder))

    listed = await rtcli("recordings", "list", "--json", *where)
    assert [row["name"] for row in listed.events] == ["broken", "b", "a"]
    assert listed.events[1]["command"] == "chat" and "command" not in listed.events[0]
    table = await rtcli("recordings", "list", *where)
    assert "3 recordings" in table.out and "not a recording" in table.out

    found = await rtcli("recordings", "search", "response.create", "--json", *where)
    assert [row["path"] for row in found.events] == [str(folder / f"{name}.ndjson") for name in "ba"]
    spoken = await rtcli("recordings", "search", "conversation.item.create", "--text", "what time", *where)
    assert len(spoken.out.splitlines()) == 1 and spoken.out.startswith("b ") and "broken.ndjson" in spoken.err
    assert (await rtcli("recordings", "search", "nothing.of.this", *where)).code == 6

    assert (await rtcli("recordings", "delete", "a", "nosuch", *where)).code == 2
    assert (folder / "a.ndjson").exists()
    assert (await rtcli("recordings", "delete", "a", *where)).code == 0
    pruned = await rtcli("recordings", "prune", "--keep", "1", *where)
    assert pruned.code == 0 and "1 recording deleted" in pruned.err
    assert sorted(path.name for path in folder.iterdir()) == ["broken.ndjson", "note.txt"]


# -- a prompt ----------------------------------------------------------------------------------------------------------


def prompt(state: Path, *arguments: str) -> Terminal:
    return Terminal([*RTCLI, "chat", "--local", "--text", *arguments], environ={"XDG_STATE_HOME": str(state)})


@pytest.mark.terminal
def test_a_prompt_records_says_so_and_shows_it(tmp_path: Path) -> None:
    with prompt(tmp_path) as terminal:
        terminal.wait_for(", recorded")
        terminal.wait_for("│ rec")
        terminal.send("hello\r")
        terminal.wait_for("Hello! I am")
        terminal.send("/record stop\r")
        terminal.wait_for("recorded to")
        terminal.send("/quit\r")
        assert terminal.wait_exit() == 0

    (path,) = tmp_path.rglob("*.ndjson")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with open_recording(str(path)) as reader:
        assert "hello" in str([record for record in reader if isinstance(record, Frame)])


@pytest.mark.terminal
def test_a_prompt_without_a_place_to_record_says_so_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "rtcli").write_text("a file where the folder would be", encoding="utf-8")
    with prompt(tmp_path) as terminal:
        terminal.wait_for("this session is not recorded")
        terminal.send("hello\r")
        terminal.wait_for("Hello! I am")


@pytest.mark.terminal
def test_no_record_is_no_recording(tmp_path: Path) -> None:
    with prompt(tmp_path, "--no-record") as terminal:
        terminal.wait_for("connecting to")
        terminal.send("/record\r")
        terminal.wait_for("this session is not recorded")
    assert list(tmp_path.rglob("*.ndjson")) == []


@pytest.mark.terminal
def test_a_recording_at_the_prompt_is_paused_stepped_and_searched(tmp_path: Path) -> None:
    path = tmp_path / "session.ndjson"
    subprocess.run(
        [*RTCLI, "chat", "--local", "--record", str(path)], input=TURN.encode(), check=True, capture_output=True
    )
    with Terminal([*RTCLI, "replay", str(path)], environ={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for("Hello! I am")
        terminal.wait_for("▶ ended")
        terminal.send("/seek #5\r")
        terminal.wait_for("frame 5")
        terminal.send("/speed max\r")
        terminal.wait_for("speed: max")
        terminal.wait_for("▶ ended")
        terminal.send("/why\r")
        terminal.wait_for("triggered by typed text")
        terminal.send("/quit\r")
        assert terminal.wait_exit() == 0


# -- kill -9 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attempt", [0, 1, 2, *(pytest.param(number, marks=pytest.mark.slow) for number in range(3, 50))]
)
async def test_whatever_a_reader_had_seen_when_the_program_was_killed_is_in_the_file(
    attempt: int, tmp_path: Path
) -> None:
    """Each time after another number of lines."""
    path = tmp_path / "killed.ndjson"
    process = await start("chat", "--local", "--json", "--both", "--record", str(path))
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"count to 30\n" * 3)
    await process.stdin.drain()
    seen = []
    for _ in range(random.Random(attempt).randint(1, 60)):
        seen.append(await process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    seen += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()

    whole = [line.rstrip(b"\n") for line in seen if line.endswith(b"\n")]
    kept = [line for line in path.read_bytes().split(b"\n") if b'"dir":' in line]
    assert kept[: len(whole)] == whole and len(whole) > 0
    with open_recording(str(path)) as reader:
        assert len([record for record in reader if isinstance(record, Frame)]) >= len(whole)


@pytest.mark.parametrize("how", ["--both", ""])
async def test_an_event_that_is_printed_is_in_the_file_already(how: str, tmp_path: Path) -> None:
    """Line by line, while the program still runs."""
    path = tmp_path / "sent.ndjson"
    process = await start("send-event", "-", "--local", *how.split(), "--record", str(path))
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b'{"type":"response.create","response":{"output_modalities":["text"],"input":[]}}')
    process.stdin.close()
    printed = 0
    while line := await process.stdout.readline():
        assert (line if how else json.loads(line)["event_id"].encode()) in path.read_bytes()
        printed += 1

    assert (await process.wait(), printed > 5) == (0, True)


async def test_a_word_that_is_printed_is_in_the_file_already(tmp_path: Path) -> None:
    """As text too, piece by piece as it comes."""
    path = tmp_path / "said.ndjson"
    process = await start("chat", "--local", "--text", "--record", str(path))
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"count to 20\n")
    process.stdin.close()
    printed, pieces = "", 0
    while piece := await process.stdout.read(65_536):
        printed += piece.decode()
        pieces += 1
        with open_recording(str(path)) as reader:
            events = [record.event for record in reader if isinstance(record, Frame) and record.event]
        said = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
        assert said.startswith(printed.strip())

    assert (await process.wait(), pieces > 5) == (0, True)
