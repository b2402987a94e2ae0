"""The program as a whole: its version, its help, what it imports, what it does with a defect."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from typer.main import get_command

import rtcli
from rtcli.cli import app, report
from rtcli.errors import ExitCode, UsageError
from tests.kit.program import one_clear_line
from tests.kit.program import rtcli as run

COMMANDS = tuple(app.COMMANDS)
_PROGRAM: Any = get_command(app.application())
GROUPS = tuple(name for name, command in _PROGRAM.commands.items() if hasattr(command, "commands"))
SUBCOMMANDS = tuple(f"{group} {name}" for group in GROUPS for name in _PROGRAM.commands[group].commands)


def modules_after(*arguments: str) -> set[str]:
    """What a run of the program has imported when it ends."""
    script = (
        "import sys; from rtcli.cli.main import main; sys.argv[1:] = {!r}; main();"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script.format(list(arguments))], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("option", ["--version", "-V"])
async def test_the_version(option: str) -> None:
    """One line on stdout."""
    ended = await run(option)

    assert (ended.code, ended.out, ended.err) == (0, f"rtcli {rtcli.__version__}\n", "")


def test_the_version_imports_nothing_that_it_does_not_need() -> None:
    """Of the program three modules, and nothing but what Python itself had at its start."""
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; sys.stderr.write(' '.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert modules_after("--version") - set(bare.stderr.split()) == {"rtcli", "rtcli.cli", "rtcli.cli.main"}


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), (), ("chta",)])
def test_the_list_of_commands_imports_none_of_them(arguments: tuple[str, ...]) -> None:
    ways = {f"rtcli.cli.{module}" for module, _, _ in app.COMMANDS.values()}

    assert modules_after(*arguments) & (ways | {"rtcli.views"}) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    assert app.COMMANDS[name][2] == _PROGRAM.commands[name].get_short_help_str(200)


def test_help_loads_no_heavy_library() -> None:
    """Not rich, not the prompt, not the network, not numpy."""
    heavy = {"rich", "prompt_toolkit", "websockets", "numpy", "sounddevice", "orjson", "asyncio", "httpx2", "PIL"}

    assert heavy & modules_after("--help") == set()


def test_a_command_line_is_read_without_a_heavy_library() -> None:
    """Every command does it before anything else happens."""
    assert {"pydantic", "rich", "numpy", "asyncio"} & modules_after("config", "path", "--help") == set()
    assert {"pydantic", "numpy", "asyncio"} & modules_after("devices", "--json") == set()


async def test_the_program_alone_shows_its_help() -> None:
    """With every command in it."""
    ended = await run()

    assert ended.code == 0
    for command in COMMANDS:
        assert command in ended.out
    assert "..." not in ended.out.partition("Commands:")[2], "a summary fits its line"


@pytest.mark.parametrize("command", [*COMMANDS, *SUBCOMMANDS])
async def test_help_leads_with_examples_and_ends_with_the_way_on(command: str) -> None:
    """An example is a line that one can type; whoever is stuck is sent to a command that every installation has."""
    text = (await run(*command.split(), "--help", environ={"COLUMNS": "100"})).out
    before_options = text.partition("Options:")[0].splitlines()[1:]
    example = next(number for number, line in enumerate(before_options) if re.match(r"  .*\brtcli [a-z]", line))

    assert example <= 4, "a summary, then the examples"
    assert "..." not in text.partition("Commands:")[2], "a summary fits its line"
    assert text.rstrip().endswith("rtcli doctor.")
    assert "docs/" not in text


def test_an_option_is_called_as_it_is_typed() -> None:
    """In small letters, whatever its value is called: an older typer took `--HOST` from the value's name."""
    found: dict[str, Any] = {name: _PROGRAM.commands[name] for name in COMMANDS}
    for group in GROUPS:
        found |= found.pop(group).commands
    names = [name for command in found.values() for option in command.params for name in option.opts]

    assert "--host" in names
    assert [name for name in names if name.startswith("--") and name != name.lower()] == []


async def test_recordings_alone_shows_its_help() -> None:
    """Like the program itself."""
    alone, asked = await run("recordings"), await run("recordings", "--help")

    assert (alone.code, alone.out, alone.err) == (0, asked.out, "")


@pytest.mark.parametrize("command", COMMANDS)
async def test_every_command_has_help(command: str) -> None:
    """-h as well as --help."""
    short, long = await run(command, "-h"), await run(command, "--help")

    assert short.code == long.code == 0
    assert short.out == long.out
    assert f"rtcli {command}" in short.out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("nope",), "nope"),
        (("chat", "--nope"), "--nope"),
        (("send-event",), "FILE"),
        (("chat", "--timeout", "x"), "--timeout"),
        (("chat", "--nope"), "try: rtcli chat --help"),
        (("config", "nope"), "try: rtcli config --help"),
    ],
)
async def test_a_wrong_command_line_is_2(arguments: tuple[str, ...], word: str) -> None:
    """One line that names what is wrong."""
    one_clear_line(await run(*arguments), 2, word)


def test_a_defect_of_ours_is_one_line_and_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user never sees a traceback, but learns how to get one."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("rtcli.audio.devices.list_devices", broken)

    assert app.run(["devices"]) == ExitCode.UNEXPECTED
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "ZeroDivisionError: oops" in err
    assert "RTCLI_DEBUG=1" in err


def test_what_a_server_said_cannot_act_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters are written out, newlines too, and keys are cut."""
    report.error(UsageError("bad\x1b[2J", why="line\nbreak", hint="sk-proj-abcdefghijklmnopqrstuvwxyz"))

    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert err.count("\n") == 1
    assert "abcdefghijklmnop" not in err
