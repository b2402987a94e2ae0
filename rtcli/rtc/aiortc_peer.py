"""A peer on aiortc: the one module that knows the library, and its traps."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from fractions import Fraction
from typing import Any

import aioice.ice
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from rtcli.dsp.halfband import Doubler, Halver
from rtcli.rtc import sdp as descriptions
from rtcli.rtc.peer import CHANNEL, LINGER, OPEN_TIMEOUT, AudioSource, PeerEnd, PeerHandlers
from rtcli.rtc.playout import FRAME_MS, SILENCE
from rtcli.rtc.reorder import Reorder

_RATE = 48_000  # Opus
_FRAME_SECONDS = FRAME_MS / 1000
_MAX_LATE = 0.2  # seconds that the track may be behind its clock before it begins anew
_HIGH_WATER = 256 * 1024  # bytes that may wait in the channel: it would take any number of them
_BAD_DESCRIPTION = (
    *(ValueError, KeyError, IndexError, AttributeError, TypeError, AssertionError),
    *(InvalidAccessError, InvalidStateError, OperationError),
)

_loopback: ContextVar[bool] = ContextVar("loopback", default=False)
_all_addresses = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    """As the library does it, which leaves out 127.0.0.1, but for peers that shall be reached there alone."""
    return ["127.0.0.1"] if _loopback.get() else _all_addresses(use_ipv4, use_ipv6)


aioice.ice.get_host_addresses = _host_addresses


class _Track(MediaStreamTrack):
    """Sends what a source has, a frame each 20 ms, silence where it has nothing."""

    kind = "audio"

    def __init__(self, source: AudioSource) -> None:
        super().__init__()
        self._source, self._doubler = source, Doubler()
        self._due: float | None = None
        self._samples = 0

    async def recv(self) -> AudioFrame:
        """The next frame, when it is due."""
        if self.readyState != "live":
            raise MediaStreamError
        now = asyncio.get_running_loop().time()
        if self._due is None or now - self._due > _MAX_LATE:
            self._due = now
        await asyncio.sleep(max(0.0, self._due - now))
        self._due += _FRAME_SECONDS
        # Opus is stereo in this library, which makes one channel into two that are 3 dB quieter.
        pcm = self._doubler.process(self._source() or SILENCE, channels=2)
        frame = AudioFrame(format="s16", layout="stereo", samples=len(pcm) // 4)
        frame.planes[0].update(pcm)
        frame.sample_rate, frame.pts, frame.time_base = _RATE, self._samples, Fraction(1, _RATE)
        self._samples += frame.samples
        return frame


class _NoBuffer:
    """In place of the library's jitter buffer, which holds four packets back and loses five for each lost one.

    Packets come in order here (`Reorder`), and what plays them has a buffer of its own.
    """

    def add(self, packet: Any) -> tuple[bool, JitterFrame]:
        """Each packet is a frame."""
        return False, JitterFrame(data=packet._data, timestamp=packet.timestamp)


class AiortcPeer:
    """See `rtcli.rtc.peer.Peer`."""

    def __init__(
        self,
        handlers: PeerHandlers,
        *,
        source: AudioSource = lambda: None,
        loopback: bool = False,
        open_timeout: float = OPEN_TIMEOUT,
    ) -> None:
        self.max_message_bytes: int | None = None
        self._handlers, self._loopback, self._open_timeout = handlers, loopback, open_timeout
        self._track = _Track(source)
        # Its default asks a STUN server of Google's; its bundle policies differ in what a channel made first survives.
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.BALANCED)
        self._connection = RTCPeerConnection(configuration)
        self._connection.on("connectionstatechange", self._on_state)
        self._connection.on("track", self._on_track)
        self._connection.on("datachannel", self._on_channel)
        self._channel: RTCDataChannel | None = None
        self._drained = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._opened = self._ended = False
        self._closing: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the data channel takes messages."""
        return self._channel is not None and self._channel.readyState == "open" and not self._ended

    # -- setting up ------------------------------------------------------------------------------

    async def offer(self) -> str:
        """Our offer, without candidates."""
        self._connection.addTrack(self._track)
        self._on_channel(self._connection.createDataChannel(CHANNEL))
        await self._describe(self._connection.createOffer)
        return descriptions.without_candidates(self._connection.localDescription.sdp)

    async def answer(self, sdp: str) -> None:
        """The other side's answer. Raises ValueError for a description that cannot be used."""
        await self._take(sdp, "answer")
        self._start(self._give_up_unopened())

    async def accept(self, sdp: str) -> str:
        """Our answer to an offer. Raises ValueError for a description that cannot be used."""
        # A browser's candidates may be names that only a broadcast resolves, and it calls us first in any case.
        await self._take(descriptions.without_candidates(sdp) if self._loopback else sdp, "offer")
        sections = self._connection.getTransceivers()
        audio = next((one for one in sections if one.kind == "audio"), None)
        if audio is None or self._connection.sctp is None:
            raise ValueError("the offer has not both an audio track and a data channel")
        self._connection.addTrack(self._track)
        for section in sections:
            if section is not audio:
                section.direction = "inactive"  # video, or a second microphone: nobody would read it
        try:
            await self._describe(self._connection.createAnswer)
        except _BAD_DESCRIPTION as error:
            raise ValueError(f"the offer cannot be answered: {error}") from error
        self._start(self._give_up_unopened())
        return self._connection.localDescription.sdp

    async def _describe(self, create: Callable[[], Awaitable[RTCSessionDescription]]) -> None:
        token = _loopback.set(self._loopback)
        try:
            await self._connection.setLocalDescription(await create())
        finally:
            _loopback.reset(token)

    async def _take(self, sdp: str, kind: str) -> None:
        try:
            descriptions.check_groups(sdp)
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, kind))
        except _BAD_DESCRIPTION as error:
            raise ValueError(f"the {kind} is not a session description that can be used: {error}") from error
        self.max_message_bytes = descriptions.max_message_bytes(sdp)

    async def _give_up_unopened(self) -> None:
        await asyncio.sleep(self._open_timeout)
        if not self._opened:
            self._end(PeerEnd.UNREACHED)

    # -- while it lasts --------------------------------------------------------------------------

    async def send(self, text: str) -> None:
        """Send a message over the data channel; waits while too much waits there."""
        channel, size = self._channel, len(text.encode())
        if self.max_message_bytes is not None and size > self.max_message_bytes:
            raise ValueError(f"a message of {size:,} bytes: the other side takes {self.max_message_bytes:,}")
        while channel is not None and self.is_open and channel.bufferedAmount > _HIGH_WATER:
            self._drained.clear()
            await self._drained.wait()
        if channel is None or not self.is_open:
            raise ConnectionError("the data channel is not open")
        channel.send(text)

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            return  # one is enough
        self._channel = channel
        channel.bufferedAmountLowThreshold = _HIGH_WATER // 2
        channel.on("message", self._handlers.on_text)
        channel.on("bufferedamountlow", self._drained.set)
        channel.on("close", lambda: self._end(PeerEnd.CHANNEL_CLOSED))
        channel.on("open", self._on_open)
        if channel.readyState == "open":  # the other side made it
            self._on_open()

    def _on_open(self) -> None:
        if not self._opened and not self._ended:
            self._opened = True
            self._handlers.on_open()

    def _on_track(self, track: Any) -> None:
        if track.kind != "audio":
            return
        receiver = next(one for one in self._connection.getReceivers() if one.track is track)
        _let_through(receiver)
        self._start(self._hear(track))

    async def _hear(self, track: Any) -> None:
        """Reads for as long as there is something: unread frames would pile up."""
        halver = Halver()
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: AudioFrame = await track.recv()
                channels = len(frame.layout.channels)
                pcm = bytes(frame.planes[0])[: frame.samples * channels * 2]  # a plane may be longer than its samples
                if not self._ended:
                    self._handlers.on_audio(halver.process(pcm, channels), (frame.pts or 0) // 2)

    # -- the end ---------------------------------------------------------------------------------

    def _on_state(self) -> None:
        if self._connection.connectionState in {"failed", "closed"}:
            self._end(PeerEnd.LOST if self._opened else PeerEnd.UNREACHED)

    def _end(self, why: PeerEnd) -> None:
        self._drained.set()  # who waits to send sees that it is over
        if not self._ended:
            self._ended = True
            self._handlers.on_end(why)

    async def close(self, linger: float = LINGER) -> None:
        """End the call. Messages have `linger` seconds to leave. Nothing of the peer is left then; idempotent."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(linger), name="rtcli peer closer")
        await asyncio.shield(self._closing)

    async def _close(self, linger: float) -> None:
        self._ended = True
        self._drained.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(linger):
                while self._has_unreceived():  # noqa: ASYNC110  the library has no event for it
                    await asyncio.sleep(0.005)
        for task in self._tasks:
            task.cancel()
        self._track.stop()
        # This aborts the association: a channel that is only closed, the reference's client takes for open, and notices
        # ten seconds later that nobody is there.
        with contextlib.suppress(*_BAD_DESCRIPTION):  # one that was refused may have left it in pieces
            await self._connection.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _has_unreceived(self) -> bool:
        """Whether there are messages of which the other side has not said that it got them."""
        channel, transport = self._channel, self._connection.sctp
        if channel is None or transport is None or channel.readyState != "open":
            return False
        return bool(channel.bufferedAmount or transport._outbound_queue or transport._sent_queue)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work, name="rtcli peer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _let_through(receiver: Any) -> None:
    """Give the packets to the decoder in order and at once; the library's way of naming both is tested."""
    order: Reorder[tuple[Any, int]] = Reorder()
    handle = receiver._handle_rtp_packet

    async def handle_in_order(packet: Any, arrival_time_ms: int) -> None:
        for due, arrived in order.push(packet.sequence_number, (packet, arrival_time_ms)):
            await handle(due, arrived)

    receiver._handle_rtp_packet = handle_in_order
    receiver._RTCRtpReceiver__jitter_buffer = _NoBuffer()
