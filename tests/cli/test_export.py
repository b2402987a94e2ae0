"""`rtcli export`: a recording as a file for another program."""

from __future__ import annotations

import io
import json
import wave
from collections import Counter
from pathlib import Path

import pytest

from rtcli.commands.export import FORMATS
from rtcli.protocol.record_lines import record_line
from tests.kit.fake_server import fake_server, greets
from tests.kit.program import one_clear_line, rtcli
from tests.kit.told import Told, spoken_turn_with_a_tool_and_an_interruption

TOOLS = '''
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"
'''


def recording(path: Path, told: Told | None = None, *, header: bool = True) -> str:
    """A recording of a spoken turn, or of what was told."""
    about = {"recording": 1, "started": "2026-11-26T10:00:00+00:00", "command": "chat", "model": "gpt-realtime-2.1"}
    records = (told or spoken_turn_with_a_tool_and_an_interruption()).records
    first = [json.dumps({"rtcli": about}).encode()] if header else []
    path.write_bytes(b"\n".join((*first, *map(record_line, records))) + b"\n")
    return str(path)


@pytest.mark.parametrize("form", FORMATS)
async def test_every_form_is_written_beside_the_user(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into the current folder, named after the recording; a pipe takes and gives the same, and nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    file = recording(tmp_path / "there" / "talk.ndjson")
    ended = await rtcli("export", file, "--to", form)
    written = tmp_path / f"talk{FORMATS[form].suffix}"

    assert ended.code == 0 and "written to talk" in ended.err and not ended.out
    assert written.stat().st_mode & 0o077 == 0
    if form != "wav":
        piped = await rtcli("export", "-", "--to", form, "-o", "-", text=Path(file).read_bytes())
        assert (piped.code, piped.out.encode()) == (0, written.read_bytes())


async def test_what_is_there_is_overwritten_with_force_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is."""
    monkeypatch.chdir(tmp_path)
    file = recording(tmp_path / "session.ndjson")
    written = tmp_path / f"session{FORMATS['md'].suffix}"
    written.write_text("mine")
    one_clear_line(await rtcli("export", file, "--to", "md"), 2, "exists already", "--force overwrites it")
    assert written.read_text() == "mine"
    assert (await rtcli("export", file, "--to", "md", "--force")).code == 0
    assert written.read_text() != "mine" and written.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("command", [("export", "--to", "md"), ("report",)])
async def test_the_recording_itself_is_not_overwritten(command: tuple[str, ...], tmp_path: Path) -> None:
    """Under whatever name: what was recorded is nowhere else."""
    file = recording(tmp_path / "talk.ndjson")
    before = Path(file).read_bytes()
    (tmp_path / "link").symlink_to(file)
    for out in (f"{tmp_path}/./talk.ndjson", f"{tmp_path}/link"):
        one_clear_line(await rtcli(command[0], file, *command[1:], "-o", out, "--force"), 2, "this command reads it")

    assert Path(file).read_bytes() == before


@pytest.mark.parametrize("name", ["talk.ndjson", "symbolic", "hard"])
async def test_the_recording_that_is_replayed_is_not_overwritten(name: str, tmp_path: Path) -> None:
    """In no form, under whatever name; beside it everything is written."""
    file, beside = Path(recording(tmp_path / "talk.ndjson")), tmp_path / "beside"
    before = file.read_bytes()
    (tmp_path / "symbolic").symlink_to(file)
    (tmp_path / "hard").hardlink_to(file)
    for out, fails in ((tmp_path / name, True), (beside, False)):
        text = "".join(f"/export {form} {out} --force\n" for form in FORMATS)
        ended = await rtcli("replay", str(file), text=text)
        assert ended.err.count("it is the recording that is read here") == (len(FORMATS) if fails else 0), ended.err

    assert file.read_bytes() == before and file.samefile(tmp_path / "hard") and beside.exists()


async def test_a_wav_file_is_one_for_other_programs(tmp_path: Path) -> None:
    """Stereo, as long as the session was audible."""
    file = recording(tmp_path / "talk.ndjson")
    await rtcli("export", file, "--to", "wav", "-o", str(tmp_path / "talk.wav"))
    with wave.open(io.BytesIO((tmp_path / "talk.wav").read_bytes())) as audio:
        assert audio.getnchannels() == 2 and audio.getnframes() / 24_000 == pytest.approx(3.4, abs=0.02)


async def test_exported_events_are_played_again(tmp_path: Path) -> None:
    """Three turns, one with a tool, to a server that gives everything other ids: no error, and as many answers."""
    tools, file, again = tmp_path / "tools.py", str(tmp_path / "r.ndjson"), str(tmp_path / "again.ndjson")
    tools.write_text(TOOLS)
    said = "hello\nwhat is the weather in Paris?\ncount to 3\n"
    chat = ("chat", "--local", "--text", "--tools", str(tools), "--record", file)
    assert (await rtcli(*chat, text=said)).code == 0
    assert (await rtcli("export", file, "--to", "events", "-o", again)).code == 0
    ended = await rtcli("send-event", again, "--local")
    recorded = Counter(
        line["event"]["type"]
        for line in map(json.loads, Path(file).read_text().splitlines())
        if line.get("dir") == "<" and "delta" not in line["event"]["type"]
    )

    assert ended.code == 0, ended.err
    types = Counter(kind for kind in ended.types if "delta" not in kind)
    assert types["response.done"] == recorded["response.done"] == 4
    assert types["conversation.item.done"] == recorded["conversation.item.done"]
    assert any("sunny in Paris" in json.dumps(event) for event in ended.events if event["type"] == "response.done")


async def test_an_event_whose_cue_never_comes_is_named(tmp_path: Path) -> None:
    """By its line, when the time is over."""
    told = Told()
    told.types()
    told.begins("r")
    told.ends("r")
    told.types("more")
    again = tmp_path / "again.ndjson"
    await rtcli("export", recording(tmp_path / "r.ndjson", told), "--to", "events", "-o", str(again))

    async with fake_server(greets) as server:
        ended = await rtcli("send-event", str(again), "--url", server.url, "--timeout", "0.5")
    one_clear_line(ended, 6, "no answer within 0.5 s", "so that the event of line 3 can be sent")
    assert len(server.received) == 2


async def test_what_the_recording_lacks_is_said(tmp_path: Path) -> None:
    """A line that was cut off, and the form is written all the same."""
    file = Path(recording(tmp_path / "talk.ndjson"))
    file.write_bytes(file.read_bytes() + b'{"t":5,"dir"')
    ended = await rtcli("export", str(file), "--to", "perfetto", "-o", str(tmp_path / "x"))

    assert ended.code == 0 and "the last line was cut off" in ended.err
    assert json.loads((tmp_path / "x").read_text())["traceEvents"]


def _typed() -> Told:
    told = Told()
    told.types()
    return told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nosuch.ndjson", "--to", "md"), ("nosuch.ndjson", "No such file")),
        (("typed.ndjson", "--to", "mp3"), ("--to mp3: unknown format", "md, json, wav, events, perfetto, otlp")),
        (("typed.ndjson", "--to", "wav"), ("this session has no audio",)),
        (("both.ndjson", "--to", "otlp"), ("the start time of this session is unknown",)),
        (("empty.ndjson", "--to", "md"), ("it is empty",)),
        (("typed.ndjson", "--to", "md", "-o", "nosuch/x.md"), ("nosuch/x.md", "No such file")),
        (("typed.ndjson",), ("--to",)),
    ],
)
async def test_what_cannot_be_written_is_one_line_and_no_file(
    words: tuple[str, ...], says: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That names the input."""
    monkeypatch.chdir(tmp_path)
    recording(tmp_path / "typed.ndjson", _typed())
    recording(tmp_path / "both.ndjson", header=False)
    (tmp_path / "empty.ndjson").touch()
    before = sorted(tmp_path.iterdir())
    one_clear_line(await rtcli("export", *words), 2, *says)

    assert sorted(tmp_path.iterdir()) == before


async def test_nothing_of_a_broken_disk_is_left(tmp_path: Path) -> None:
    """A full device says so."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    file = recording(tmp_path / "talk.ndjson")
    one_clear_line(await rtcli("export", file, "--to", "wav", "-o", "/dev/full"), 2, "/dev/full", "No space left")
