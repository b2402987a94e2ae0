"""`rtcli send-event`: send exactly these events, show exactly what comes back."""

import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtcli.cli import completion, options, recording_options, report, runner
from rtcli.cli.apart import require_apart
from rtcli.config.endpoints import Endpoint
from rtcli.config.settings import check
from rtcli.errors import ExitCode, UsageError
from rtcli.protocol.record import Direction
from rtcli.protocol.session_kind import SessionKind

if TYPE_CHECKING:
    from rtcli.cli.send_event.stop_condition import StopCondition
    from rtcli.protocol.ndjson import Located
    from rtcli.transports import OpenAIRealtimeWebSocket

_SILENT_SECONDS = 3.0
"""How long to wait for a session before anything is sent: a server may wait for the client to speak first."""


def send_event(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="One event, an array, or NDJSON; - is stdin.")],
    url: options.Url = None,
    local: options.Local = False,
    profile: options.Profile = None,
    model: options.Model = None,
    call_id: options.CallId = None,
    api_key_env: options.ApiKeyEnv = None,
    auth: options.Auth = None,
    header: options.Header = None,
    session_update: Annotated[
        str | None,
        typer.Option(
            metavar="full|minimal|none",
            help="Send rtcli's own session.update first.",
            autocompletion=completion.setting("session_update"),
        ),
    ] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Send each line as it arrives.")] = False,
    until: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TERMS",
            help="End with a match: TYPE, a glob, item=ID, error.",
            autocompletion=completion.server_events,
        ),
    ] = None,
    count: Annotated[int | None, typer.Option(metavar="N", help="End after N events (that match --until).")] = None,
    for_: Annotated[float | None, typer.Option("--for", metavar="S", help="Listen for S seconds.")] = None,
    settle: Annotated[float, typer.Option(metavar="S", help="Wait after events that have no reply.")] = 0.3,
    timeout: Annotated[float, typer.Option(metavar="S", help="How long to wait without progress; 0: no limit.")] = 60.0,
    both: Annotated[bool, typer.Option("--both", help="Both directions, as lines of a recording.")] = False,
    pretty: Annotated[bool, typer.Option("--pretty", help="Indented, with audio summarized.")] = False,
    record: recording_options.Record = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the recording if it exists.")] = False,
    audio: Annotated[
        str | None,
        typer.Option(
            metavar="full|elide",
            help="Audio in full, or summarized.",
            autocompletion=completion.one_of("full", "elide"),
        ),
    ] = None,
) -> ExitCode:
    """Send events and print the server's, one JSON object per line.

    \b
    rtcli send-event create.json --local
    echo '{"type":"response.create"}' | rtcli send-event - --local | jq .type
    rtcli send-event - --stream --for 30 <events.ndjson

    Everything is checked before anything is dialed, and nothing is sent that you did not write. It ends when every
    event has its answer.
    """
    from rtcli.cli.send_event.stop_condition import StopCondition
    from rtcli.protocol.filters import parse_filter

    stop = StopCondition(
        seconds=options.positive(for_, "--for"),
        until=tuple(map(parse_filter, until or ())),
        count=int(options.positive(count, "--count") or 0) or None,
        settle=options.not_negative(settle, "--settle"),
        timeout=options.not_negative(timeout, "--timeout") or None,
    )
    require_apart("--record", record, file)
    if audio not in (None, "full", "elide"):
        raise UsageError(f"--audio {audio}", why="expected full or elide")
    settings = options.settings_of(
        url=url, local=local, profile=profile, model=model, api_key_env=api_key_env, auth=auth, headers=header
    )
    endpoint = options.endpoint_from(settings, call_id)
    # A warning and no error: servers have events of their own.
    _warn_of_unknown(until or (), endpoint.kind)
    # All of it before anything is dialed: a mistake in line 900 must not show after 899 events were sent.
    events = None if stream else _read(file, endpoint.kind)
    first = check("session_update", session_update or "none", "--session-update")
    if first != "none" and endpoint.kind is not SessionKind.REALTIME:
        raise UsageError(
            "--session-update is for conversations", why=f"this address begins another session: {endpoint.kind}"
        )
    elide = audio == "elide" if audio else pretty
    shown = _Shown(both=both, pretty=pretty, elide=elide, theme=settings.get("theme"), first_update=first)
    return runner.run(_exchange(endpoint, stop, events, file, shown, _Recorded(record, force)))


