"""One exchange of `send-event`: sends what it was given, writes what comes back, and knows when that is all."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rtcli.cli import report
from rtcli.cli.send_event.stop_condition import Progress, StopCondition
from rtcli.errors import ConnectionLostError, ExitCode, ResponseFailedError, RtcliError, ServerError, worst
from rtcli.protocol.cues import Cues
from rtcli.protocol.dialects import Dialect, as_verdict
from rtcli.protocol.events import Event
from rtcli.protocol.ndjson import Located
from rtcli.protocol.outcome import NO_REASON, end_reasons, outcome
from rtcli.protocol.record import Direction, Frame
from rtcli.terminal.signals import ended_by
from rtcli.transports.connection_errors import connection_lost, no_session
from rtcli.views import counted

if TYPE_CHECKING:
    from rtcli.cli.output import StdoutConsumer
    from rtcli.recording.writer import RecordingWriter
    from rtcli.terminal.ndjson import NdjsonWriter
    from rtcli.transports import OpenAIRealtimeWebSocket


class Exchange:
    """Watches the wire of a transport in manual mode, for as long as the `consumer` reads what it writes."""

    def __init__(
        self,
        transport: OpenAIRealtimeWebSocket,
        writer: NdjsonWriter,
        stop: StopCondition,
        consumer: StdoutConsumer,
        recording: RecordingWriter | None = None,
    ) -> None:
        self._transport = transport
        self._writer = writer
        # The clock of the recording starts here, and not when the transport was made.
        transport.frames.began = time.monotonic()
        self._progress = Progress(stop, transport.frames.pending, transport.frames.began)
        self._consumer = consumer
        self._recording = recording
        self._changed = asyncio.Event()
        self._cues, self._cued = Cues(), asyncio.Event()  # what exported events wait for; something may be there
        self._told, self._told_again = ("", ""), 0  # the last error, and how often it came again
        self._refused: Event | None = None  # an error that came before the session
        transport.dialect = Dialect()  # a session may begin under another name
        self._running = self._over = False  # events are being sent; all that was waited for has come
        self.code = ExitCode.OK
        transport.attach_wire(self._observe)
        transport.on("error", lambda *_: None)  # what matters of it comes by the wire, or by how the connection ends
        transport.on("disconnected", lambda *_: self._changed.set())

    async def begin(self, seconds: float) -> None:
        """Wait for the session. A server that says nothing for so long may wait for us: that is told.

        Raises TransportError, also where there was an error and no session.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._transport.wait_ready(2 * seconds)
        except TimeoutError:
            if self._refused is not None:
                raise no_session(seconds, self._refused) from None
            report.line(f"note: no session has begun within {seconds:g} s; the events are sent all the same")

    async def run(self, events: Iterable[Located] | AsyncIterator[Located]) -> ExitCode:
        """Send these, wait for the end, and give the worst code of all that happened. Raises TransportError."""
        self._running = True
        sender = asyncio.ensure_future(self._send(events))
        # Or _watch() would sleep through the end of the input, or through an error in it.
        sender.add_done_callback(lambda _: self._changed.set())
        try:
            problem = await self._watch(sender)
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        if problem is None:
            return self.code
        report.error(problem)
        return worst(problem.exit_code, self.code)

    async def _send(self, events: Iterable[Located] | AsyncIterator[Located]) -> None:
        if isinstance(events, AsyncIterator):
            async for event in events:
                await self._send_one(event)
        else:
            for event in events:
                await self._send_one(event)
        # Only at the end: until then a quiet wire may just wait for the next line.
        self._progress.input_open = False

    async def _send_one(self, event: Located) -> None:
        """Send an event as it stands; one that was exported when its cue is there, with the ids of this session."""
        if event.cue is None:
            self._transport.send_frame(event.text)
            return
        while not self._cues.met(event.cue):
            self._progress.held = event.line
            self._changed.set()  # from now on there is a time limit
            self._cued.clear()
            await self._cued.wait()
        self._progress.held = 0
        self._transport.send_frame(self._cues.named(event.text, event.cue))

    async def _watch(self, sender: asyncio.Future[None]) -> RtcliError | None:
        """Wait until something says that the exchange is over; the problem, if that is how it ended."""
        while True:
            self._changed.clear()
            now = time.monotonic()
            if sender.done() and (error := sender.exception()) is not None:
                raise error
            # before the verdict: nobody is left to read it
            if self._consumer.gone.is_set():
                return self._consumer.problem
            # before the connection's state: a server that closes after its last answer has answered
            if self._progress.finished(now):
                return self._progress.verdict()
            if self._transport.status != "connected":
                return self._lost()
            if self._progress.late(now):
                return self._progress.late_error()
            look = self._progress.next_look(now)
            # Not wait_for(): up to Python 3.11 it swallows a cancellation that meets the event, and so a signal.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if look is None else look - now):
                    await self._changed.wait()

    def _observe(self, frame: Frame) -> None:
        now, event = time.monotonic(), frame.event
        if self._recording is not None:
            self._recording.add(frame)
        if self._over:
            return  # the same script prints the same lines, whatever else the server had under way
        self._progress.observe(frame, now)
        self._writer.write(frame)
        if event is None:
            return
        if frame.direction is Direction.RECEIVED:
            self._cues.received(event)
            self._cued.set()
            if self._running:  # before that, an error says why the connection is refused: wait_ready() raises it
                self._judge(event, linked=frame.parent is not None)
            elif event.get("type") == "error":
                self._refused = dict(event)
            self._over = self._progress.finished(now)
        else:
            self._cues.sent(event)
        self._changed.set()

    def end(self) -> None:
        """The connection has ended: so does the recording."""
        if self._told_again:
            report.line(f"{self._told[0]}: {counted(self._told_again, 'more time')}")
        if self._recording is not None:
            code = ended_by() or self.code
            self._recording.close(time.monotonic() - self._transport.frames.began, code)

    def _judge(self, event: Mapping[str, Any], *, linked: bool) -> None:
        event = as_verdict(event)
        code = outcome(event)
        self.code = worst(self.code, code)
        if code is ExitCode.SERVER_ERROR:
            error = ServerError(event)
            # one about nothing of ours that comes again and again is told once
            if not linked and not self._progress.pending.settled and (error.what, error.why) == self._told:
                self._told_again += 1
                return
            self._told = (error.what, error.why)
            report.error(error)
        elif code is ExitCode.RESPONSE_FAILED:
            report.error(_failure(event["response"]))

    def _lost(self) -> ConnectionLostError:
        error = connection_lost(self._transport.close_code, self._transport.close_reason or "", None)
        waiting = ", ".join(dict.fromkeys(entry.type for entry in self._progress.pending.unanswered))
        what = f"{error.what} while waiting for an answer to {waiting}" if waiting else error.what
        return ConnectionLostError(what, why=error.why, hint=error.hint, code=error.code, reason=error.reason)


def _failure(response: Mapping[str, Any]) -> ResponseFailedError:
    """Why a response ended failed or incomplete, in the server's words."""
    why = (end_reasons(response) or (NO_REASON,))[-1]
    return ResponseFailedError(f"response {response.get('id')} ended {response.get('status')}", why=why)
