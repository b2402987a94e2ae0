"""One text stream of the process: a reader that closes it ends us quietly, a disk that is full does not."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from typing import TextIO, TypeAlias

from rtcli.errors import RtcliError

OnGone: TypeAlias = Callable[[RtcliError | None], None]
"""Told that a stream takes nothing more: None if its reader has left, else why it cannot be written."""

# A closed pipe, a terminal that went away, a closed descriptor; and how Windows says the first of them.
_LEFT = (errno.EPIPE, errno.EIO, errno.EBADF, errno.EINVAL)


class Sink:
    """Writes to a stream until its reader is gone.

    Then `gone` is True, `on_gone` has been called once (what it raises, `write` raises), and the rest is dropped.
    """

    def __init__(self, stream: TextIO, on_gone: OnGone | None = None) -> None:
        self._stream = stream
        self._on_gone = on_gone
        self.gone = False

    def __repr__(self) -> str:
        return f"<Sink {getattr(self._stream, 'name', '?')}{' gone' if self.gone else ''}>"

    def write(self, text: str) -> None:
        """Write and flush."""
        if self.gone or not text:
            return
        try:
            self._stream.write(_encodable(text, self._stream.encoding))
            self._stream.flush()
        except ValueError:  # the stream was closed
            self._leave(None)
        except OSError as error:
            why = error.strerror or str(error)
            left = error.errno in _LEFT
            self._leave(None if left else RtcliError("the output cannot be written", why=why))

    def _leave(self, problem: RtcliError | None) -> None:
        self.gone = True
        with contextlib.suppress(OSError, ValueError):
            # What the stream still holds would make the interpreter complain when it exits.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        if self._on_gone is not None:
            self._on_gone(problem)


def _encodable(text: str, encoding: str | None) -> str:
    """The text with what the stream's encoding does not have as `?`: a C locale is no reason to fail."""
    if encoding is None or encoding.lower().replace("-", "") == "utf8":
        return text.encode("utf-8", "replace").decode("utf-8")
    return text.encode(encoding, "replace").decode(encoding)
