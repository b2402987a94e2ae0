"""Pages speak of commands, options, variables and settings that exist, and of files that can be read."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from rtcli.cli.app import application
from rtcli.commands import default_registry, proxy_registry
from rtcli.config.settings import BY_NAME
from rtcli.server.replies.rules import RulesReply
from rtcli.server.replies.scripts import load_script

ROOT = Path(__file__).parent.parent
NAMES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md")
PAGES = [*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("*.md"))]
PROGRAM: Any = get_command(application())
SLASH = {**default_registry().names, **proxy_registry().names}
OF_OTHERS = {"--no-deps", "--voice", "--realtime-url", "--realtime-key-env", "--realtime-pace"}
"""Options of pip, of hibari, and of pytest where our plugin is, which the pages name too."""
NO_COMMANDS = {"realtime", "command"}
"""What begins like a slash command: the path of an address, and the word for all of them."""


def options_of(command: Any) -> set[str]:
    """Each as it is typed."""
    return {"-h", "--help"} | {name for one in command.params for name in (*one.opts, *one.secondary_opts)}


def every_option() -> set[str]:
    """Those of the program and of each of its commands."""
    groups = [command for command in PROGRAM.commands.values() if hasattr(command, "commands")]
    commands = [PROGRAM, *PROGRAM.commands.values(), *(one for group in groups for one in group.commands.values())]
    return {name for command in commands for name in options_of(command)}


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of code in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def spans(page: Path) -> list[str]:
    """Code within the text."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [" ".join(span.replace("\\|", "|").split()) for span in re.findall(r"`([^`]+)`", text)]


def command_lines(page: Path) -> Iterator[list[str]]:
    """The words behind each `rtcli` that a page tells to type."""
    shell = [block.replace("\\\n", " ") for language in ("sh", "console") for block in blocks(page, language)]
    for text in (*(line for block in shell for line in block.splitlines()), *spans(page)):
        if match := re.search(r"(?:^|[\s$|;&(])rtcli ([a-z-].*)", re.sub(r"\s#\s.*", "", text)):
            words = shlex.split(re.split(r"[|;&)<>]| -- ", match[1].replace("'", '"'))[0].replace('"', ""))
            yield words


def wrong(words: list[str]) -> str:
    """What of a command line does not exist, or ""."""
    command = PROGRAM
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return "" if words[0].isupper() else words[0]
        command, words = command.commands[words[0]], words[1:]
    unknown = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"} - options_of(command)
    return " ".join(sorted(unknown))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_line_can_be_typed(page: Path) -> None:
    """The command exists, and has these options."""
    assert [(words, bad) for words in command_lines(page) if (bad := wrong(words))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_an_option_that_is_named_exists(page: Path) -> None:
    """In one of the commands, or of the slash commands."""
    named = {match[0] for span in spans(page) if (match := re.match(r"--[a-z][a-z-]*", span))}

    assert (
        named - every_option() - {name for command in SLASH.values() for name in command.options} - OF_OTHERS == set()
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_slash_command_that_is_named_exists(page: Path) -> None:
    """Or an alias of it."""
    known = {name.split()[0] for name in SLASH}
    named = {match[1] for span in spans(page) if (match := re.fullmatch(r"/([a-z?]+)(?: .*)?", span))}

    assert named - known - NO_COMMANDS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_variable_that_is_named_is_read(page: Path) -> None:
    """Somewhere in the program, or as a setting's."""
    code = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "rtcli").rglob("*.py"))
    settings = {row.variable for row in BY_NAME.values()}

    named = set(re.findall(r"\bRTCLI_[A-Z_]+\b", page.read_text(encoding="utf-8")))
    assert {name for name in named if name not in settings and f'"{name}"' not in code} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_are_shown_are_settings(page: Path) -> None:
    """Every table of TOML, at its top and in a profile."""
    for block in blocks(page, "toml"):
        shown = tomllib.loads(block)
        profiles = shown.pop("profiles", {})
        assert set(shown).union(*profiles.values()) <= set(BY_NAME)


def test_the_script_of_the_page_can_be_served(tmp_path: Path) -> None:
    """The YAML of docs/server.md is a script."""
    for number, block in enumerate(blocks(ROOT / "docs" / "server.md", "yaml")):
        assert isinstance(yaml.safe_load(block), list)
        file = tmp_path / f"{number}.yaml"
        file.write_text(block, encoding="utf-8")
        load_script(file, RulesReply())


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("chat --local --json", ""),
        ("recordings prune --keep 10", ""),
        ("-V", ""),
        ("COMMAND --help", ""),
        ("talk --local", "talk"),
        ("chat --loud", "--loud"),
        ("config shema", "shema"),
        ("send-event - --until=response.done", ""),
    ],
)
def test_what_does_not_exist_is_noticed(line: str, bad: str) -> None:
    """A command, a subcommand, an option."""
    assert wrong(line.split()) == bad
