"""Chat without a terminal: a line, its whole answer, the next line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TextIO

from rtcli.cli import report
from rtcli.cli.lines import Lines
from rtcli.cli.output import StdoutConsumer, view_writer
from rtcli.errors import (
    ExitCode,
    ExpectationError,
    NotConnectedError,
    ResponseFailedError,
    RtcliError,
    UnsupportedError,
    worst,
)
from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.record import Connected
from rtcli.protocol.session_kind import SessionKind
from rtcli.terminal.signals import ended_by
from rtcli.views import Quit

if TYPE_CHECKING:
    from rtcli.cli.chat.options import ChatOptions
    from rtcli.commands import Context
    from rtcli.server import RealtimeServer
    from rtcli.session.session import RealtimeSession
    from rtcli.terminal.writer import Writer

_SILENCE_MS, _MAX_SILENCE_MS = 100, 10_000
"""A piece of silence behind a file that was played, and all of it: semantic turn detection waits up to 8 s."""

_APPEND = "input_audio_buffer.append"
_SAID_OUT_SECONDS = 2.0
"""Seconds without a word before a translation counts as said."""

_QUIET_SECONDS = 1.0
"""Seconds of quiet after the last speech of a file before nothing more is expected."""


async def in_pipe(options: ChatOptions) -> ExitCode:
    """A chat from standard input to standard output; the code is the worst that happened."""
    from rtcli.cli.connect import context_for, minted_for, serving_in_process, session_for

    async with serving_in_process(options.endpoint, pace=options.pace) as (endpoint, server):
        consumer = StdoutConsumer()
        writer = view_writer(
            options.display,
            options.settings.get("theme"),
            consumer.leave,
            json=options.json,
            both=options.both,
            stdout=options.streams.stdout,
            speaker="user" if endpoint.kind is SessionKind.TRANSCRIPTION else "assistant",
        )
        authorized, minted = await minted_for(options, endpoint)
        session = session_for(options, authorized, terminal=False)
        try:
            # Before it is started: a session begins with these items, and "last" must not be the recording of this one.
            options.recording.resume_in(session)
            options.recording.begin(session.recorder, prompt=False)
            for notice in options.greeting():
                report.notice(notice)
            session.subscribe(writer.write)
            if minted:
                session.observe_request("POST", minted, 200)
            await session.start()
            if options.audio.listens:
                session.audio.unmute()
            context = context_for(options, session)
            conversation = _converse(context, writer, options.limit, options.streams.stdin, server, watch=options.watch)
            return await consumer.while_reading(conversation)
        finally:
            await session.close(ended_by())
            writer.close()


async def _converse(
    context: Context,
    writer: Writer,
    limit: float | None,
    stdin: TextIO,
    server: RealtimeServer | None,
    *,
    watch: bool = False,
) -> ExitCode:
    """Answer standard input line by line; `server` is that of this process.

    Who watches is there until the connection ends, whatever the input does.
    """
    session = context.session
    codes: list[ExitCode] = []
    async for line in _until_lost(session, Lines("-", stdin)):
        if not line.strip():
            continue
        code, left = await _turn(line, context, writer, limit, server)
        # "not connected" is a usage error at a prompt
        if _is_lost(session) and code is ExitCode.USAGE:
            code = ExitCode.CONNECTION  # the line finds no connection: that is not the command line's fault
        codes.append(code)
        if left:
            break
    else:
        if watch:
            await _connection_end(session)
        elif not _is_lost(session):
            await _drain_input_file(session, limit, server)
            if session.kind in (SessionKind.TRANSLATION, SessionKind.LIVE) and session.lifecycle.connected:
                await _said_out(session)
                # A translation ends by an event of ours, which brings the last words that the server still holds back.
                await session.lifecycle.finish()
            codes.append(_unanswered(session))
    return worst(*codes, session.exit_code)


async def _until_lost(session: RealtimeSession, lines: Lines) -> AsyncIterator[str]:
    """The lines, to the end of the input or of the connection: their writer must not have to send another one to
    hear of that. A line that has come is answered first."""
    lost = asyncio.Event()
    session.transport.on("disconnected", lambda *_: lost.set())
    # One iterator for all rounds: a second one would take a line each from the queue.
    numbered = aiter(lines)
    gone = asyncio.ensure_future(lost.wait())
    try:
        while not _is_lost(session):
            coming = asyncio.ensure_future(anext(numbered, None))
            await asyncio.wait((coming, gone), return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and not _is_lost(session):  # /disconnect: a line may connect again
                lost.clear()
                gone = asyncio.ensure_future(lost.wait())
                await asyncio.wait((coming, gone), return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            elif (line := await coming) is None:
                return
            else:
                yield line[1]
    finally:
        gone.cancel()


async def _connection_end(session: RealtimeSession) -> None:
    ended = asyncio.Event()
    session.transport.on("disconnected", lambda *_: ended.set())
    if session.lifecycle.connected:
        await ended.wait()


def _is_lost(session: RealtimeSession) -> bool:
    """The connection has ended, and not by /disconnect."""
    return not session.lifecycle.connected and session.state.connection is Connected.LOST


def _unanswered(session: RealtimeSession) -> ExitCode:
    """After the last line nobody is left to answer a call: that is told, and no success."""
    waiting = session.tools.waiting
    for call in waiting:
        what = f"{call.name} {call.id} was not {'approved or denied' if call.is_approval else 'answered'}"
        hint = "send a line /approve or /deny" if call.is_approval else "send a line /tool OUTPUT"
        report.error(ResponseFailedError(what, why="the input has ended", hint=hint))
    return ExitCode.RESPONSE_FAILED if waiting else ExitCode.OK


async def _turn(
    line: str, context: Context, writer: Writer, limit: float | None, server: RealtimeServer | None
) -> tuple[ExitCode, bool]:
    """One line and its answer: the code, and whether the line asked to leave."""
    from rtcli.commands import run_line

    session = context.session
    # Frames are counted, not looked at: what a line has sent is known from the log.
    before, handed = session.state.log.last_number, session.audio.handed_bytes
    try:
        for view in await run_line(line, context):
            if isinstance(view, Quit):
                return view.code, True
            writer.write(view)
        await complete(session, limit)
        if line.lstrip().startswith("/") and _played(session, before, handed):
            if server is not None:
                await server.engines()  # until they are loaded, silence of the server says nothing
            silence = asyncio.ensure_future(_end_speech(session))
            try:
                await _heard_out(session, limit, lambda: True)
            finally:
                silence.cancel()
    except RtcliError as error:
        report.error(error)
        return error.exit_code, False
    return ExitCode.OK, False


async def complete(session: RealtimeSession, limit: float | None) -> None:
    """Wait until the answer is there. Raises ExpectationError after `limit` seconds in which nothing moved on; what was
    asked for is given up then, so that the next line need not wait for it."""
    try:
        await session.idle(patience=limit)
    except TimeoutError:
        running = "".join(f", {call.name} is still running" for call in session.status.calls if call.is_running)
        last = session.state.activity.moved_by
        session.talk.give_up()
        raise ExpectationError(
            "the answer is incomplete",
            why=f"no progress for {limit:g} s{f', after {last}' if last else ''}{running}",
            hint="--timeout SECONDS waits longer",
        ) from None


async def _drain_input_file(session: RealtimeSession, limit: float | None, server: RealtimeServer | None) -> None:
    """After the last line: let a file that plays as microphone come to its end, and be answered."""
    from rtcli.audio.files import WavMicrophone

    microphone = session.audio.microphone
    if isinstance(microphone, WavMicrophone):
        if server is not None:
            await server.engines()
        await _heard_out(session, limit, lambda: microphone.ended)


async def _said_out(session: RealtimeSession) -> None:
    """Words and audio run on without an end there: wait until nothing of them has come for a while."""
    loop = asyncio.get_running_loop()
    last, since = session.state.log.last_number, loop.time()
    while session.lifecycle.connected and loop.time() - since < _SAID_OUT_SECONDS:
        await asyncio.sleep(0.05)
        words = [session.state.log.last(f"session.{side}_transcript.delta") for side in ("input", "output")]
        number = max((frame.number for frame in words if frame is not None), default=0)
        if number > last or session.audio.audible:
            last, since = max(last, number), loop.time()


def _played(session: RealtimeSession, before: int, handed: int) -> bool:
    """Audio was sent since then, by a line like /play; in a call it is in no frame."""
    return session.audio.handed_bytes > handed or any(
        frame.event["type"] == _APPEND for frame in session.state.log.sent_since(before) if frame.event
    )


async def _end_speech(session: RealtimeSession) -> None:
    """Go on with silence while speech is open, up to the longest wait of turn detection: it may open late."""
    sent_ms = 0
    while sent_ms < _MAX_SILENCE_MS and session.lifecycle.connected:
        await asyncio.sleep(0.02)  # the server's word takes a moment to come
        if session.state.speech_open and not session.audio.in_call:  # its track goes on with silence by itself
            session.audio.send(bytes(PCM16.byte_length(_SILENCE_MS)))
            sent_ms += _SILENCE_MS


async def _heard_out(session: RealtimeSession, limit: float | None, ended: Callable[[], bool]) -> None:
    """Wait until what was spoken has been heard to its end, and answered: turn detection says when that is.

    Raises ExpectationError where it does not say so within `limit` seconds after the audio has ended.
    """
    quiet_since: float | None = None
    open_since: float | None = None
    arrival: asyncio.Future[None] | None = None
    loop = asyncio.get_running_loop()
    try:
        # a connection that is lost meanwhile has no answer to wait for
        while session.lifecycle.connected:
            speaking = session.state.speech_open or _is_unwritten(session)
            if ended() and arrival is None:
                arrival = asyncio.ensure_future(_arrived(session, limit))
            if arrival is not None and arrival.done() and session.quiet and not speaking:
                # A second of quiet: turn detection reports the end of speech up to half a second late, and an answer
                # follows that.
                quiet_since = quiet_since or loop.time()
                if loop.time() - quiet_since >= _QUIET_SECONDS:
                    return
            else:
                quiet_since = None
            open_since = (open_since or loop.time()) if ended() and speaking else None
            if limit and open_since and loop.time() - open_since >= limit:
                raise ExpectationError(
                    "the turn did not end",
                    why=f"turn detection reported that speech began, but not within {limit:g} s that it ended",
                    hint="/play FILE --commit makes a file a turn",
                )
            await asyncio.sleep(0.02)  # no event tells that a file has ended or that a room is quiet
            # An answer has begun: that has a wait of its own, which says what it was waiting for.
            if not session.quiet:
                await complete(session, limit)
    finally:
        if arrival is not None:
            arrival.cancel()


async def _arrived(session: RealtimeSession, limit: float | None) -> None:
    """Wait until the server has everything that was sent: a file that was written to the socket may be on its way for
    seconds, and quiet of the server says nothing before. Up to `limit` seconds: not every peer answers a ping."""
    with contextlib.suppress(TimeoutError, NotConnectedError, UnsupportedError):
        async with asyncio.timeout(limit):
            await session.transport.flush()
            await session.transport.ping()


def _is_unwritten(session: RealtimeSession) -> bool:
    """A dictation has taken in a turn, and has not written it down."""
    if session.kind is not SessionKind.TRANSCRIPTION:
        return False
    written = (_last(session, f"conversation.item.input_audio_transcription.{end}") for end in ("completed", "failed"))
    return _last(session, "input_audio_buffer.committed") > max(written)


def _last(session: RealtimeSession, event_type: str) -> int:
    frame = session.state.log.last(event_type)
    return frame.number if frame is not None else 0
