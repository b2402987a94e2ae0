"""`rtcli serve`: the built-in Realtime server on loopback."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtcli.cli import completion, options, output, runner
from rtcli.cli.apart import require_apart
from rtcli.cli.recording_options import record_folder
from rtcli.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rtcli.cli.serve_once import OnceRun
    from rtcli.protocol.differences import Mismatch
    from rtcli.protocol.record import Record
    from rtcli.server import RealtimeServer

_PORT = 8088


def serve(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[-- COMMAND...]", help="With --once: the program that is tested.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="N", help="The port (8088, for a COMMAND a free one); 0 picks a free one.")
    ] = None,
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="The address to listen on; anything but loopback needs a key.")
    ] = "127.0.0.1",
    reply: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="rules, echo, smollm or openai:URL[,model].",
            autocompletion=completion.one_of("rules", "echo", "smollm", "openai:"),
        ),
    ] = "rules",
    script: Annotated[str | None, typer.Option(metavar="FILE", help="Answer from a script (YAML or JSON).")] = None,
    recording: Annotated[
        str | None, typer.Option("--from", metavar="RECORDING", help="Serve a recorded session.")
    ] = None,
    pace: Annotated[
        float, typer.Option(metavar="N", help="How fast: 2 is twice as fast as speech, or as recorded; 0 at once.")
    ] = 1.0,
    once: Annotated[
        bool, typer.Option("--once", help="End with the COMMAND, or when the first client has left, and judge it.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="S", help="With --once: the time limit; 0 for none. A COMMAND has 60 seconds."),
    ] = None,
    junit: Annotated[
        str | None, typer.Option(metavar="FILE", help="With --once: write the result as JUnit XML.")
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="With --once: leave this rule of check out; repeatable.",
            autocompletion=completion.rules,
        ),
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(metavar="WHEN:WHAT", help="Inject a fault; repeatable.")] = None,
    voice: Annotated[
        str,
        typer.Option(
            metavar="ENGINES",
            help="auto, tone (no speech engines) or voice.",
            autocompletion=completion.one_of("auto", "tone", "voice"),
        ),
    ] = "auto",
    expires_after: Annotated[float, typer.Option(metavar="S", help="How long a session lasts.")] = 3600,
    allow_origin: Annotated[
        list[str] | None, typer.Option(metavar="ORIGIN", help="Accept connections from this web origin.")
    ] = None,
    record: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Record each connection into this folder.", callback=record_folder),
    ] = None,
    ring: Annotated[
        str | None, typer.Option("--ring", metavar="WAV", help="Start a telephone call whose caller plays this file.")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Send the webhooks of telephone calls here.")
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="Show each event, fault and connection on stderr.")] = False,
    tls_cert: Annotated[str | None, typer.Option(metavar="FILE", help="Serve wss with this certificate (PEM).")] = None,
    tls_key: Annotated[
        str | None, typer.Option(metavar="FILE", help="Its private key, if it is in a separate file.")
    ] = None,
    until_eof: Annotated[bool, typer.Option("--until-eof", help="End when stdin closes.", hidden=True)] = False,
) -> ExitCode:
    """Serve the Realtime API here, with faults on demand.

    \b
    rtcli serve
    rtcli serve --port 0 --script answers.yaml
    rtcli serve --from talk.ndjson --pace 0 --once
    rtcli serve --script answers.yaml --once --junit out.xml -- python agent.py
    rtcli serve --log --fault event=response.created:stall=5s --fault after=60s:close=1011
    rtcli serve --ring hello.wav --webhook http://127.0.0.1:8000/webhook

    Prints its URL on stdout when it is ready. With RTCLI_SERVE_KEY in the environment, clients must present that key.
    A client that does something else than the script expects, or the one that was recorded, is told of on stderr; with
    --once that is exit 6, and so is a broken rule of rtcli check. A COMMAND finds the server's address in
    OPENAI_BASE_URL and RTCLI_URL; stdout is its own then. With RTCLI_WEBHOOK_SECRET webhooks are signed.
    """
    _check_numbers(port, expires_after, pace)
    require_apart("--junit", junit, script, recording, ring, tls_cert, tls_key)
    from functools import partial

    from rtcli.cli.serve_once import OnceOptions, prepare
    from rtcli.server import RealtimeServer
    from rtcli.server.net.tls import tls_context

    key = os.environ.get("RTCLI_SERVE_KEY") or None
    make = partial(
        RealtimeServer,
        host,
        # A program under test gets its address from us: a free port lets tests run side by side.
        port if port is not None else 0 if command else _PORT,
        reply=reply,
        script=script,
        recording=recording,
        pace=pace,
        faults=tuple(fault or ()),
        key=key,
        voice=voice,
        expires_after=expires_after,
        allow_origin=tuple(allow_origin or ()),
        ssl=tls_context(tls_cert, tls_key),
        webhook=webhook,
        webhook_secret=os.environ.get("RTCLI_WEBHOOK_SECRET") or None,
    )
    if record is not None:
        from rtcli.recording.folder import RecordingFolder

        RecordingFolder(Path(record)).make()  # now, so that it shows before a client connects
    says = _speech(ring, recording)
    observe = _event_log() if log else None
    asked = OnceOptions(tuple(command or ()), timeout, junit, tuple(ignore or ()))
    if once:
        run = prepare(make, asked, script=script, recording=recording, record=record, log=observe, tell=_tell)
        run.server.on_problem = _warn
        return runner.run(_serve_once(run, key, tls_cert or "", says))
    asked.require_once()
    server = make(record=record, observe=observe)
    server.on_mismatch = _tell
    server.on_problem = _warn
    return runner.run(_serve(server, until_eof, says))


def _check_numbers(port: int | None, expires_after: float, pace: float) -> None:
    """Raises UsageError."""
    if port is not None and not 0 <= port <= 65535:
        raise UsageError(f"--port {port}", why="a port is a number from 0 to 65535")
    options.positive(expires_after, "--expires-after")
    options.pace_of(pace)


def _speech(file: str | None, recording: str | None) -> bytes | None:
    """What the caller of --ring says. Raises InputError, and UsageError where nobody would answer."""
    if file is None:
        return None
    if recording is not None:
        raise UsageError("--ring and --from exclude each other", why="a recording takes no calls")
    from rtcli.dsp.wav import read_speech

    return read_speech(file)


async def _serve(server: "RealtimeServer", until_eof: bool, ring: bytes | None) -> ExitCode:
    import asyncio

    from rtcli.server.net.serve import serve as run_server

    stop = asyncio.Event()
    if until_eof:
        _at_eof(stop.set)
    await run_server(server, announce=_announce, log=_log, until=stop.wait, ring=ring)
    return ExitCode.OK


async def _serve_once(run: "OnceRun", key: str | None, certificate: str, ring: bytes | None) -> ExitCode:
    import asyncio
    from functools import partial

    from rtcli.cli.serve_report import conclude
    from rtcli.server.net.serve import serve as run_server

    # stdout is the program's own
    announce = (lambda url: _log(f"address: {url}")) if run.name else _announce
    try:
        until = partial(run.until_over, key=key, certificate=certificate)
        await run_server(run.server, announce=announce, log=_log, until=until, ring=ring)
    except asyncio.CancelledError:
        # Also then: a CI job that is cancelled has its JUnit file, with what was found so far.
        run.stopped = True
        conclude(run)
        raise
    return conclude(run)


def _announce(url: str) -> None:
    """The one line on stdout, for clients that wait to connect."""
    from rtcli.terminal.sink import Sink

    Sink(sys.stdout, output.raise_problem).write(f"{url}\n")


def _tell(mismatch: "Mismatch") -> None:
    """What a client does is not what was expected of it."""
    _log_foreign(f"mismatch: {mismatch}")


def _warn(problem: str) -> None:
    """The server cannot do what it was asked for, and goes on."""
    _log_foreign(f"warning: {problem}")


def _log_foreign(text: str) -> None:
    """Log what may hold values of a client, paths and addresses."""
    from rtcli.masking import masked
    from rtcli.render.text import visible

    _log(visible(masked(text)))


def _event_log() -> "Callable[[str], Callable[[Record], None]]":
    from rtcli.cli.serve_log import ServeLog
    from rtcli.config.settings import load_settings

    return ServeLog(load_settings().get("theme")).connection


def _log(line: str) -> None:
    # Without "rtcli:" before it: these are lines of a log, and not messages.
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _at_eof(stop: Callable[[], object]) -> None:
    """Call `stop` on this loop when standard input ends: the process that started us is gone."""
    import asyncio
    import threading

    loop = asyncio.get_running_loop()

    def wait() -> None:
        from rtcli.cli.event_input import read_chunks

        for _ in read_chunks(sys.stdin.fileno()):
            pass
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(stop)

    # A thread, because no event loop can wait for every kind of stdin.
    threading.Thread(target=wait, name="rtcli-parent", daemon=True).start()
