"""Every command there is, over every kind of connection: it works or says in one line why not, whatever it is given."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from PIL import Image

from rtcli.commands import Command, Context, default_registry, run_line
from rtcli.commands.arguments import FilePath
from rtcli.dsp.wav import write_wav
from rtcli.errors import ExitCode, RtcliError, UsageError
from rtcli.session import lifecycle, link
from rtcli.views import Notice, View
from tests.kit.connections import CONNECTIONS
from tests.kit.told import tone
from tests.kit.waiting import until

REGISTRY = default_registry()
LAST = ("disconnect", "reconnect", "new", "undo", "redo", "quit")
COMMANDS = sorted(REGISTRY, key=lambda entry: LAST.index(entry.name) if entry.name in LAST else -1)
"""In an order in which the connection lasts as long as it can."""

FITTING: Mapping[str, str] = {
    "say": "hello",
    "system": "be brief",
    "image": "dot.png",
    "play": "tone.wav --commit",
    "audio in": "1",
    "audio out": "1",
    "session get": "audio.output.speed",
    "session set": "instructions=x",
    "session load": "session.json",
    "session save": "saved.json",
    "voice": "cedar",
    "model": "gpt-realtime-2.1",
    "instructions": "be kind",
    "modalities": "text",
    "vad": "server threshold=0.6",
    "send": '{"type":"input_audio_buffer.clear"}',
    "filter": "response.*",
    "show": "1",
    "grep": "session",
    "item": "1",
    "delete": "1",
    "truncate": "1 100",
    "export": "md out.md",
    "tool": "done",
    "mark": "here",
    "record start": "recorded.ndjson",
    "seek": "0",
    "speed": "2",
    "turn": "1",
    "why": "1",
    "last": "session.updated",
}
"""What a command takes; those that are not named take nothing, or can do without."""

ODD = ("", "''", "\0", "wrong", "~nobody/wrong", "-1", "9" * 40, "nan", "--wrong", "'not closed", "a b c d e f g h")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the files that commands are given."""
    monkeypatch.chdir(tmp_path)
    write_wav(Path("tone.wav"), tone(0.3))
    Image.new("RGB", (8, 8)).save("dot.png")
    Path("session.json").write_text(json.dumps({"instructions": "x"}))


@pytest.fixture(params=CONNECTIONS)
async def context(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Context]:
    if request.param == "WebRTC":  # its server answers nothing
        monkeypatch.setattr(link, "ANSWER_SECONDS", 0.01)
        monkeypatch.setattr(lifecycle, "ANSWER_SECONDS", 0.01)
    async with CONNECTIONS[request.param](tmp_path) as made:
        yield made


async def outcome(line: str, context: Context) -> list[View] | RtcliError:
    """What there is to show for a line, or the error that it raises. Any other exception is a defect."""
    shown: list[View] = []
    leave = context.live.subscribe(shown.append) if context.live is not None else lambda: None
    before = context.state.log.last_number
    try:
        views = await run_line(line, context)
    except RtcliError as error:
        said = f"{error} {error.hint}"
        assert str(error).strip() and "\n" not in said, line
        return error
    finally:
        leave()
    assert views or shown or context.state.log.last_number > before, f"{line} says nothing"
    return [*views, *shown]


def test_a_line_that_fits_is_known_for_every_command() -> None:
    """A command with an argument that it cannot do without is one of them."""
    missing = {entry.name for entry in REGISTRY if any(one.required for one in entry.positional)} - FITTING.keys()

    assert missing == set()
    assert FITTING.keys() <= {entry.name for entry in REGISTRY}


async def test_a_command_works_or_says_why_not(context: Context) -> None:
    """Never for a reason of the connection alone that is not said: what it cannot know is n/a."""
    if context.live is not None and context.live.lifecycle.connected and not context.live.audio.in_call:
        await run_line("hello", context)
        await until(lambda: context.state.log.last("response.done"))
    for entry in COMMANDS:
        line = f"/{entry.name} {FITTING.get(entry.name, '')}"
        result = await outcome(line, context)

        if isinstance(result, RtcliError):
            assert result.exit_code is not ExitCode.UNEXPECTED, (line, result)


async def test_the_round_trip_is_measured_or_said_to_be_unknown(context: Context) -> None:
    result = await outcome("/stats", context)

    assert not isinstance(result, RtcliError)
    trips = [view for view in result if isinstance(view, Notice) and "round trip" in view.what]
    if context.live is None or not context.live.lifecycle.connected:
        assert trips == []
    else:
        (trip,) = trips
        assert "n/a" not in trip.what or trip.why


@pytest.mark.parametrize("argument", ODD, ids=repr)
async def test_an_odd_argument_is_one_clear_line(argument: str, context: Context) -> None:
    """No traceback and no silence, with a connection and without."""
    for entry in COMMANDS:
        await outcome(f"/{entry.name} {argument}", context)


def _takes_any(entry: Command) -> bool:
    return any(parameter.kind.greedy for parameter in entry.positional)


@pytest.mark.parametrize("entry", [entry for entry in REGISTRY if not _takes_any(entry)], ids=lambda entry: entry.name)
async def test_too_many_arguments_are_refused_before_anything_is_done(entry: Command, tmp_path: Path) -> None:
    async with CONNECTIONS["no connection yet"](tmp_path) as context:
        with pytest.raises(UsageError):
            await run_line(f"/{entry.name} " + "9 " * 20, context)


FILES = [entry.name for entry in REGISTRY for parameter in entry.positional if isinstance(parameter.kind, FilePath)]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("file", ["''", "\0"])
async def test_an_empty_name_is_no_file_and_not_the_folder(name: str, file: str, tmp_path: Path) -> None:
    async with CONNECTIONS["no connection yet"](tmp_path) as context:
        before = "md " if name == "export" else ""
        with pytest.raises(UsageError, match="is not the name of a file"):
            await run_line(f"/{name} {before}{file}", context)


async def test_what_the_session_was_can_be_looked_at_after_its_end(tmp_path: Path) -> None:
    """At the end of a recording, and when the connection is lost; it cannot be changed then."""
    for name, said in (("a replay", "recording"), ("a lost connection", "not connected")):
        async with CONNECTIONS[name](tmp_path) as context:
            assert await run_line("/session", context)
            with pytest.raises(UsageError, match=said):
                await run_line("/session set instructions=x", context)
