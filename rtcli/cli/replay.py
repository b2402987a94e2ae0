"""`rtcli replay`: look at a recorded session with the commands of a live one."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from rtcli.cli import completion, options, runner
from rtcli.errors import ExitCode, RtcliError, UsageError, worst
from rtcli.views import DisplaySettings, Notice, Quit, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtcli.commands import Context
    from rtcli.config.settings import Settings
    from rtcli.session.replay import Replay


def replay(
    file: Annotated[str, typer.Argument(metavar="FILE|NAME|-", help="A recording: a file, a name, last, or stdin.")],
    speed: Annotated[str | None, typer.Option(metavar="N|max", help="How fast: 2 is twice as fast.")] = None,
    events: options.Events = None,
    filter_: options.Filter = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DEVICE", help="The speaker.", autocompletion=completion.speakers),
    ] = None,
    silent: Annotated[bool, typer.Option("--silent", help="Play no audio.")] = False,
    json: options.Json = False,
    both: options.Both = False,
) -> ExitCode:
    """Play a recorded session back, and look at it.

    \b
    rtcli replay last
    rtcli replay session.ndjson --speed max --events summary
    echo /why | rtcli replay session.ndjson

    At the prompt F6 pauses, F7 steps, /seek goes to a point; commands that look (/show, /grep, /why, /history, /stats)
    work as in the session itself; what the assistant said is heard, at speed 1, where there is a speaker. In a pipe
    everything is played at once, then each line of input is a command.
    """
    if both and not json:
        raise UsageError("--both needs --json")
    if silent and out:
        raise UsageError("--silent and --out exclude each other")
    settings = options.settings_of(events=events, filter=filter_)
    display = DisplaySettings(events=settings.get("events") or "off", filter=settings.get("filter") or "")
    from rtcli.protocol.filters import parse_filter
    from rtcli.session.replay import parse_speed

    parse_filter(display.filter)
    options.bounds_of(settings)
    pace = None if speed is None else parse_speed(speed, "--speed")
    playback = _Playback(not silent, out or settings.get("output_device"))
    return runner.run(
        _replay(file, display, settings, pace=pace, named=speed is not None, json=json, both=both, playback=playback)
    )


@dataclass(frozen=True, slots=True)
class _Playback:
    """Whether a replay at a prompt is heard, and on which device (None: the system's)."""

    on: bool
    device: str | None


async def _replay(
    file: str,
    display: DisplaySettings,
    settings: "Settings",
    *,
    pace: float | None,
    named: bool,
    json: bool,
    both: bool,
    playback: _Playback,
) -> ExitCode:
    import os

    from rtcli.terminal.capabilities import can_prompt

    # with "-" standard input is the recording and can take no keys
    prompted = not json and file != "-" and can_prompt(os.environ, sys.stdin, sys.stdout)
    if pace is None and not named and prompted:
        # somebody watches; a pipe has nobody to wait for
        pace = 1.0
    looked_at = _opened(file, pace, settings.get("recordings"))
    try:
        if prompted:
            if playback.on:
                from rtcli.audio.speaker import Speaker
                from rtcli.session.replay_audio import ReplayAudio

                looked_at.audio = ReplayAudio(Speaker(playback.device), looked_at.feed.show)
            return await _at_prompt(looked_at, display, settings)
        return await _in_pipe(
            looked_at, display, settings, json=json, both=both, commands=file != "-" and not sys.stdin.isatty()
        )
    finally:
        looked_at.close()


def _opened(file: str, pace: float | None, directory: str | None) -> "Replay":
    """The replay of a file, of standard input, or of a recording of the folder."""
    from functools import partial

    from rtcli.cli.recording_options import recording_path
    from rtcli.recording.reader import open_recording
    from rtcli.session.replay import Replay

    return Replay(partial(open_recording, recording_path(file, directory)), speed=pace)


def _greeting(looked_at: "Replay") -> Notice:
    return Notice(f"replay of {looked_at.name}", looked_at.about, "F6 pause, F7 step, /seek, /why, /quit")


def _context(looked_at: "Replay", display: DisplaySettings, settings: "Settings") -> "Context":
    from rtcli.commands import Context, default_registry

    return Context(
        None,
        display,
        default_registry(),
        prices=settings.get("prices") or {},
        bounds=options.bounds_of(settings),
        recorded=looked_at,
    )


async def _at_prompt(looked_at: "Replay", display: DisplaySettings, settings: "Settings") -> ExitCode:
    from rtcli.cli.output import color_for
    from rtcli.config.folders import history_file
    from rtcli.repl.backend import ReplayBackend
    from rtcli.repl.loop import run_prompt

    async def open_backend() -> ReplayBackend:
        return ReplayBackend(_context(looked_at, display, settings))

    return await run_prompt(
        open_backend,
        display=display,
        label=looked_at.name,
        greeting=[_greeting(looked_at)],
        keys=options.keys_of(settings),
        history=history_file(),
        vi=settings.get("editing") == "vi",
        color=color_for(sys.stdout, settings.get("theme")),
    )


async def _in_pipe(
    looked_at: "Replay", display: DisplaySettings, settings: "Settings", *, json: bool, both: bool, commands: bool
) -> ExitCode:
    """All of it at once, or at the speed that was named; then the commands of standard input."""

    from rtcli.cli import report
    from rtcli.cli.output import StdoutConsumer, view_writer

    consumer = StdoutConsumer()
    writer = view_writer(display, settings.get("theme"), consumer.leave, json=json, both=both)
    # Before it plays, or the first records would be missing.
    looked_at.feed.subscribe(writer.write)
    context = _context(looked_at, display, settings)

    async def play() -> ExitCode:
        await looked_at.play_to_end()
        for note in looked_at.notes:
            report.line(note)
        return await _answer_lines(context, writer.write) if commands else ExitCode.OK

    try:
        return await consumer.while_reading(play())
    finally:
        writer.close()


async def _answer_lines(context: "Context", show: "Callable[[View], None]") -> ExitCode:
    """Carry out each line of standard input; the worst code of those that failed."""
    from rtcli.cli import report
    from rtcli.cli.lines import Lines
    from rtcli.commands import run_line

    codes: list[ExitCode] = []
    async for _, line in Lines("-"):
        try:
            for view in await run_line(line, context):
                if isinstance(view, Quit):
                    return worst(*codes, view.code)
                show(view)
        except RtcliError as error:
            report.error(error)
            # the lines after it are carried out all the same
            codes.append(error.exit_code)
    return worst(*codes)
