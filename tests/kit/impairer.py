"""A bad network between two WebRTC peers: a relay for UDP on loopback that loses and delays packets."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

_CANDIDATE = re.compile(r"^(a=candidate:\S+ \d+ udp \d+ )127\.0\.0\.1 (\d+)( typ host.*)$", re.MULTILINE)
_HANDSHAKE = range(20, 26)  # first byte of DTLS: never lost here, as only the audio is judged


class Impairer:
    """Stands between a caller and the address in an answer. `loss` is a share of the packets, `jitter` in seconds.

    What is lost and how late each packet is comes from `seed`. Every packet is delayed by up to `jitter`, so that they
    overtake each other.
    """

    def __init__(self, *, loss: float = 0.0, jitter: float = 0.0, seed: int = 1) -> None:
        self.loss, self.jitter = loss, jitter
        self.passed = self.lost = 0
        self.cut = False  # nothing passes any more
        self._chance = random.Random(seed)
        self._transports: list[asyncio.DatagramTransport] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Impairer]:
        try:
            yield self
        finally:
            for transport in self._transports:
                transport.close()

    async def between(self, answer: str) -> str:
        """The answer with our address in place of its writer's."""
        ports = {int(found[1]) for found in _CANDIDATE.findall(answer)}
        ours = {port: await self._relay(port) for port in ports}
        return _CANDIDATE.sub(lambda found: f"{found[1]}127.0.0.1 {ours[int(found[2])]}{found[3]}", answer)

    async def _relay(self, port: int) -> int:
        """A socket for the caller's packets, which go on to `port` from there, and back; its port."""
        front = _Relay(self, None)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: front, local_addr=("127.0.0.1", 0)
        )
        front.target = ("127.0.0.1", port)
        self._transports.append(transport)
        return int(transport.get_extra_info("sockname")[1])

    def carry(self, transport: asyncio.DatagramTransport, data: bytes, address: tuple[str, int]) -> None:
        """Send it on, late, or not at all."""
        if self.cut:
            return
        spared = bool(data) and (data[0] in _HANDSHAKE or data[0] < 4)  # STUN
        if not spared and self._chance.random() < self.loss:
            self.lost += 1
            return
        self.passed += 1
        delay = self._chance.random() * self.jitter
        asyncio.get_running_loop().call_later(delay, _send, transport, data, address)


def _send(transport: asyncio.DatagramTransport, data: bytes, address: tuple[str, int]) -> None:
    if not transport.is_closing():
        transport.sendto(data, address)


class _Relay(asyncio.DatagramProtocol):
    """What comes from the target goes to the caller, all else to the target."""

    def __init__(self, impairer: Impairer, target: tuple[str, int] | None) -> None:
        self.target = target
        self._impairer = impairer
        self._caller: tuple[str, int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # not a subclass of it before Python 3.12

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if address == self.target:
            to = self._caller
        else:
            self._caller, to = address, self.target
        if to is not None:
            self._impairer.carry(self._transport, data, to)
