"""The Typer application, and what becomes of an error: one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from rtcli.cli import report
from rtcli.errors import ExitCode, RtcliError

COMMANDS = {
    "chat": ("chat.command", "chat"),
    "send-event": ("send_event.command", "send_event"),
    "serve": ("serve", "serve"),
    "proxy": ("proxy.command", "proxy"),
    "run": ("run.command", "run"),
    "call": ("call", "app"),
    "scenario": ("scenario", "app"),
    "replay": ("replay", "replay"),
    "recordings": ("recordings", "app"),
    "check": ("check", "check"),
    "export": ("export", "export"),
    "diff": ("diff", "diff"),
    "report": ("report_page", "report_page"),
    "devices": ("devices", "devices"),
    "doctor": ("doctor", "doctor"),
    "config": ("config", "app"),
}
"""By its name, the module of a command and what that calls it."""


_HELP = """The terminal for the OpenAI Realtime API: talk, send events, see every event.

\b
rtcli chat --local                        needs no key and no network
rtcli send-event events.json | jq .type   sends exactly these events
rtcli serve                               a Realtime server for your own clients
"""
_EPILOG = (
    "Exit codes: 0 ok, 2 usage, 3 connection, 4 error event, 5 failed response, 6 time limit, 7 no audio. "
    "When something does not work: rtcli doctor."
)

_OUTPUT_ERRORS = (errno.EPIPE, errno.ENOSPC)  # of stdout itself: run() tells them


def application(only: str | None = None) -> typer.Typer:
    """The program. With the name of one command, that one alone: the others need not be imported to run it."""
    app = typer.Typer(
        name="rtcli",
        help=_HELP,
        epilog=_EPILOG,
        rich_markup_mode=None,  # plain help needs none of rich's start-up time
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_program)
    # importing all of them for --version or a single command would cost more than the command
    for name in [only] if only in COMMANDS else COMMANDS:
        module, attribute = COMMANDS[name]
        command = getattr(import_module(f"rtcli.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            for inner in command.registered_commands:
                inner.epilog = _EPILOG
            app.add_typer(command, name=name, epilog=_EPILOG)
        else:
            app.command(name, epilog=_EPILOG)(command)
    return app


def _program(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version and end.")] = False,
) -> None:
    if version:
        import rtcli

        typer.echo(f"rtcli {rtcli.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run one command line. Never raises; explains on stderr why a code is not 0."""
    # a stream may have been replaced by one without an encoding
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A text that the terminal's encoding lacks must not end a session.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has gone: there is nobody to tell
        _drop_output()
        code = ExitCode.OK
    except OSError as error:  # the disk is full
        _drop_output()
        report.line(f"the output cannot be written: {error.strerror}")
        code = ExitCode.UNEXPECTED
    return code


def _drop_output() -> None:
    """What stdout still holds goes nowhere, or the interpreter would try once more when it ends, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: Sequence[str]) -> int:
    try:
        program = application(arguments[0] if arguments else None)
        result = program(args=list(arguments), prog_name="rtcli", standalone_mode=False)
        return ExitCode.OK if result is None else int(result)
    except RtcliError as error:
        report.error(error)
        return error.exit_code
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "rtcli"
        report.line(f"{error.format_message().rstrip('.')} (try: {command} --help)")
        return ExitCode.USAGE
    # a signal outside of runner.run, which maps the others itself
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except Exception as error:  # the last line of defense: a user never sees a traceback
        if isinstance(error, OSError) and error.errno in _OUTPUT_ERRORS:
            raise
        # the developer's own way to see where it happened
        if os.environ.get("RTCLI_DEBUG"):
            raise
        report.line(f"unexpected {type(error).__name__}: {error} (a bug in rtcli; RTCLI_DEBUG=1 shows the traceback)")
        return ExitCode.UNEXPECTED
