"""The Typer application, and what becomes of an error: one line on stderr and an exit code, never a traceback."""

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from rtcli.cli import report
from rtcli.cli.checked import CheckedCommand
from rtcli.errors import ExitCode, RtcliError

COMMANDS = {
    "chat": ("chat.command", "chat", "Talk with a model by text, voice and image."),
    "send-event": ("send_event.command", "send_event", "Send events and print the server's, one JSON object per line."),
    "serve": ("serve", "serve", "Serve the Realtime API here, with faults on demand."),
    "proxy": ("proxy.command", "proxy", "Watch, record and break the sessions of any app."),
    "run": ("run.command", "run", "Play scenarios: tests of a model, from files."),
    "call": ("call", "app", "Accept, reject, refer and end calls."),
    "scenario": ("scenario", "app", "Make scenarios of recorded sessions."),
    "replay": ("replay", "replay", "Play a recorded session back, and look at it."),
    "recordings": ("recordings", "app", "List, search and delete recorded sessions."),
    "check": ("check", "check", "Check a recorded session by the rules of the protocol."),
    "export": ("export", "export", "Write a recorded session as a file for other programs."),
    "diff": ("diff", "diff", "Compare two recorded sessions, turn by turn."),
    "report": ("report_page", "report_page", "Make one HTML page of a recorded session."),
    "devices": ("devices", "devices", "List microphones and speakers."),
    "doctor": ("doctor", "doctor", "Check what a chat needs, and say what is missing."),
    "config": ("config", "app", "Show and edit the settings."),
}
"""By its name, the module of a command, what that calls it, and the first line of its help."""


_HELP = """The terminal for the OpenAI Realtime API: talk, send events, see every event.

\b
rtcli chat --local                        needs no key and no network
rtcli send-event events.json | jq .type   sends exactly these events
rtcli serve                               a Realtime server for your own clients
"""
# Below the help of each command: the writer of a script needs the codes where the options are.
_EPILOG = (
    "Exit codes: 0 ok, 2 usage, 3 connection, 4 error event, 5 failed response, 6 time limit "
    "or check, 7 no audio. "
    "When something does not work: rtcli doctor."
)

_OUTPUT_ERRORS = (errno.EPIPE, errno.ENOSPC)  # of stdout itself: run() tells them


def application(arguments: Sequence[str] | None = None) -> typer.Typer:
    """The program, with as much of it as these arguments need; None: all of it.

    A command that they run is all that is needed. Else each has its name and the first line of its help, for importing
    all of them would take longer than anything that is done then.
    """
    app = typer.Typer(
        name="rtcli",
        help=_HELP,
        epilog=_EPILOG,
        rich_markup_mode=None,  # plain help needs none of rich's start-up time
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},  # typer's own default lacks -h
    )
    app.callback(invoke_without_command=True)(_program)
    run = COMMANDS.keys() & set(arguments[:1]) if arguments else set()
    for name, (module, attribute, summary) in COMMANDS.items():
        if run and name not in run:
            continue
        if arguments is not None and not run:
            app.command(name, help=summary)(_not_imported)
            continue
        command = getattr(import_module(f"rtcli.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            # typer does not hand an epilog or a class down to the commands of a group.
            for inner in command.registered_commands:
                inner.epilog, inner.cls = _EPILOG, CheckedCommand
            app.add_typer(command, name=name, epilog=_EPILOG)
        else:
            app.command(name, cls=CheckedCommand, epilog=_EPILOG)(command)
    return app


def _not_imported() -> None:
    raise AssertionError("only the help lists it")


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
    out = sys.stdout  # a tool may put something else there
    # a stream may have been replaced by one without an encoding
    for stream in (out, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A text that the terminal's encoding lacks must not end a session.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        code = _run(arguments)
        # Here, where it can be explained: at the interpreter's own flush a full disk ends in a traceback.
        out.flush()
    except BrokenPipeError:  # the reader of our output has gone: there is nobody to tell
        _drop_output()
        code = ExitCode.OK  # as `rtcli ... | head` is meant to end
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
        completing = "_RTCLI_COMPLETE" in os.environ  # what is typed then comes in a variable
        program = application(None if completing else arguments)
        # Not standalone: click would end the process itself, with codes of its own.
        result = program(args=list(arguments), prog_name="rtcli", standalone_mode=False)
        return ExitCode.OK if result is None else int(result)
    except RtcliError as error:
        report.error(error)
        return error.exit_code
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "rtcli"
        # click ends its sentences with a period, our lines go on with the hint.
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
