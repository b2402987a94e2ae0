"""The options of `rtcli proxy`, and which of its two forms they ask for."""

import os
import sys
from typing import Annotated

import typer

from rtcli.cli import options, runner
from rtcli.cli.recording_options import record_folder
from rtcli.errors import ExitCode, UsageError

_DEFAULT_LISTEN = "127.0.0.1:8089"  # beside the built-in server's 8088, so that both can run


def proxy(
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="URL", help="The endpoint: http, https, ws or wss; OpenAI's if not given."),
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="The built-in server: no key, no network.")] = False,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where apps connect; port 0 picks a free one.")
    ] = _DEFAULT_LISTEN,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen also where other machines can connect.")
    ] = False,
    allow_origin: Annotated[
        list[str] | None, typer.Option(metavar="ORIGIN", help="Accept connections from this web origin.")
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(metavar="WHEN:WHAT", help="Inject a fault; repeatable.")] = None,
    events: options.Events = None,
    filter_: options.Filter = None,
    json: Annotated[bool, typer.Option("--json", help="Print every event as NDJSON; no prompt.")] = False,
    record: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Record each connection into this folder.", callback=record_folder),
    ] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Record nothing.")] = False,
) -> ExitCode:
    """Watch, record and break the sessions of any app.

    \b
    rtcli proxy
    rtcli proxy --local --fault event=response.created:stall=5s
    rtcli proxy --to https://gateway.example/v1 --listen 127.0.0.1:9000
    rtcli proxy --json --record calls | jq .

    Give the app http://127.0.0.1:8089/v1 as its base URL: it sends its own key, which is shown and recorded nowhere.
    At a prompt, /connections, /use, /hold, /edit, /inject and the commands that look. In a pipe, NDJSON of both
    directions with the connection's number; lines of standard input are commands, and only a signal ends it.
    """
    if local and to:
        raise UsageError("--to and --local exclude each other", hint="remove one of them")
    if record is not None and no_record:
        raise UsageError("--record and --no-record exclude each other")
    from rtcli.cli.proxy.options import ProxyOptions

    settings = options.settings_of(events=events, filter=filter_)
    chosen = ProxyOptions.of(
        settings,
        to=to,
        local=local,
        listen=listen,
        allow_remote=allow_remote,
        allow_origin=tuple(allow_origin or ()),
        faults=tuple(fault or ()),
        record=record,
        no_record=no_record,
        events=events,
    )
    from rtcli.terminal.capabilities import can_prompt

    if not json and can_prompt(os.environ, sys.stdin, sys.stdout):
        from rtcli.cli.proxy.interactive import at_prompt

        return runner.run(at_prompt(chosen))
    from rtcli.cli.proxy.pipe import in_pipe

    return runner.run(in_pipe(chosen))
