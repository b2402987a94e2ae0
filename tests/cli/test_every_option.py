"""Every option of every command: a value that no option takes is refused by name, before the command begins."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer import TyperException
from typer.main import get_command

from rtcli.cli.app import application
from rtcli.cli.checked import EMPTY_MEANS_SOMETHING, takes_no_stream
from rtcli.errors import UsageError
from tests.kit.program import one_clear_line, rtcli

PROGRAM: Any = get_command(application())
NUMBERS = ("nan", "inf", "-inf", "-1", "-1e+300")
WHOLE_NUMBERS = ("-1", "-" + "9" * 30)


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Those that run, with their names."""
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))
    else:
        yield path, command


def options() -> Iterator[Any]:
    """Each option that takes a value, of each command."""
    for path, command in commands(PROGRAM):
        for option in command.params:
            if option.param_type_name == "option" and not option.is_flag and hasattr(option.type, "name"):
                yield pytest.param(path, command, option, id=f"{' '.join(path)} {option.opts[0]}")


class ReachedError(Exception):
    """The command itself was run."""


def call(command: Any, option: Any, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the command with this value, and words for its arguments. Raises ReachedError where it takes that."""

    def reached(**_values: object) -> None:
        raise ReachedError

    monkeypatch.setattr(command, "callback", reached)
    words = ["word" for one in command.params if one.param_type_name == "argument" and one.required]
    command.main([*needed(command, option), f"{max(option.opts, key=len)}={value}", *words], standalone_mode=False)


def needed(command: Any, but: Any = None) -> list[str]:
    """The options that a command cannot do without."""
    options = [one for one in command.params if one.param_type_name == "option" and one.required and one is not but]
    return [f"{max(one.opts, key=len)}=word" for one in options]


def refused(command: Any, option: Any, value: str, monkeypatch: pytest.MonkeyPatch) -> str:
    try:
        call(command, option, value, monkeypatch)
    except ReachedError:
        raise AssertionError(f"{option.opts} takes {value!r}") from None
    except UsageError as error:
        return str(error)
    except TyperException as error:
        return error.format_message()
    raise AssertionError("nothing was run")


@pytest.mark.parametrize(("path", "command", "option"), [*options()])
def test_a_value_that_no_option_takes_is_refused(
    path: tuple[str, ...], command: Any, option: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty text, a number below 0 or none at all, a stream in the place of a file."""
    name = max(option.opts, key=len)
    if option.type.name == "float":
        values: tuple[str, ...] = NUMBERS
    elif option.type.name == "int":
        values = WHOLE_NUMBERS
    else:
        values = () if name in EMPTY_MEANS_SOMETHING else ("",)
        values += ("-",) if takes_no_stream(option) else ()
    for value in values:
        said = refused(command, option, value, monkeypatch)
        if option.type.name != "float range":
            assert name in said and (value or ("is empty" if "is empty" in said else "''")) in said, said


@pytest.mark.parametrize(
    ("path", "command"), [*commands(PROGRAM)], ids=lambda one: " ".join(one) if isinstance(one, tuple) else "x"
)
def test_an_empty_argument_is_refused(path: tuple[str, ...], command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of a shell that is not set is not a file."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    monkeypatch.setattr(command, "callback", lambda **_: pytest.fail("it was run"))
    for position in range(len(arguments)):
        words = ["word"] * position + [""] + ["word"] * (len(arguments) - position - 1)
        with pytest.raises(UsageError, match="is empty"):
            command.main([*needed(command), *words], standalone_mode=False)


async def test_an_empty_argument_of_the_program_that_is_tested_is_its_own() -> None:
    """It gets it as it stands."""
    program = [sys.executable, "-c", "import sys; sys.exit(sys.argv[1:] != ['', '-1'])", "", "-1"]
    ended = await rtcli("serve", "--port", "0", "--once", "--", *program)

    assert "is empty" not in ended.err
    assert ended.code == 6  # it ran well, and made no connection


async def test_the_refusal_is_one_line_and_exit_code_2() -> None:
    one_clear_line(await rtcli("chat", "--local", "--model", ""), 2, "--model is empty")
    one_clear_line(await rtcli("serve", "--once", "--timeout", "nan"), 2, "--timeout nan")
    one_clear_line(await rtcli("run", ".", "--junit", "-"), 2, "--junit -")
