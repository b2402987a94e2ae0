"""The interface of a WebRTC peer: one data channel, one audio track each way; and how to get one."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias

from rtcli.errors import UsageError
from rtcli.installation import install_command

EXTRA = "rtcli[webrtc]"
CHANNEL = "oai-events"
OPEN_TIMEOUT = 15.0  # seconds; without an end of candidates ICE would wait for ever
LINGER = 0.5  # seconds that messages may take to leave

AudioSource: TypeAlias = Callable[[], bytes | None]
"""Gives the next 20 ms to send: 960 bytes of PCM16 at 24 kHz, mono; None: silence. Called by the track's clock."""


class PeerEnd(Enum):
    """Why a peer ended that was not closed from here."""

    UNREACHED = "the other side could not be reached"
    CHANNEL_CLOSED = "the other side closed the data channel"
    LOST = "the other side was lost"


@dataclass(frozen=True, slots=True)
class PeerHandlers:
    """What a peer calls, on its loop. None of them may raise.

    `on_text` gets every message of the data channel, `on_audio` PCM16 at 24 kHz, mono, and the number of its first
    sample, counted from the stream's first one: a jump of it is audio that was lost. `on_end` is called at most once,
    and not after close().
    """

    on_open: Callable[[], object]
    on_text: Callable[[str | bytes], object]
    on_audio: Callable[[bytes, int], object]
    on_end: Callable[[PeerEnd], object]


class Peer(Protocol):
    """One side of a call. One of `offer` and `accept` is called, once."""

    @property
    def is_open(self) -> bool:
        """Whether the data channel takes messages."""

    @property
    def max_message_bytes(self) -> int | None:
        """The largest message that the other side takes; None: any. Known once its description is."""

    async def offer(self) -> str:
        """Our offer, without candidates."""

    async def answer(self, sdp: str) -> None:
        """The other side's answer to it. Raises ValueError for a description that cannot be used."""

    async def accept(self, sdp: str) -> str:
        """Our answer to an offer. Raises ValueError for a description that cannot be used."""

    async def send(self, text: str) -> None:
        """Send a message over the data channel; waits while too much waits there.

        Raises ConnectionError where the channel is not open, ValueError for a message that is too large.
        """

    async def close(self, linger: float = LINGER) -> None:
        """End the call. Messages have `linger` seconds to leave. Nothing of the peer is left then; idempotent."""


class CreatePeer(Protocol):
    """Makes a peer; `create_peer` is one, a test has another."""

    def __call__(self, handlers: PeerHandlers, *, source: AudioSource, loopback: bool, open_timeout: float) -> Peer:
        """A peer that has done nothing yet. With `loopback` it is reached at 127.0.0.1, and nowhere else."""


def is_available() -> bool:
    """Whether the library is installed; it is not imported."""
    try:
        return importlib.util.find_spec("aiortc") is not None
    except ValueError:  # it is barred from being imported
        return False


async def load() -> CreatePeer:
    """The real `CreatePeer`. Its library takes half a second to import, in a thread. Raises UsageError without it."""
    return await asyncio.to_thread(create_peer)


def create_peer() -> CreatePeer:
    """The same, at once."""
    try:
        from rtcli.rtc.aiortc_peer import AiortcPeer
    except ImportError as error:
        raise missing_extra() from error
    return AiortcPeer


def missing_extra() -> UsageError:
    """What to do where the library is not installed."""
    return UsageError("rtcli was installed without WebRTC", hint=f"install {EXTRA}: {install_command(EXTRA)}")
