"""A telephone without a network: it rings at an application, speaks, hears, presses keys and hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from websockets.exceptions import ConnectionClosedOK

from rtcli.dsp.codec import Decoder, Encoder
from rtcli.protocol.audio_formats import PCM16, PCMU
from rtcli.protocol.faults import FaultPlan
from rtcli.rtc.playout import FRAME_BYTES, FRAME_MS, Playout
from rtcli.server.calls.call import ServedCall
from rtcli.server.calls.life import CallMove, CallStage
from rtcli.server.calls.webhook import SipHeader
from rtcli.server.runtime.client_connection import ClientConnection
from rtcli.server.runtime.live_session import LiveSession

KEYS = "0123456789*#ABCD"
MAX_HEARD = PCM16.byte_length(600_000)
"""Bytes of what was heard that a telephone keeps, ten minutes; the oldest go first."""

_FASTEST = 20.0  # times real time: a call that goes on takes the processor's time also while nobody speaks
_MAX_LATE = 0.2  # seconds that a line may be behind its clock before it begins anew


class _NoConnection:
    """Where the events of a caller go, who has none: nobody reads them, and nothing comes but the end."""

    remote_address = None

    def __init__(self) -> None:
        self._received: asyncio.Queue[str | None] = asyncio.Queue()  # None: the end
        self._closed = asyncio.Event()

    @property
    def transport(self) -> _NoConnection:
        return self

    async def send(self, message: str | bytes) -> None:
        if self._closed.is_set():
            raise ConnectionClosedOK(None, None)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (message := await self._received.get()) is not None:
            yield message

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.abort()

    async def wait_closed(self) -> None:
        await self._closed.wait()

    def abort(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            self._received.put_nowait(None)


class Phone:
    """One caller, from the ring to the end. Audio is 24 kHz PCM16, mono; the line has the quality of a telephone.

    The line keeps time: 20 ms each way every 20 ms, divided by the server's pace (at most 20 times as fast).
    """

    def __init__(
        self, call: ServedCall, *, headers: Sequence[SipHeader], pace: float, faults: Sequence[str] = ()
    ) -> None:
        self.call = call
        self.headers = tuple(headers)  # of the INVITE
        self.client = ClientConnection(_NoConnection(), FaultPlan.parse(faults))
        self._seconds = FRAME_MS / 1000 / min(pace or _FASTEST, _FASTEST)
        self._to_say = bytearray()
        self._said = asyncio.Event()  # set while nothing is left to say
        self._said.set()
        self._heard = bytearray()
        self._session: LiveSession | None = None

    def __repr__(self) -> str:
        return f"<Phone {self.call.id} {self.stage.value}>"

    # what a caller does -----------------------------------------------------------------------------------------------

    @property
    def call_id(self) -> str:
        """`rtc_...`, as the webhook names it."""
        return self.call.id

    @property
    def stage(self) -> CallStage:
        """Where the call stands."""
        return self.call.stage

    @property
    def heard(self) -> bytes:
        """All that came over the line since the call was accepted, silence too; the last ten minutes at most."""
        return bytes(self._heard)

    @property
    def is_spoken_to(self) -> bool:
        """Whether the other side speaks, or has something ready to say."""
        playout = self._playout
        return playout is not None and bool(playout.playing or playout.waiting)

    @property
    def spoken_ms(self) -> int:
        """Milliseconds that the other side has spoken."""
        playout = self._playout
        return PCM16.milliseconds(playout.heard) if playout is not None else 0

    async def answered(self) -> bool:
        """Wait until the call is accepted; False where it was rejected, or ended while it rang."""
        return await self.call.until(lambda stage: stage is not CallStage.RINGING) is CallStage.ACCEPTED

    async def ended(self) -> CallStage:
        """Wait for the end of the call."""
        return await self.call.until(lambda stage: stage.over)

    def say(self, pcm: bytes) -> None:
        """Speak, after what was said before; before the call is accepted nothing is heard of it, and it waits."""
        self._to_say += pcm
        self._said.clear()

    async def said(self) -> None:
        """Wait until everything has been said."""
        await self._said.wait()

    def press(self, keys: str) -> None:
        """Press keys, one after the other. Raises ValueError for a key that no telephone has, or without a call."""
        if wrong := [key for key in keys if key not in KEYS]:
            raise ValueError(f"{wrong[0]!r} is not a key of a telephone ({KEYS})")
        if self._session is None or self.stage is not CallStage.ACCEPTED:
            raise ValueError(f"no key can be pressed: the call {self.stage.value}")
        for key in keys:
            self._session.press(key)

    async def hang_up(self) -> None:
        """End the call from this side, also while it rings; nothing happens where it is over."""
        if not self.stage.over:
            await self.call.end(CallMove.LEAVE)

    # as the line of the call ------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """See `CallLine`."""
        return True

    async def carry(self, session: LiveSession) -> None:
        """See `CallLine`."""
        self._session = session
        outward, inward = _Quality(), _Quality()
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await session.hear(outward.of(self._next_said()))
            self._heard += inward.of(session.next_frame().pcm)
            del self._heard[: max(0, len(self._heard) - MAX_HEARD)]
            due += self._seconds
            if loop.time() - due > _MAX_LATE:
                due = loop.time()
            await asyncio.sleep(due - loop.time())

    async def end(self) -> None:
        """See `CallLine`."""
        self._said.set()  # nobody hears the rest

    def _next_said(self) -> bytes:
        frame = bytes(self._to_say[:FRAME_BYTES])
        del self._to_say[:FRAME_BYTES]
        if not self._to_say:
            self._said.set()
        return frame.ljust(FRAME_BYTES, b"\0")

    @property
    def _playout(self) -> Playout | None:
        return self._session.playout if self._session is not None else None


class _Quality:
    """What a telephone leaves of a stream: 8 kHz, 8 bits (G.711)."""

    def __init__(self) -> None:
        self._encoder, self._decoder = Encoder(PCMU), Decoder(PCMU)

    def of(self, pcm: bytes) -> bytes:
        return self._decoder.decode(self._encoder.encode(pcm))
