"""What a user does with a running proxy: chooses a connection, looks, holds, changes, injects, drops, closes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rtcli.errors import UsageError
from rtcli.protocol.events import texts_of
from rtcli.protocol.faults import parse_action
from rtcli.protocol.filters import type_of
from rtcli.protocol.items import text_of
from rtcli.protocol.record import Direction
from rtcli.proxy.link import Flow, ProxyLink, clock
from rtcli.proxy.message import SideClose
from rtcli.proxy.thread import RelayThread
from rtcli.proxy.watch import Watch
from rtcli.proxy.watched import WatchedLink
from rtcli.session.state import SessionState
from rtcli.views import Notice, ProxiedConnection, ProxyStatus, SessionStatus, counted

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class ProxyControl:
    """Lives on the loop of the user; the relay has a thread of its own. See `rtcli.commands.proxied`."""

    def __init__(self, relay: RelayThread, watch: Watch, *, local: bool = False) -> None:
        self._relay, self._watch = relay, watch
        self._local = local
        self._chosen = 0  # 0: the newest
        self._nothing = SessionState()  # before any app has connected
        self._status = SessionStatus()  # as it was last seen
        self.looking: Callable[[], AbstractContextManager[None]] = watch.looking
        self.glancing: Callable[[], AbstractContextManager[bool]] = watch.glancing

    @property
    def greeting(self) -> Notice:
        """Where apps connect, where that leads, and whether it is recorded."""
        proxy = self._relay.proxy
        folder = self._watch.folder
        recorded = f"recording to {folder.path}" if folder is not None else ""
        base = proxy.url.replace("ws", "http", 1)
        return Notice(f"proxy at {base} -> {self.endpoint}", recorded, "give an app this address as its base URL")

    @property
    def endpoint(self) -> str:
        """What is behind the proxy."""
        return "the built-in server" if self._local else self._relay.proxy.target.label

    # looking ----------------------------------------------------------------------------------------------------------

    @property
    def links(self) -> list[ProxyLink]:
        """The connections that are open, and the last of those that are over."""
        known = {number: one.link for number, one in list(self._watch.links.items())}
        return [link for _, link in sorted({**known, **dict(list(self._relay.proxy.links.items()))}.items())]

    @property
    def connections(self) -> Sequence[ProxiedConnection]:
        """The same, as they are at this moment."""
        return [_at_this_moment(link) for link in self.links]

    @property
    def number(self) -> int:
        """Of the connection that is used, 0: there was none yet."""
        return self._chosen or max((link.number for link in self.links), default=0)

    @property
    def _watched(self) -> WatchedLink | None:
        return self._watch.links.get(self.number)

    @property
    def state(self) -> SessionState:
        """What is known of its session."""
        return self._watched.state if self._watched is not None else self._nothing

    @property
    def now(self) -> float | None:
        """Seconds since it was opened; None: it is over."""
        link = self._watched.link if self._watched is not None else None
        return None if link is None or link.ended is not None else clock() - link.began

    @property
    def started(self) -> datetime | None:
        """When it was opened."""
        return self._watched.link.started if self._watched is not None else None

    @property
    def recording(self) -> Path | None:
        """Where it is recorded, also when that is over."""
        writer = self._watched.writer if self._watched is not None else None
        return writer.path if writer is not None and not writer.problem else None

    @property
    def status(self) -> SessionStatus:
        """For a toolbar; the session as it was when it could be looked at last."""
        links = self.links
        running = [link for link in links if link.ended is None]
        with self.glancing() as still:
            if still:
                self._status = self._session_status()
        held = sum(link.held is not None for link in running)
        about = ProxyStatus(counted(len(running), "connection"), self.number, held)
        return replace(self._status, proxy=about)

    def _session_status(self) -> SessionStatus:
        session, link = self.state.session or {}, self._watched.link if self._watched is not None else None
        return SessionStatus(
            connection="connected" if link is not None and link.ended is None else "disconnected",
            endpoint=self.endpoint,
            model=str(session.get("model") or (link.model if link is not None else "")),
            session_id=text_of(session.get("id")) or None,
            modalities=texts_of(session.get("output_modalities")),
            metrics=self.state.metrics.short(),
            recording=self._watch.folder is not None,
        )

    # acting -----------------------------------------------------------------------------------------------------------

    @property
    def terms(self) -> tuple[str, str]:
        """What is held and what is dropped, of all connections."""
        terms = self._relay.proxy.terms
        return (terms.hold.expression if terms.hold else "", terms.drop.expression if terms.drop else "")

    def use(self, number: int) -> ProxiedConnection:
        """Choose a connection; 0: always the newest. Raises UsageError."""
        links = self.links
        number_now = number or max((link.number for link in links), default=0)
        found = next((link for link in links if link.number == number_now), None)
        if found is None:
            hint = "/connections lists them"
            raise UsageError(f"connection {number} does not exist" if number else "no app has connected yet", hint=hint)
        self._chosen = number
        return _at_this_moment(found)

    async def inject(self, direction: Direction, text: str) -> None:
        """Send a message. Raises UsageError."""
        flow = self._open_link().flows[direction]
        await self._relay.call(flow.inject, text, "/inject")

    async def hold(self, terms: str) -> None:
        """Hold what these terms match, "" nothing. Raises UsageError."""
        await self._relay.call(self._relay.proxy.hold, terms)

    async def drop(self, terms: str) -> None:
        """Drop what these terms match, "" nothing. Raises UsageError."""
        await self._relay.call(self._relay.proxy.drop, terms)

    async def held(self) -> tuple[Direction, str]:
        """The frame that is held, which waits until `change` is called. Raises UsageError."""
        return await self._relay.call(self._held)

    def _held(self) -> tuple[Direction, str]:
        flow = self._held_flow()
        message = flow.lane.held
        assert message is not None
        if message.binary:
            raise UsageError("the frame that is held is binary", hint="/release sends it on")
        flow.keep()
        return flow.lane.direction, message.data.decode(errors="replace")

    def _held_flow(self) -> Flow:
        flow = self._open_link().held
        if flow is None:
            raise UsageError(f"nothing is held on connection {self.number}", hint="/connections shows what is")
        return flow

    async def change(self, direction: Direction, text: str | None) -> None:
        """Give the held frame another text, None: its own. Raises UsageError."""
        await self._relay.call(self._change, direction, text)

    def _change(self, direction: Direction, text: str | None) -> None:
        flow = self._open_link().flows[direction]
        if flow.lane.held is None:
            raise UsageError("the frame is not held any more")
        flow.change(None if text is None else text.encode(errors="surrogatepass"), "/edit")

    async def release(self) -> int:
        """Let go what is held; how many frames that were."""
        return await self._relay.call(self._release)

    def _release(self) -> int:
        held = [flow for flow in self._open_link().flows.values() if flow.lane.held is not None]
        for flow in held:
            flow.release()
        return len(held)

    async def close(self, code: int) -> None:
        """Close both sides. Raises UsageError."""
        parse_action(f"close={code}")
        await self._relay.call(self._open_link().finish, SideClose(code))

    def _open_link(self) -> ProxyLink:
        link = self._relay.proxy.links.get(self.number)
        if link is None:
            what = f"connection {self.number} is over" if self.number else "no app has connected yet"
            raise UsageError(what, hint="/connections lists them, /use N chooses one")
        return link


def _at_this_moment(link: ProxyLink) -> ProxiedConnection:
    flow = link.held
    message = flow.lane.held if flow is not None else None
    return ProxiedConnection(
        number=link.number,
        app=link.app,
        address=link.address,
        model=link.model,
        state=_state(link),
        seconds=(link.ended if link.ended is not None else clock()) - link.began,
        sent=link.passed[Direction.SENT],
        received=link.passed[Direction.RECEIVED],
        held=f"{flow.lane.direction} {type_of(flow.lane.frame(message))}" if flow and message else "",
    )


def _state(link: ProxyLink) -> str:
    if link.ended is None:
        return "open"
    if link.close is None or link.close.lost:
        return "lost"
    return f"closed with {link.close.code or 1005}"
