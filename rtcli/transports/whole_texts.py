"""Whole text frames of a connection of `websockets`, read in a fraction of the time that the library takes."""

from __future__ import annotations

from collections.abc import Generator

from websockets.asyncio.client import ClientConnection as LibraryClient
from websockets.streams import StreamReader

from rtcli.transports.messages import Messages

_WHOLE_TEXT = 0x81  # the first byte of a frame that is a message of text, without reserved bits
_IN_TWO_BYTES, _IN_EIGHT_BYTES = 126, 127  # the second one, where the size stands behind it; masked frames have more
_LARGEST = 2**16 - 1


class WholeTexts(LibraryClient):
    """Gives whole texts of up to 64 KiB to `messages`, and everything else to the library, in the order of its coming.

    So the library still sees every control frame, every part of a message, all that breaks a rule or a bound, and the
    end. It gets them frame by frame, and all that comes while it does not stand between two frames.
    """

    messages: Messages | None = None  # None: the library gets everything
    largest_text = _LARGEST  # what is larger the library refuses, or reads
    _held = b""  # the beginning of a whole text
    _owed = 0  # bytes of a frame whose beginning the library has

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if self._held:
            data, self._held = self._held + data, b""
        at, size = min(self._owed, len(data)), len(data)
        if at:
            self._owed -= at
            super().data_received(data[:at])
        while at < size:
            if self.messages is None or not self._library_waits():
                super().data_received(data[at:])
                return
            at = self._read(data, at, self.messages)
            if self._held:
                return
            end = _end_of_frame(data, at)
            self._owed = max(end - size, 0)
            if at < size:
                super().data_received(data[at:end])
            at = end

    def _library_waits(self) -> bool:
        """Whether it stands between two frames of a connection that has not ended, and need not log what comes."""
        protocol = self.protocol
        ended = protocol.close_rcvd is not None or protocol.parser_exc is not None
        return not (ended or protocol.debug) and _is_between_frames(protocol.parser)

    def _read(self, data: bytes, at: int, messages: Messages) -> int:
        """Hand on the whole texts from here on, and hold one that has only begun. Where the next other frame begins."""
        size, largest, whole = len(data), self.largest_text, messages.whole
        while at < size and data[at] == _WHOLE_TEXT and messages.complete:
            begin, length = at + 2, data[at + 1] if at + 1 < size else 0
            if length == _IN_TWO_BYTES:
                begin = at + 4
                length = data[at + 2] << 8 | data[at + 3] if begin <= size else 0
            elif length >= _IN_EIGHT_BYTES:
                break
            if length > largest:
                break
            end = begin + length
            if end > size:
                self._held = data[at:]
                return size
            whole(data[begin:end], False)
            at = end
        return at

    def _give_held(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            super().data_received(held)

    def eof_received(self) -> None:
        """The peer says no more: the library tells what that means in the middle of a frame."""
        self._give_held()
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, also without the peer's word."""
        self._give_held()
        super().connection_lost(exc)


def _is_between_frames(parser: Generator[None, None, None]) -> bool:
    """An empty buffer does not say so: a head may have been taken out of it whose payload is still to come."""
    inner: object = parser
    while (deeper := getattr(inner, "gi_yieldfrom", None)) is not None:
        inner = deeper
    return getattr(inner, "gi_code", None) is StreamReader.at_eof.__code__


def _end_of_frame(data: bytes, at: int) -> int:
    """Where a frame of a server ends. Of one whose head is not complete: the end of what has come."""
    head = data[at : at + 10]
    length = head[1] if len(head) > 1 else 0
    width = {_IN_TWO_BYTES: 2, _IN_EIGHT_BYTES: 8}.get(length, 0)
    if len(head) < 2 + width:
        return len(data)
    return at + 2 + width + (int.from_bytes(head[2 : 2 + width]) if width else length)
