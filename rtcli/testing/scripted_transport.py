"""ScriptedTransport: the WebSocket transport with a script in the place of a server; no network, no time, no key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from rtcli.protocol.event_matching import EventMatcher
from rtcli.protocol.events import Event
from rtcli.protocol.models import DEFAULT_MODEL
from rtcli.protocol.play import Emit, EndConnection, Expect, Outgoing, Player, PlayStep
from rtcli.protocol.play_recording import client_event, connections
from rtcli.recording.reader import open_recording
from rtcli.testing.scripted_server import ScriptedServer
from rtcli.transports import OpenAIRealtimeWebSocket

SESSION: Mapping[str, Any] = {
    "id": "sess_1",
    "object": "realtime.session",
    "type": "realtime",
    "model": DEFAULT_MODEL,
    "output_modalities": ["audio"],
}
"""What session.created says, unless the script begins the session itself."""


class ScriptError(AssertionError):
    """What was sent is not what the script expects, or something that it expects was never sent."""


def expect(event: str | Mapping[str, Any], /, **fields: Any) -> Expect:
    """A step: an event is sent. `event` is its type, or a mapping of fields; see EventMatcher for how they match."""
    named = {"type": event} if isinstance(event, str) else event
    return Expect(EventMatcher({**named, **fields}))


def emit(*events: Outgoing | Iterable[Outgoing]) -> Emit:
    """A step: the server sends these events, lists of events, or frames as they stand (text, or bytes)."""
    flat: list[Outgoing] = []
    for event in events:
        if isinstance(event, str | bytes | Mapping):
            flat.append(event)
        else:
            flat += event
    return Emit(lambda _expected: flat)


def close(code: int | None = 1000, reason: str = "") -> EndConnection:
    """A step: the server ends the connection; without a close frame where `code` is None."""
    return EndConnection(code, reason)


class ScriptedTransport(OpenAIRealtimeWebSocket):
    """A transport whose server is a list of steps, made by `expect`, `emit` and `close`.

        async with ScriptedTransport(
            expect("conversation.item.create"), expect("response.create"), emit(text_response("Hello."))
        ) as transport:
            transport.send_message("hi")
            await transport.played()

    What is sent has to be what the next `expect` says: anything else raises ScriptError, with the differences, where it
    is sent, and once more at the end of the `async with`, as does what was expected and never sent. The session begins
    by itself (`session` is what session.created carries, the first session.update is confirmed) unless the first step
    is about it. Retrieves that a client makes by itself are answered with the item, and need not be expected. `sent`
    has every event that was sent.
    """

    def __init__(self, *steps: PlayStep, session: Mapping[str, Any] = SESSION, **options: Any) -> None:
        """`options` are those of OpenAIRealtimeWebSocket."""
        self._server = ScriptedServer(None if steps and _begins(steps[0]) else session)
        self._server.script = Player(steps, aside=self._server.retrieved)
        self.sent: list[Event] = self._server.sent
        # A key, or the transport would look for the user's; no tracing, or the first update has a field that no test
        # wrote.
        own = {"api_key": "sk-scripted", "auto_tracing": False}
        super().__init__(**{**own, **options, "create_websocket": self._server.dial})

    @classmethod
    def from_recording(cls, file: Path | str, **options: Any) -> ScriptedTransport:
        """A transport that plays a recorded session: what was sent is expected, what was received is emitted.

        Raises InputError for a file that cannot be read.
        """
        with open_recording(str(file)) as reader:
            recorded = connections(reader)
        transport = cls(expect("session.update"), **options)
        if recorded:
            # Made empty first, because the recording's player needs the server that belongs to this transport.
            transport._server.script = recorded[0].player(now=0.0, pace=0.0)
        return transport

    async def __aenter__(self) -> ScriptedTransport:
        """Connects, unless that was done."""
        if not self._server.was_dialed:
            await self.connect()
            await self.wait_ready()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes, and raises ScriptError where the script was not played to its end."""
        self.close()
        await self.wait_closed()
        # Else the test's own failure would be hidden behind this one.
        if error is None:
            self.assert_complete()

    async def played(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109  a name of the interface
        """Wait until every step was played, and what was emitted has been heard. Raises ScriptError."""
        server = self._server
        try:
            async with asyncio.timeout(timeout):
                while server.failure is None and not server.is_played:
                    server.moved.clear()
                    await server.moved.wait()
        except TimeoutError:
            self.assert_complete()
            raise ScriptError(f"the script was not played to its end within {timeout:g} s") from None
        self.assert_complete()

    def assert_complete(self) -> None:
        """Raise ScriptError for the first send that was not expected, and for what was expected and never sent."""
        if (mismatch := self._server.failure or self._server.script.left()) is not None:
            raise ScriptError(str(mismatch))

    def _put(self, event: Event | None, frame: bytes = b"", *, audio_bytes: int = 0, problem: str = "") -> None:
        # First, so that the record of the session holds also what the script refuses.
        super()._put(event, frame, audio_bytes=audio_bytes, problem=problem)
        mismatch = self._server.receive(client_event(frame) if event is None else event)
        if mismatch is not None:
            raise ScriptError(str(mismatch))

    def _on_message(self, frame: str | bytes, binary: bool | None = None) -> None:
        super()._on_message(frame, binary)
        self._server.moved.set()

    # `played` waits for `moved`: a connection that ends has to wake it, or it would wait for its whole timeout.
    def _on_close(self) -> None:
        super()._on_close()
        self._server.moved.set()


def _begins(step: PlayStep) -> bool:
    """Whether a script begins the session itself."""
    if isinstance(step, Expect):
        return step.what.type == "session.update"
    if isinstance(step, Emit) and callable(step.what):
        first = next(iter(step.what({})), None)
        return isinstance(first, Mapping) and str(first.get("type")).startswith("session.")
    return False
