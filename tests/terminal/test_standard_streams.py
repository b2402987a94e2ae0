"""What is written to a standard stream arrives whole."""

from __future__ import annotations

import io

from rtcli.terminal.standard_streams import whole_writes


class Interrupted(io.RawIOBase):
    """A file of which a signal cuts off each write after some bytes."""

    def __init__(self) -> None:
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)[:5]  # type: ignore[call-overload]
        self.taken += piece
        return len(piece)


def test_a_write_that_a_signal_cuts_off_is_finished() -> None:
    file = Interrupted()
    raw = io.TextIOWrapper(file, encoding="utf-8", write_through=True)  # type: ignore[type-var]
    stream = whole_writes(raw)

    stream.write("w0001 w0002 w0003 äöü\n")
    assert file.taken.decode() == "w0001 w0002 w0003 äöü\n"

    stream.write("w0004 w0005")
    stream.flush()
    assert file.taken.decode().endswith("w0004 w0005")

    raw.write("one")  # by somebody who has it already
    assert file.taken.endswith(b"one")


def test_a_stream_with_a_buffer_stays_as_it_is() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")

    assert whole_writes(stream) is stream
