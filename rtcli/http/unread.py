"""Bounds what has arrived on a WebSocket and was not received yet: in bytes, where the library counts frames alone."""

from __future__ import annotations

import asyncio
from typing import Any

MAX_UNREAD = 2**20
"""Bytes in whole frames that may wait for their reader, and the frame that makes it more."""

MAX_QUEUE = (256, 0)
"""The library's own bound, in frames: it reads again when none is left, as this one does."""


class BoundedReading(asyncio.Protocol):
    """A base for the connections of `websockets`, which are made with `max_queue=MAX_QUEUE`."""

    recv_messages: Any  # the library's queue of frames: it has a length, and a reading end that can be paused

    _unread = 0  # bytes that came since no frame waited

    def data_received(self, data: bytes) -> None:
        """Something came."""
        queue = self.recv_messages
        if not queue.frames:
            self._unread = 0
        self._unread += len(data)
        super().data_received(data)
        if self._unread > MAX_UNREAD and queue.frames and not queue.paused:
            queue.paused = True
            queue.pause()
