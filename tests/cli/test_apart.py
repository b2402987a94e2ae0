"""No command writes over what it reads, --force or not: a mistyped name must not cost a user their own file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rtcli.dsp.wav import write_wav
from tests.cli.test_export import recording
from tests.kit.program import Ended, one_clear_line, rtcli, start
from tests.kit.waiting import DEADLINE

SCENARIO = "steps:\n- say: hello\n"
SCRIPT = "- match: hello\n  say: hi\n"
EVENT = '{"type": "input_audio_buffer.clear"}\n'
RECORDED = (
    f'{{"rtcli": {{"recording": 1, "started": "2026-01-01T00:00:00Z"}}}}\n{{"dir": ">", "event": {EVENT.strip()}}}\n'
)
SESSION = '{"type": "realtime", "instructions": "Be brief."}'
TOOLS = '[{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}]'


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (EVENT, "send-event FILE --local --record OUT --force"),
        (EVENT, "send-event FILE --stream --local --record OUT --force"),
        (TOOLS, "chat --local --text --tools FILE --record OUT --force"),
        (SESSION, "chat --local --text --session FILE --record OUT --force"),
        (SESSION, "chat --local --session FILE --audio-out OUT --force"),
        ("Be brief.", "chat --local --text --instructions @FILE --record OUT --force"),
        (SCENARIO, "run FILE --junit OUT"),
        (SCRIPT, "run OTHER --script FILE --junit OUT"),
        (TOOLS, "run OTHER --tools FILE --junit OUT"),
        (RECORDED, "run OTHER --from FILE --junit OUT"),
        ("key", "serve --port 0 --tls-cert OTHER --tls-key FILE --once --junit OUT -- true"),
        (SCRIPT, "serve --port 0 --script FILE --once --junit OUT -- true"),
    ],
)
async def test_what_was_written_by_hand_stays(text: str, command: str, tmp_path: Path) -> None:
    """By way of a link too, and before anything is dialed."""
    file, link, other = tmp_path / "mine.scenario.yaml", tmp_path / "link", tmp_path / "other.scenario.yaml"
    file.write_text(text)
    other.write_text(SCENARIO)
    link.symlink_to(file)
    places = {"FILE": str(file), "@FILE": f"@{file}", "OUT": str(link), "OTHER": str(other)}
    ended = await rtcli(*[places.get(word, word) for word in command.split()])

    one_clear_line(ended, 2, str(link), "this command reads it")
    assert file.read_text() == text


@pytest.mark.parametrize("name", ["./event.json", "twin"])
async def test_another_name_of_a_file_is_that_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(EVENT)
    (tmp_path / "twin").hardlink_to(file)
    ended = await rtcli("send-event", str(file), "--local", "--record", f"{tmp_path}/{name}", "--force")

    one_clear_line(ended, 2, name, "this command reads it")
    assert file.read_text() == EVENT


async def test_the_audio_that_is_sent_stays(tmp_path: Path) -> None:
    file = tmp_path / "said.wav"
    write_wav(file, b"\x00\x10" * 24_000)
    before = file.read_bytes()
    for option in ("--audio-out", "--record"):
        ended = await rtcli("chat", "--local", "--audio-in", str(file), option, str(file), "--force")
        one_clear_line(ended, 2, option, "this command reads it")
    assert file.read_bytes() == before


async def test_the_recording_that_a_scenario_is_made_of_stays(tmp_path: Path) -> None:
    file = Path(recording(tmp_path / "talk.scenario.yaml"))
    before = file.read_bytes()
    ended = await rtcli("scenario", "from", str(file), "-o", str(file), "--force")

    one_clear_line(ended, 2, "this command reads it")
    assert file.read_bytes() == before


@pytest.mark.parametrize("command", ["chat --local --text", "send-event - --local"])
async def test_what_standard_input_comes_from_stays(command: str, tmp_path: Path) -> None:
    """As with `<FILE`."""
    file = tmp_path / "lines"
    file.write_text(EVENT)
    with file.open("rb") as stdin:
        process = await start(*command.split(), "--record", str(file), "--force", stdin=stdin)
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE)
        ended = Ended(process.returncode or 0, out.decode(), err.decode())

    one_clear_line(ended, 2, "--record", "this command reads it")
    assert file.read_text() == EVENT


async def test_words_that_name_a_file_are_not_that_file(tmp_path: Path) -> None:
    """Instructions without an @ are the words themselves."""
    old = tmp_path / "brief"
    old.write_text("old")
    arguments = ("--instructions", str(old), "--record", str(old), "--force")

    assert (await rtcli("chat", "--local", "--text", *arguments, text="hello\n")).code == 0
    assert old.read_text().startswith('{"rtcli":')


async def test_an_older_result_is_replaced(tmp_path: Path) -> None:
    """That is what --force is for."""
    file, old = tmp_path / "event.json", tmp_path / "old.ndjson"
    file.write_text(EVENT)
    old.write_text("old")

    assert (await rtcli("send-event", str(file), "--local", "--record", str(old), "--force")).code == 0
    assert old.read_text().startswith('{"rtcli":')