@dataclass(frozen=True, slots=True)
class _Recorded:
    """Where the exchange is recorded."""

    file: str | None
    replace: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """How events are written."""

    both: bool
    pretty: bool
    elide: bool
    theme: str | None
    first_update: str


def _full_session(transport: "OpenAIRealtimeWebSocket") -> dict[str, Any]:
    from rtcli.cli.chat.session_config import DEFAULTS

    return transport.build_session_payload(DEFAULTS)


def _read(file: str, kind: SessionKind) -> "list[Located]":
    from rtcli.cli.event_input import read_input
    from rtcli.protocol.ndjson import parse_events

    events = parse_events(read_input(file), file)
    _warn(events, kind)
    return events


def _warn(events: "Iterable[Located]", kind: SessionKind) -> None:
    """Say what looks wrong; the server decides, so everything is sent all the same."""
    from rtcli.protocol.catalog import check_client_event

    for finding in dict.fromkeys(finding for event in events for finding in check_client_event(event.value, kind)):
        report.line(f"warning: {finding}")


def _warn_of_unknown(until: Iterable[str], kind: SessionKind) -> None:
    """A type that no server is known to send would be waited for in vain."""
    from rtcli.protocol.catalog import event_types, nearest
    from rtcli.protocol.filters import unknown_types

    known = [row.name for direction in Direction for row in event_types(direction, kind)]
    for term in (term for terms in until for term in unknown_types(terms, known)):
        close = nearest(term, Direction.RECEIVED, kind)
        hint = f", did you mean {close}?" if close else ""
        report.line(f"warning: --until {term}: no event type is known by that name{hint}")


async def _stream(file: str, kind: SessionKind) -> "AsyncIterator[Located]":
    from rtcli.cli.lines import Lines
    from rtcli.protocol.ndjson import read_events

    async for number, line in Lines(file):
        if line.strip():
            events = list(read_events(line, file, number))
            _warn(events, kind)
            for event in events:
                yield event


async def _exchange(
    endpoint: Endpoint,
    stop: "StopCondition",
    events: "list[Located] | None",
    file: str,
    shown: _Shown,
    recorded: _Recorded,
) -> ExitCode:
    from rtcli.cli.connect import serving_in_process
    from rtcli.cli.output import StdoutConsumer, color_for
    from rtcli.cli.send_event.exchange import Exchange
    from rtcli.session.dialing import transport_for
    from rtcli.session.first_update import SessionUpdate
    from rtcli.terminal.capabilities import is_terminal
    from rtcli.terminal.ndjson import NdjsonWriter
    from rtcli.terminal.sink import Sink

    first = SessionUpdate(shown.first_update)
    recording = recording_options.file_writer(recorded.file, "send-event", endpoint, replace=recorded.replace)
    async with serving_in_process(endpoint) as (served, _):
        transport = transport_for(served, manual=True)
        # Which event answers which differs between the kinds of session.
        transport.frames.pending.kind = endpoint.kind
        consumer = StdoutConsumer()
        writer = NdjsonWriter(
            Sink(sys.stdout, consumer.leave),
            Sink(sys.stderr),
            both=shown.both,
            elide_audio=shown.elide,
            pretty=shown.pretty,
            terminal=is_terminal(sys.stdout),
            color=color_for(sys.stdout, shown.theme),
        )
        exchange = Exchange(transport, writer, stop, consumer, recording)
        try:
            await transport.connect(call_id=endpoint.call_id)
            if first is not SessionUpdate.NONE:
                session = {"type": "realtime"} if first is SessionUpdate.MINIMAL else _full_session(transport)
                transport.send_event({"type": "session.update", "session": session})
            # Who joins a call hears nothing before it asks, and neither does a client of GPT-Live.
            if endpoint.call_id is None and endpoint.kind is not SessionKind.LIVE:
                await exchange.begin(_SILENT_SECONDS)
            return await exchange.run(events if events is not None else _stream(file, endpoint.kind))
        finally:
            # In this order: what the end of the connection still brings is written, and then recorded, before both are
            # closed.
            transport.close()
            await transport.wait_closed()
            exchange.end()
            writer.close()
