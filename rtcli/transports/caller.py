"""Caller: from an address and headers to an open call, in the place of dialing; and how calls are let go."""

from __future__ import annotations

import asyncio
import inspect
import ssl as tls
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from rtcli.errors import ConnectError
from rtcli.http.client import stream
from rtcli.http.proxies import is_loopback
from rtcli.rtc.peer import CreatePeer, Peer, PeerHandlers, load
from rtcli.transports.call_audio import CallAudio
from rtcli.transports.calling import OFFER_TYPE, call_id_in, refused
from rtcli.transports.channel import ChannelSocket


class Caller:
    """Makes one call after the other. `create_peer` None: the library, when it is first needed."""

    def __init__(
        self,
        audio: CallAudio,
        *,
        create_peer: CreatePeer | None,
        change_peer: Callable[[Peer], Any] | None,
        open_timeout: float,
        ssl: tls.SSLContext | None,
        proxy: str | bool | None,
    ) -> None:
        self.create_peer = create_peer
        self.call_id: str | None = None  # of the last call
        self.socket: ChannelSocket | None = None  # of the call that is being set up, or goes on
        self._audio = audio
        self._change_peer = change_peer
        self._open_timeout, self._ssl, self._proxy = open_timeout, ssl, proxy
        self._closers: set[asyncio.Task[None]] = set()  # of peers that are no longer ours

    @property
    def peer(self) -> Peer | None:
        """That of the present call."""
        return self.socket.peer if self.socket is not None else None

    async def load(self) -> None:
        """Have the library. Raises UsageError without the extra."""
        if self.create_peer is None:
            self.create_peer = await load()

    async def call(self, url: str, headers: dict[str, str]) -> ChannelSocket:
        """An open data channel. Raises ConnectError."""
        assert self.create_peer is not None
        self.socket = socket = ChannelSocket()
        peer = self.create_peer(
            PeerHandlers(socket.on_open, socket.on_text, self._audio.heard, socket.on_end),
            source=self._audio.frame,
            loopback=is_loopback(urlsplit(url).hostname or ""),
            open_timeout=self._open_timeout,
        )
        try:
            if self._change_peer is not None:
                changed = self._change_peer(peer)
                peer = await changed if inspect.isawaitable(changed) else changed
            socket.peer = peer
            answer = await self._ask(url, headers, await peer.offer())
            try:
                await peer.answer(answer)
            except ValueError as error:
                raise ConnectError("the server's answer to the call cannot be used", why=str(error), url=url) from error
            await socket.opened()
        except BaseException:
            self._close(peer)
            raise
        return socket

    async def _ask(self, url: str, headers: Mapping[str, str], offer: str) -> str:
        """Post the offer; the answer."""
        head = {**headers, "Content-Type": OFFER_TYPE}
        try:
            async with stream(
                "POST",
                url,
                headers=head,
                content=offer,
                timeout=self._open_timeout,
                tls=self._ssl,
                proxy=self._proxy,
            ) as reply:
                await reply.aread()
                self.call_id = call_id_in(reply.headers.get("location"))
                return reply.text
        except ConnectError as error:
            if error.status is None:
                raise
            raise refused(error) from error

    def let_go(self) -> None:
        """The call is over, or will not come about: what is left of it closes behind."""
        peer, self.socket = self.peer, None
        if peer is not None:
            self._close(peer)

    def _close(self, peer: Peer) -> None:
        task = asyncio.get_running_loop().create_task(peer.close(), name="rtcli call closer")
        self._closers.add(task)
        task.add_done_callback(self._closers.discard)

    async def wait_closed(self) -> None:
        """Wait until nothing of the calls that were let go is left."""
        if self._closers:
            await asyncio.wait(set(self._closers))
