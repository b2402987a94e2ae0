"""The first line of a recording: what made it, when, and what it talked with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rtcli.masking import masked
from rtcli.protocol.events import encode

VERSION = 1
"""The version of the format. A reader takes its own and older ones."""


@dataclass(frozen=True, slots=True)
class Header:
    """`started` is the time of day at which the records' clock stood at 0; `command` the program's, such as "chat"."""

    started: datetime  # with its time zone
    command: str
    endpoint: str = ""  # as the first line of a chat names it
    model: str = ""
    program: str = ""  # the version of rtcli that wrote the file
    version: int = VERSION

    def line(self) -> str:
        """The header as JSON, without a line end and without a secret."""
        about = {
            "recording": self.version,
            "version": self.program,
            "started": self.started.isoformat(timespec="milliseconds"),
            "command": self.command,
            "endpoint": self.endpoint,
            "model": self.model,
        }
        return masked(encode({"rtcli": about}))


def read_header(value: dict[str, Any]) -> Header | None:
    """The header that a first line holds, None where it is another kind of line.

    Raises ValueError with the reason for a header that cannot be read.
    """
    about = value.get("rtcli")
    if not isinstance(about, dict) or "recording" not in about:
        return None
    version = about["recording"]
    # type(), not isinstance(): true is an int for Python.
    if type(version) is not int or version < 1:
        raise ValueError(f"not a version of the format: {version!r}")
    if version > VERSION:
        raise ValueError(f"version {version} of the format; this rtcli reads version {VERSION}")
    try:
        # A recording that was edited by hand may have lost its time zone; then it is this machine's.
        started = datetime.fromisoformat(str(about.get("started", "")))
    except ValueError:
        raise ValueError(f"not a time: {about.get('started')!r}") from None
    command, endpoint, model, program = (str(about.get(key, "")) for key in ("command", "endpoint", "model", "version"))
    return Header(started.astimezone() if started.tzinfo is None else started, command, endpoint, model, program)
