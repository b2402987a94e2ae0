"""`rtcli chat`: talk with a model, at a prompt in a terminal, line by line in a pipe."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from rtcli.cli import completion, options, recording_options, runner
from rtcli.cli.apart import require_apart
from rtcli.cli.chat.audio import AudioChoice
from rtcli.cli.chat.options import ChatOptions
from rtcli.cli.minting import secrets_url
from rtcli.config.endpoints import Endpoint
from rtcli.errors import ExitCode, UsageError
from rtcli.files import expanded
from rtcli.protocol.session_kind import SessionKind, is_attached
from rtcli.views import DisplaySettings

if TYPE_CHECKING:
    from rtcli.config.settings import Settings
    from rtcli.session.tools.load import ToolFile
    from rtcli.terminal.standard_streams import StandardStreams


def chat(
    url: options.Url = None,
    local: options.Local = False,
    profile: options.Profile = None,
    model: options.Model = None,
    call_id: options.CallId = None,
    webrtc: options.WebRTC = False,
    watch: Annotated[bool, typer.Option("--watch", help="Watch the call of --call-id; nothing can be sent.")] = False,
    pace: Annotated[
        float | None, typer.Option(metavar="N", help="How fast the built-in server speaks; 0: at once.")
    ] = None,
    secret: Annotated[bool, typer.Option("--secret", help="Mint an ephemeral key first, and connect with it.")] = False,
    api_key_env: options.ApiKeyEnv = None,
    auth: options.Auth = None,
    header: options.Header = None,
    session_update: options.SessionUpdate = None,
    voice: Annotated[
        str | None, typer.Option(metavar="NAME", help="The voice of the answers.", autocompletion=completion.voices)
    ] = None,
    instructions: Annotated[str | None, typer.Option(metavar="TEXT|@FILE", help="Instructions for the model.")] = None,
    session: Annotated[str | None, typer.Option(metavar="FILE", help="A session config as JSON.")] = None,
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="The language of a translation, or of what you say.")
    ] = None,
    tools: Annotated[
        str | None, typer.Option(metavar="FILE", help="Tools: functions (.py) or schemas (.json).")
    ] = None,
    tool_timeout: Annotated[
        float, typer.Option(metavar="S", min=0, help="How long a tool may take; 0: no limit.")
    ] = 60,
    text: Annotated[bool, typer.Option("--text", help="Ask for text instead of audio.")] = False,
    mic: Annotated[bool, typer.Option("--mic", help="Listen from the start.")] = False,
    in_: Annotated[
        str | None,
        typer.Option("--in", metavar="DEVICE", help="The microphone.", autocompletion=completion.microphones),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DEVICE", help="The speaker.", autocompletion=completion.speakers),
    ] = None,
    audio_in: Annotated[str | None, typer.Option(metavar="WAV", help="Send this file instead of a microphone.")] = None,
    audio_out: Annotated[str | None, typer.Option(metavar="WAV", help="Write the spoken answers to this file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    echo: Annotated[
        str | None,
        typer.Option(
            metavar="MODE", help="Echo guard: auto, aec, gate, half or off.", autocompletion=completion.setting("echo")
        ),
    ] = None,
    events: options.Events = None,
    filter_: options.Filter = None,
    record: recording_options.Record = None,
    no_record: recording_options.NoRecord = False,
    recordings: recording_options.Recordings = None,
    resume: recording_options.Resume = None,
    json: options.Json = False,
    both: options.Both = False,
    timeout: Annotated[float, typer.Option(metavar="S", help="How long to wait without progress; 0: no limit.")] = 60,
) -> ExitCode:
    """Talk with a model by text, voice and image.

    \b
    rtcli chat
    rtcli chat --url http://localhost:8080/v1 --api-key-env MY_KEY --mic
    echo hello | rtcli chat --local --json | jq .type

    Without a URL and without OPENAI_API_KEY it talks to the built-in server. At the prompt /help lists the
    commands. In a pipe each line of input is answered before the next one is read; lines that begin with / or { work
    there too.
    """
    settings = options.settings_of(
        url=url, local=local, profile=profile, model=model, api_key_env=api_key_env, auth=auth, headers=header,
        voice=voice, instructions=instructions, text=text, events=events, filter=filter_, echo=echo,
        input_device=in_, output_device=out, session_update=session_update,
    )  # fmt: skip
    if both and not json:
        raise UsageError("--both needs --json")
    named = instructions.removeprefix("@") if instructions and instructions.startswith("@") else None
    reads = (audio_in, tools, session, named)
    require_apart("--record", record, *reads)
    require_apart("--audio-out", audio_out, *reads)
    from rtcli.cli.chat.session_config import asked_config

    endpoint = options.endpoint_from(settings, call_id, local_by_default=True)
    if webrtc or settings.get("webrtc"):
        endpoint = _by_webrtc(endpoint)
    if pace is not None and not endpoint.local:
        raise UsageError("--pace: for the built-in server alone", hint="give --local")
    if secret and not endpoint.local:
        secrets_url(endpoint)  # now, so that a mistake shows before anything is dialed
    if watch:
        # Refused together, so that one run shows all that has to be removed.
        sends = {"--mic": mic, "--in": in_, "--audio-in": audio_in, "--tools": tools, "--resume": resume}
        _check_watch(endpoint, [name for name, given in sends.items() if given])
    config = asked_config(settings, session, endpoint.kind, language)
    streams, tool_file = _tools(tools)
    if settings.get("session_update") == "none" and (config or tool_file):
        asked = ", ".join([*config, *(["tools"] if tool_file else [])])
        raise UsageError(
            "--session-update none sends no settings", why=f"asked for: {asked}", hint="--session-update minimal"
        )
    chat_options = ChatOptions(
        endpoint=endpoint,
        config=config,
        tools=tool_file,
        tool_seconds=options.not_negative(tool_timeout, "--tool-timeout") or None,
        streams=streams,
        audio=_audio_choice(
            settings, mic=mic, named_in=in_, named_out=out, audio_in=audio_in, audio_out=audio_out, force=force
        ),
        # The prompt's default is quiet; F3 shows events on demand.
        display=DisplaySettings(events=settings.get("events") or "off", filter=settings.get("filter") or ""),
        settings=settings,
        recording=recording_options.recording_choice(
            settings, record, no_record=no_record, directory=recordings, replace=force, resume=resume
        ),
        json=json,
        both=both,
        limit=options.not_negative(timeout, "--timeout") or None,
        watch=watch,
        pace=1.0 if pace is None else options.pace_of(pace),
        secret=secret,
    )
    # Now: a mistake in the settings must not show first when an event comes.
    _check_filter(chat_options.display.filter)
    options.bounds_of(settings)
    return runner.run(_converse(chat_options))


async def _converse(chat_options: ChatOptions) -> ExitCode:
    """At a prompt where there can be one, else line by line."""
    from rtcli.terminal.capabilities import can_prompt

    if not chat_options.json and can_prompt(
        chat_options.environ, chat_options.streams.stdin, chat_options.streams.stdout
    ):
        from rtcli.cli.chat.interactive import at_prompt

        return await at_prompt(chat_options)
    from rtcli.cli.chat.batch import in_pipe

    return await in_pipe(chat_options)


def _tools(file: str | None) -> "tuple[StandardStreams, ToolFile | None]":
    """The tools of a file, and what stays ours of stdin and stdout while its code runs."""
    from rtcli.terminal.standard_streams import shared_streams, streams_apart

    if not file:
        return shared_streams(), None

    from rtcli.session.tools.load import load_tools

    path = expanded(file)
    # Code may print to stdout whenever it likes; JSON schemas run nothing.
    streams = streams_apart() if path.suffix == ".py" else shared_streams()
    return streams, load_tools(path)


def _audio_choice(
    settings: "Settings",
    *,
    mic: bool,
    named_in: str | None,
    named_out: str | None,
    audio_in: str | None,
    audio_out: str | None,
    force: bool,
) -> AudioChoice:
    if audio_in and (mic or named_in):
        raise UsageError("--audio-in replaces the microphone", hint="remove --mic and --in")
    if named_out and audio_out:
        raise UsageError("--audio-out replaces the speaker", hint="remove --out")
    notes: tuple[str, ...] = ()
    if audio_in:  # before anything is dialed
        from rtcli.dsp.wav import load_wav

        notes = load_wav(audio_in).notes
    return AudioChoice(
        input_notes=notes,
        microphone_on=mic,
        input_device=settings.get("input_device"),
        output_device=settings.get("output_device"),
        input_file=audio_in,
        output_file=audio_out,
        replace_output=force,
        text=bool(settings.get("text")),
        required_input=mic or named_in is not None,
        required_output=named_out is not None,
    )


def _by_webrtc(endpoint: Endpoint) -> Endpoint:
    """The same endpoint, to be called. Raises UsageError where it cannot be."""
    from rtcli.rtc.peer import is_available, missing_extra

    if endpoint.call_id is not None:
        raise UsageError(
            "--webrtc begins a call", why="--call-id joins one over a WebSocket", hint="remove one of them"
        )
    if endpoint.kind is not SessionKind.REALTIME or is_attached(endpoint.url):
        raise UsageError("--webrtc is for conversations", why=f"{endpoint.label} is asked for another kind of session")
    if not is_available():
        raise missing_extra()
    return replace(endpoint, webrtc=True, label=f"{endpoint.label} by WebRTC")


def _check_watch(endpoint: Endpoint, sends: list[str]) -> None:
    """Only what runs already can be watched, and nothing that sends goes with it. Raises UsageError."""
    if endpoint.call_id is None and not is_attached(endpoint.url):
        raise UsageError("--watch needs a call", why="a session of our own would stay empty", hint="give --call-id ID")
    if sends:
        raise UsageError(f"--watch sends nothing: {', '.join(sends)} cannot go with it")


def _check_filter(expression: str) -> None:
    if not expression:
        return
    from rtcli.protocol.filters import parse_filter

    parse_filter(expression)
