"""The client's core and the server's core joined in memory: no socket, no loop, no clock of its own."""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from rtcli.protocol.client import ClientCore
from rtcli.protocol.effects import Effects, Send
from rtcli.protocol.events import Event
from rtcli.server.session.core import ServerCore
from rtcli.server.session.effects import FeedAudio, ServerEffect, StartResponse
from rtcli.server.session.response import Response
from rtcli.server.session.state import realtime_session
from rtcli.server.voice.basic_engines import basic_engines

MODEL = "gpt-realtime"
BYTES_PER_MS = 48  # 24 kHz PCM16
_MAX_DELIVERIES = 2_000

_numbers = itertools.count(1)


class Pair:
    """Two cores and the wire between them; a frame arrives when the test says so.

    `emitted` holds what the client's listeners would hear, `refused` the errors that the server sent.
    """

    def __init__(self, **options: Any) -> None:
        self.client = ClientCore(MODEL, auto_tracing=False, **options)
        self.now = 100.0
        self.heard: Callable[[str, int], int | None] | None = None
        self.listener: Callable[[str, Any], object] = lambda name, payload: None
        self.emitted: list[tuple[Any, ...]] = []
        self.refused: list[Event] = []
        self.sent: list[str] = []
        self.connect()

    def connect(self, config: dict[str, Any] | None = None) -> None:
        """A fresh server; what was on its way is lost."""
        self.to_server: deque[Event] = deque()
        self.to_client: deque[Event] = deque()
        self.server = ServerCore(realtime_session(f"sess_{next(_numbers)}", MODEL), lambda: basic_engines().detector)
        self.speaking: Response | None = None
        # No detector of the server's: a turn ends when the test says so.
        self.client.prepare(config or {"audio": {"input": {"turn_detection": None}}})
        self._answer(self.server.opened())
        self.carry_out(self.client.opened())

    def reconnect(self) -> None:
        """The connection breaks, and another one is made."""
        self.client.connection_lost()
        self.connect()

    # -- the wire --------------------------------------------------------------------------------

    def carry_out(self, effects: Effects) -> None:
        """What a transport does with the effects of its core."""
        for effect in effects:
            if isinstance(effect, tuple):
                self.emitted.append(effect)
                self.listener(effect[0], effect[1] if len(effect) > 1 else None)
            elif isinstance(effect, Send):
                self.sent.append(effect.event["type"])
                self.to_server.append(json.loads(json.dumps(effect.event)))

    def deliver_to_server(self, count: int = 1) -> None:
        """The oldest frames of the client arrive, as many as there are."""
        for _ in range(min(count, len(self.to_server))):
            self._answer(self.server.receive(self.to_server.popleft()))

    def deliver_to_client(self, count: int = 1) -> None:
        """The oldest frames of the server arrive, as many as there are."""
        for _ in range(min(count, len(self.to_client))):
            event = self.to_client.popleft()
            if event["type"] == "error":
                self.refused.append(event["error"])
            self.carry_out(self.client.receive(event, self.now, self.heard))

    def settle(self) -> None:
        """Nothing is on its way any more. Fails where the two never come to rest."""
        for _ in range(_MAX_DELIVERIES):
            if not self.to_server and not self.to_client:
                return
            self.deliver_to_server()
            self.deliver_to_client()
        raise AssertionError(f"they do not come to rest: {self.sent[-10:]}")

    def _answer(self, effects: list[ServerEffect]) -> None:
        for effect in effects:
            if isinstance(effect, dict):
                self.to_client.append(json.loads(json.dumps(effect)))
            elif isinstance(effect, StartResponse):
                self.speaking = effect.response
            elif isinstance(effect, FeedAudio):
                for piece in effect.pieces:
                    self._answer(self.server.audio_appended(piece))

    # -- the server's reply engine ---------------------------------------------------------------

    @property
    def running(self) -> Response | None:
        """The response that the server is making."""
        return self.speaking if self.speaking is not None and not self.speaking.finished else None

    def speak(self, milliseconds: int, text: str = "word ") -> None:
        """The server says more; nothing happens while no response runs."""
        if self.running is not None:
            self._answer([*self.running.say(text), *self.running.add_audio(b"\1\0" * (milliseconds * 24))])

    def call(self, name: str, arguments: str) -> None:
        """The server calls a function."""
        assert self.running is not None
        self._answer(
            [*self.running.open_call(name), *self.running.call_arguments(arguments), *self.running.close_item()]
        )

    def finish(self) -> None:
        """The server's response ends; nothing happens while none runs."""
        if self.running is not None:
            self._answer(self.server.response_ended(self.running))

    def kept_ms(self, item_id: str) -> float:
        """The milliseconds of audio that the server's conversation keeps of an item."""
        item = self.server.conversation.get(item_id)
        assert item is not None
        return sum(len(pcm) for pcm in item.audio.values()) / BYTES_PER_MS

    # -- what the client does --------------------------------------------------------------------

    def ask(self, text: str = "Hello!") -> None:
        """A user message and the request for a response."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        self.carry_out(self.client.submit({"type": "conversation.item.create", "item": item}, respond=True))

    def interrupt(self) -> None:
        """The user interrupts."""
        self.carry_out(self.client.interrupt(self.now, self.heard))

    def names(self) -> list[str]:
        """The semantic events so far, without the wire's own."""
        return [effect[0] for effect in self.emitted if effect[0] != "*" and "." not in effect[0]]
