"""A real session on a real server on loopback, with a speaker that plays when a test says so."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rtcli.audio.device_clock import BlockTime
from rtcli.audio.playout import PendingPlayback
from rtcli.audio.speaker import OnBlock
from rtcli.audio.stream import Lost
from rtcli.commands import Context, default_registry, run_line
from rtcli.commands.complete import Completion, complete
from rtcli.commands.known import Known
from rtcli.config.endpoints import Endpoint
from rtcli.errors import AudioUnavailableError
from rtcli.protocol.record import Frame
from rtcli.server import RealtimeServer
from rtcli.session.session import RealtimeSession
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import DisplaySettings, Notice, View
from tests.kit.twin import Twin
from tests.kit.waiting import DEADLINE, until

V = TypeVar("V")


class ManualSpeaker:
    """A speaker without a device: what it was given counts as heard when the test says so."""

    def __init__(self, *, available: bool = True) -> None:
        self.available = available
        self.on_lost: Lost | None = None
        self.on_block: OnBlock | None = None
        self.opened = self.closed = False
        self._bytes: dict[tuple[str, int], int] = {}
        self.queued: dict[tuple[str, int], int] = {}
        self.heard: dict[tuple[str, int], int] = {}
        self.began: dict[tuple[str, int], float] = {}
        self.finished: list[tuple[str, int]] = []
        self.pcm = bytearray()
        self.stops = self.exported = self.resumed = 0
        self.level_db = -96.0

    @property
    def name(self) -> str:
        return "manual speaker"

    def open(self) -> None:
        if not self.available:
            raise AudioUnavailableError("no output device", why="this machine has none")
        self.opened = True

    def close(self) -> None:
        self.closed = True

    def play(self, item_id: str, content_index: int, pcm: bytes) -> None:
        key = (item_id, content_index)
        self._bytes[key] = self._bytes.get(key, 0) + len(pcm)
        self.queued[key] = self._bytes[key] // 48
        self.heard.setdefault(key, 0)
        self.pcm += pcm

    def finish(self, item_id: str, content_index: int) -> None:
        self.finished.append((item_id, content_index))

    def stop(self) -> None:
        self.stops += 1
        self.queued = {key: self.heard[key] for key in self.queued}

    def export(self) -> PendingPlayback:
        self.exported += 1
        return PendingPlayback(dict(self.heard), [], None)

    def resume(self, rest: PendingPlayback) -> None:
        self.resumed += 1
        self.heard.update(rest.consumed)

    def heard_ms(self, item_id: str, content_index: int) -> int | None:
        return self.heard.get((item_id, content_index))

    def first_heard_at(self, item_id: str, content_index: int) -> float | None:
        return self.began.get((item_id, content_index))

    def hear(self, milliseconds: int | None = None) -> None:
        """So much of everything that is queued has left the device; None: all of it."""
        for key, queued in self.queued.items():
            self.heard[key] = queued if milliseconds is None else min(queued, milliseconds)

    @property
    def audible(self) -> bool:
        return any(self.heard[key] < queued for key, queued in self.queued.items())

    @property
    def current(self) -> tuple[str, int] | None:
        return next((key for key, queued in self.queued.items() if self.heard[key] < queued), None)


class ManualMicrophone:
    """A microphone without a device: `speak` is what it hears."""

    def __init__(self, *, available: bool = True, device: str | None = None) -> None:
        self.available = available
        self.device = device
        self.on_chunk: Callable[[bytes], None] | None = None
        self.on_lost: Lost | None = None
        self.level_db: float | None = None
        self.captured = BlockTime(0.0, True)
        self.held_ms = 0
        self.more = False
        self.opened = self.closed = False
        self.discarded = 0

    @property
    def name(self) -> str:
        return self.device or "manual microphone"

    def discard(self) -> None:
        self.discarded += 1

    def open(self) -> None:
        if not self.available:
            raise AudioUnavailableError("no input device", why="this machine has none")
        self.opened = True

    def close(self) -> None:
        self.closed = True

    def speak(self, pcm: bytes, level_db: float = -20.0) -> None:
        """Capture sound, in pieces of 20 ms."""
        self.level_db = level_db
        for start in range(0, len(pcm), 960):
            self.captured = BlockTime(self.captured.at + 0.02, True)
            if self.on_chunk:
                self.on_chunk(pcm[start : start + 960])


@dataclass
class Live:
    """A session that runs, what it showed, and lines to carry out."""

    session: RealtimeSession
    context: Context
    views: list[View] = field(default_factory=list)

    async def run(self, line: str) -> list[View]:
        """Carry out a line."""
        return await run_line(line, self.context)

    def complete(self, text: str) -> list[Completion]:
        """How the text before the cursor can go on."""
        return complete(text, self.context.registry, Known.of(self.context))

    async def until(self, condition: Callable[[], V], seconds: float = DEADLINE) -> V:
        """Wait for a condition that views bring about."""
        try:
            return await until(condition, seconds=seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; shown so far: {self.views[-10:]}") from None

    async def until_sound(self, milliseconds: int = 1000) -> tuple[str, int]:
        """Wait until so much of an answer has come; the part that it belongs to."""
        speaker = self.session.audio.speaker
        assert isinstance(speaker, ManualSpeaker)
        await self.until(lambda: any(ms >= milliseconds for ms in speaker.queued.values()))
        return max(speaker.queued, key=lambda key: speaker.queued[key])

    def show(self, view: View) -> None:
        self.views.append(view)

    def shown(self, kind: type[V]) -> list[V]:
        """The views of one kind so far."""
        return [view for view in self.views if isinstance(view, kind)]

    @property
    def notices(self) -> list[str]:
        """What the notices said, with why and hint."""
        return [f"{n.what} | {n.why} | {n.hint}" for n in self.shown(Notice)]

    def records(self, event_type: str) -> list[Frame]:
        """The frames of a type."""
        return [r for r in self.session.state.log.records if r.event and r.event.get("type") == event_type]

    def events(self, event_type: str) -> list[Mapping[str, Any]]:
        """The events of a type."""
        return [record.event for record in self.records(event_type) if record.event]

    def sent(self) -> list[str]:
        """The types of what went out."""
        return [str(r.event["type"]) for r in self.session.state.log.records if r.event and r.direction == ">"]

    async def idle(self) -> None:
        await self.session.idle(DEADLINE)


def session_at(url: str, *, model: str = "gpt-realtime-2.1", **options: Any) -> RealtimeSession:
    """A session for an address, not started."""
    endpoint = Endpoint(url=url, model=model, label="test")
    transport = OpenAIRealtimeWebSocket(url=url, model=model, headers={}, auto_tracing=False)
    return RealtimeSession(transport, endpoint=endpoint, **options)


@contextlib.asynccontextmanager
async def session_on(url: str, **options: Any) -> AsyncIterator[Live]:
    """A session that has started at an address, and is closed at the end."""
    session = session_at(url, **options)
    live = Live(session, Context(session, DisplaySettings(), default_registry()))
    session.subscribe(live.show)
    twin = Twin(session)
    try:
        await session.start(DEADLINE)
        yield live
    finally:
        await session.close()
    twin.check()


@contextlib.asynccontextmanager
async def live_session(*, server: Mapping[str, Any] | None = None, **options: Any) -> AsyncIterator[Live]:
    """A session with a server of its own, which answers at once unless `server` says otherwise."""
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(RealtimeServer(**{"pace": 0, "voice": "tone", **(server or {})}))
        yield await stack.enter_async_context(session_on(running.url + "?model=gpt-realtime-2.1", **options))
