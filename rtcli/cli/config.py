"""`rtcli config`: the settings in effect and where each comes from; their file, and a template for it."""

import os
import shlex
import subprocess
import sys
from importlib.resources import files
from typing import Annotated, Any

import typer

from rtcli.cli import completion, output, report
from rtcli.config.effective import effective
from rtcli.config.folders import config_file, make_private
from rtcli.config.settings import SETTINGS, Setting, load_settings
from rtcli.errors import ExitCode, UsageError
from rtcli.files import unwritable, write_file
from rtcli.views import Table, Text

_SCHEMA_FILE = "config.schema.json"
_SCHEMAS = {
    "script": ("rtcli.server.replies", "examples/script.schema.json"),
    "scenario": ("rtcli.scenario", "scenario.schema.json"),
}
"""Where the package has those that are files."""


app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


@app.callback(invoke_without_command=True)
def config(
    context: typer.Context,
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="NAME", help="Use this profile.", autocompletion=completion.profiles),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Show and edit the settings.

    \b
    rtcli config
    rtcli config --profile work --json | jq .model
    rtcli config edit

    Each is shown as it counts for a chat, with where it comes from. A flag beats the environment, that beats
    .rtcli.toml of the project, that a profile, that your own file.
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings({"profile": profile})
    counting, problem = effective(settings, os.environ)
    if problem is not None:
        report.error(problem)  # the values are what finds the mistake: they are shown all the same
    if json:
        output.show_json({name: {"value": hit[0], "origin": hit[1]} for name, hit in counting.items() if hit})
        return
    rows = tuple((name, _shown(hit[0]) if hit else "-", hit[1] if hit else "") for name, hit in counting.items())
    output.show(Table(("setting", "value", "from"), rows, title=str(config_file())))
    if settings.profiles:
        output.show(Text(f"profiles: {', '.join(settings.profiles)}"))


@app.command("path")
def path() -> None:
    """Print the path of your settings file.

    \b
    cat "$(rtcli config path)"
    """
    output.show(Text(str(config_file())))


@app.command("init")
def init(
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file that exists.")] = False,
) -> ExitCode:
    """Write a settings file in which every setting is a comment.

    \b
    rtcli config init && rtcli config edit
    """
    file = config_file()
    # An empty file holds nothing to lose: some editors leave one behind.
    if file.exists() and file.stat().st_size and not force:
        raise UsageError(f"{file} already exists", hint="rtcli config edit, or --force to write it anew")
    _write_template()
    report.line(f"wrote {file}")
    return ExitCode.OK


@app.command("schema")
def schema(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[settings|script|scenario]",
            help="The settings, scripts of the server, or scenarios.",
            autocompletion=completion.one_of("settings", "script", "scenario"),
        ),
    ] = "settings",
) -> ExitCode:
    """Print a JSON Schema, with which an editor completes and checks.

    \b
    rtcli config schema >config.schema.json
    rtcli config schema scenario >scenario.schema.json
    """
    if what == "settings":
        sys.stdout.write(f"{_settings_schema()}\n")
    elif what in _SCHEMAS:
        package, name = _SCHEMAS[what]
        sys.stdout.write(files(package).joinpath(name).read_text(encoding="utf-8"))
    else:
        raise UsageError(f"no schema of {what!r}", hint=f"there is one of settings, {', '.join(_SCHEMAS)}")
    return ExitCode.OK


@app.command("edit")
def edit() -> ExitCode:
    """Open your settings in $EDITOR, and check them afterwards.

    \b
    EDITOR=nano rtcli config edit
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise UsageError("no editor", why="neither VISUAL nor EDITOR is set", hint=f"edit {config_file()} by hand")
    if not config_file().exists():
        _write_template()
    try:
        # EDITOR may hold arguments, like "code --wait".
        ended = subprocess.run([*shlex.split(editor), str(config_file())], check=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"the editor {editor!r} cannot be run", why=str(error)) from error
    if ended.returncode:
        raise UsageError(f"the editor exited with code {ended.returncode}", why="the settings may be unchanged")
    load_settings()  # raises InputError with the line of the mistake, while the user still has it in mind
    return ExitCode.OK


def _write_template() -> None:
    file = config_file()
    try:
        make_private(file.parent)
    except OSError as error:
        raise unwritable(file, error) from error
    write_file(file, template(), replace=True)
    write_file(file.parent / _SCHEMA_FILE, f"{_settings_schema()}\n", replace=True)  # ours, and anew with each version


def _settings_schema() -> str:
    import json

    from rtcli.config.schema import settings_schema

    return json.dumps(settings_schema(), indent=2)


def template() -> str:
    """A settings file in which every setting is a comment."""
    lines = [f"#:schema ./{_SCHEMA_FILE}"]  # editors with Taplo read this
    lines += [
        f"# Settings of rtcli. `rtcli config schema >{_SCHEMA_FILE}` renews the schema that the line above names."
    ]
    lines += ["# A flag or a variable RTCLI_NAME beats what stands here."]
    lines += [f"\n# {row.meaning}{_choices(row)}\n# {row.name} = {_example(row)}" for row in SETTINGS]
    lines += ["\n# [profiles.NAME] holds the same settings for one endpoint; --profile NAME uses it.\n"]
    return "\n".join(lines)


def _choices(row: Setting) -> str:
    return f": {', '.join(row.choices)}" if row.choices else ""


def _example(row: Setting) -> str:
    if row.choices:
        return f'"{row.choices[0]}"'
    return {str: '"..."', bool: "false", dict: "{}"}[row.type]


def _shown(value: Any) -> str:
    from rtcli.masking import masked, masked_value
    from rtcli.render.text import one_line

    return one_line(masked(value) if isinstance(value, str) else repr(masked_value(value)))
