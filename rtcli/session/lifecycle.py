"""Lifecycle: how a session connects, connects again and ends, and what is lost when a connection breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from rtcli.config.endpoints import Endpoint
from rtcli.errors import ConnectionLostError, ExitCode, ExpectationError, RtcliError
from rtcli.protocol.close_codes import describe_close
from rtcli.protocol.events import Event
from rtcli.protocol.items import Item
from rtcli.protocol.record import Connected, Connection
from rtcli.protocol.session_kind import SessionKind, is_attached
from rtcli.session.audio import SessionAudio
from rtcli.session.expiry import Expiry
from rtcli.session.first_update import FirstUpdate, SessionUpdate
from rtcli.session.link import ANSWER_SECONDS, Link
from rtcli.session.neighbors import NEIGHBORS, first_session
from rtcli.session.settings import SessionSettings
from rtcli.session.tool_calls import ToolCalls, merged_tools
from rtcli.session.transfer import TransferResult
from rtcli.transports.calling import calls_url
from rtcli.views import Level, Notice

_SETTLE_SECONDS = 5.0
"""How long a session.update may go without an answer; the reference's WebRTC transport waits as long."""

_SILENT_SECONDS = 3.0
"""How long a server to which we say nothing may say nothing either: it may wait for us."""


class Lifecycle:
    """Owns the connection: one after the other, with the same settings.

    `config` is any shape that the transport takes; `wall` the time of day in seconds, for the session's expiry.
    `round_trip` is what `ping` measured last, in seconds.
    """

    def __init__(
        self,
        link: Link,
        endpoint: Endpoint,
        config: Mapping[str, Any],
        *,
        first: FirstUpdate,
        settings: SessionSettings,
        audio: SessionAudio,
        tools: ToolCalls,
        wall: Callable[[], float],
    ) -> None:
        self._link = link
        self.endpoint = endpoint
        self._config = dict(config)
        self._first = first
        self._settings = settings
        self._audio = audio
        self._tools = tools
        self._expiry = Expiry(wall, link.show)
        self._closing = False  # the end that comes is our own doing
        self._lost: ConnectionLostError | None = None  # comes before `disconnected`
        # In this order, when the state has noted the end and those that waited for a reply have been told.
        self._at_end: list[Callable[[], None]] = [tools.connection_ended, audio.connection_ended]
        # What the conversation begins with: that of another session.
        self.first_items: Sequence[Item | Mapping[str, Any]] = ()
        self.first_notices: Sequence[Notice] = ()  # said when the server has them
        self.round_trip: float | None = None
        transport = link.transport
        transport.on("session.created", self._on_session)
        transport.on("session.updated", self._on_session)
        transport.on("error", self._on_error)
        transport.on("disconnected", self._on_disconnected)

    def __repr__(self) -> str:
        return f"<Lifecycle: {self._link.transport.status}, {self.endpoint.label}>"

    @property
    def connected(self) -> bool:
        """The transport has a connection."""
        return bool(self._link.transport.status == "connected")

    @property
    def expires_in(self) -> float | None:
        """Seconds until the session ends; None where the server has not said."""
        return self._expiry.remaining

    def at_connection_end(self, forget: Callable[[], None]) -> None:
        """Call `forget` whenever a connection has ended."""
        self._at_end.append(forget)

    async def ping(self) -> float:
        """Measure the round trip now; seconds. Raises NotConnectedError, ExpectationError without an answer."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self.round_trip = await self._link.transport.ping()
        except TimeoutError as error:
            raise ExpectationError("no answer to a ping", why=f"{ANSWER_SECONDS:g} s have passed") from error
        return self.round_trip

    # -- connecting --------------------------------------------------------------------------------

    async def start(self, timeout: float = 10) -> None:  # noqa: ASYNC109 - handed to wait_ready, which owns the deadline
        """Connect and wait until the server has confirmed the session. A call is joined as it is: nothing is sent.

        Raises ConnectError, ConnectionLostError or ServerError; nothing is left running then but the speaker.
        """
        await self._connect(self._first_config(), timeout)
        if self.first_items or self.first_notices:
            untaken = await self._put(self.first_items)
            for notice in (*self.first_notices, *TransferResult((), (), untaken).notices):
                self._link.show(notice)

    async def reconnect(
        self, *, model: str | None = None, keep: bool = True, items: TransferResult | None = None
    ) -> TransferResult:
        """Another connection with the same settings, and (with `keep`) the conversation as text and images, or `items`.

        Of an answer that was interrupted only the words that were heard go along. Returns what was carried over, and
        what was not. Raises like `start`; the conversation is still there then for the next attempt.
        """
        kept = items if items is not None else self._link.state.portable()
        result = kept if keep and not self._joins_call else TransferResult([], ())
        asks = self._link.kind is not SessionKind.LIVE  # which is begun anew, as it was the first time
        config = (asks and self._settings.for_another_connection()) or self._first_config()
        await self.disconnect()
        before = self.endpoint
        self.endpoint = with_model(before, model) if model else before
        try:
            await self._connect(config, ANSWER_SECONDS)
        except BaseException:
            self.endpoint = before
            raise
        return replace(result, untaken=await self._put(result.items)) if result.items else result

    async def _put(self, items: Sequence[Item | Mapping[str, Any]]) -> int:
        """Begin the conversation with these; how many of them the server did not take."""
        since = self._link.state.log.last_number
        self._link.transport.reset_history([], items)
        return await self._link.untaken(since)

    @property
    def _joins_call(self) -> bool:
        """The session belongs to somebody else, and so do its settings, its conversation and its audio."""
        return self.endpoint.call_id is not None or is_attached(self.endpoint.url)

    def _first_config(self) -> dict[str, Any]:
        if self._joins_call:
            return {}
        if self._link.kind in NEIGHBORS:
            return self._neighbor_config()
        asked = dict(self._config)
        problem = self._audio.open_speaker()
        chosen = "output_modalities" in asked or "modalities" in asked
        silent = self._audio.speaker is None and not chosen
        as_what = "text" if self._first.mode is SessionUpdate.FULL else "shown as text"
        if problem:
            end = "" if chosen else f": answers will be {as_what}"
            self._link.show(Notice(f"{problem.what}{end}", problem.why, problem.hint, Level.WARNING))
        elif silent:
            self._link.show(Notice(f"no audio output: answers will be {as_what}"))
        if self._tools.schemas:
            asked["tools"] = merged_tools(asked, self._tools.schemas)
        return self._first.config(asked, {"output_modalities": ["text"]} if silent else {})

    def _neighbor_config(self) -> dict[str, Any]:
        """What a session begins with that is no conversation; what it has no place for is told."""
        kind = self._link.kind
        if NEIGHBORS[kind].speaks and (problem := self._audio.open_speaker()):
            self._link.show(Notice(problem.what, problem.why, problem.hint, Level.WARNING))
        session, unused = first_session(kind, self._config, self.endpoint.model)
        unused += ["tools"] if self._tools.schemas and "tools" not in unused else []
        if unused:
            what = f"{NEIGHBORS[kind].name} has no {', '.join(unused)}: left out"
            self._link.show(Notice(what, level=Level.WARNING))
        return session

    async def _connect(self, config: Mapping[str, Any], seconds: float) -> None:
        endpoint, transport = self.endpoint, self._link.transport

        async def dial(*, sends: bool = True) -> None:
            await transport.connect(
                model=endpoint.model,
                url=endpoint.url or None,
                call_id=endpoint.call_id,
                initial_session_config=config,
                send_session=sends,
            )

        self._closing, self._lost = False, None
        self._link.feed.hold_errors()
        self._observe(Connected.DIALING)  # the conversation starts empty; the old one comes back if this fails
        try:
            if self._joins_call:  # who joins a call hears nothing before it asks
                await dial(sends=False)
            elif self._link.kind is SessionKind.LIVE:
                await dial(sends=False)
                await self._begin_live(config, seconds)
            elif self._first.mode is SessionUpdate.NONE and (not config or self._link.kind in NEIGHBORS):
                await self._first.begun(partial(dial, sends=False), _SILENT_SECONDS)
            elif self._link.kind in NEIGHBORS:
                await self._begin_neighbor(config, seconds, partial(dial, sends=False))
            else:
                await self._first.confirmed(dial, seconds, settle=_SETTLE_SECONDS)
            if not self.connected:  # it was lost as soon as it was confirmed, while nobody waited for anything
                raise self._lost or ConnectionLostError("the connection was lost before the session began")
        except BaseException:  # also when the user cancels it
            self._closing = True
            transport.close()
            await transport.wait_closed()
            self._link.feed.drop_errors()
            if self._link.state.connection is Connected.DIALING:  # it never opened
                self._observe(Connected.CLOSED)
            raise
        transport.frames.pending.give_up()  # what was sent to open it and has no answer by now will get none
        self._observe(Connected.OPEN)
        if self._link.feed.release_errors():
            self._link.codes.add(ExitCode.SERVER_ERROR)
        if self._joins_call:
            self._link.show(Notice("joined the call; nothing was changed"))
        elif self._link.kind in NEIGHBORS:
            self._link.show(NEIGHBORS[self._link.kind].about)

    async def _begin_live(self, config: Mapping[str, Any], seconds: float) -> None:
        """GPT-Live says nothing before it is started."""
        self._link.send("session.start", session=dict(config))
        with self._link.waits.on("waiting for the session"):
            await self._link.transport.wait_ready(seconds)

    async def _begin_neighbor(
        self, config: Mapping[str, Any], seconds: float, dial: Callable[[], Awaitable[None]]
    ) -> None:
        """The session stands, and what is no conversation has been told what it is to be."""
        typed = {"type": str(self._link.kind)} if self._link.kind is SessionKind.TRANSCRIPTION else {}

        def update(session: Mapping[str, Any]) -> None:
            self._link.send("session.update", session=dict(session))

        async def connect() -> None:
            await dial()
            update({**typed, **config})

        self._first.config(self._config, {})  # what of it the user asks for
        await self._first.confirmed(connect, seconds, settle=_SETTLE_SECONDS, update=update)

    # -- ending ------------------------------------------------------------------------------------

    async def disconnect(self) -> None:
        """End the connection on purpose."""
        self._closing = True
        self._link.transport.close()
        await self._link.transport.wait_closed()

    async def finish(self) -> None:
        """End a session in order, as translations and GPT-Live are: what was said before is still carried out."""
        self._closing = True
        try:
            await self._link.ask("session.close")
        except RtcliError as error:
            self._link.show(Notice(error.what, error.why, level=Level.WARNING))
        await self.disconnect()

    async def close(self) -> None:
        """End the connection, the tools and the devices."""
        await self.disconnect()
        await self._tools.close()
        self._audio.close()

    def _on_session(self, event: Event) -> None:
        if isinstance(session := event.get("session"), Mapping):
            self._expiry.learn(session.get("expires_at"))

    def _on_error(self, payload: Any) -> None:
        if isinstance(payload.error, ConnectionLostError):
            self._lost = payload.error

    def _on_disconnected(self, *_: Any) -> None:
        code, reason = self._link.transport.close_code, self._link.transport.close_reason or ""
        ours = self._closing or self._link.state.connection is Connected.DIALING
        self._observe(Connected.CLOSED if ours else Connected.LOST, code, reason)
        why = describe_close(code, reason)
        error = self._lost or ConnectionLostError("the connection was lost", why=why, code=code, reason=reason)
        self._link.requests.lost(error)
        self._expiry.forget()
        for forget in self._at_end:
            forget()
        self._link.changed.set()

    def _observe(self, state: Connected, code: int | None = None, reason: str = "") -> None:
        url = calls_url(self.endpoint.url) if self.endpoint.webrtc else self.endpoint.url
        self._link.observe(Connection(self._link.now, state, url, code, reason))


def with_model(endpoint: Endpoint, model: str) -> Endpoint:
    """The same endpoint for another model, also where the URL names it."""
    parts = urlsplit(endpoint.url)
    query = [(key, model if key in ("model", "deployment") else value) for key, value in parse_qsl(parts.query)]
    label = endpoint.label.replace(endpoint.model, model) if endpoint.model else endpoint.label
    return replace(endpoint, model=model, url=urlunsplit(parts._replace(query=urlencode(query))), label=label)
