"""A message on its way through the proxy, and the steps of what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from rtcli.protocol.faults import FaultAction

HOLD_SECONDS = 60.0
"""How long a frame is held that nobody releases."""


@dataclass(slots=True)
class Message:
    """A message that waits: `came` on the relay's clock; `was` its data before it was changed, `by` what did that."""

    data: bytes
    binary: bool
    came: float
    by: str = ""
    was: bytes = b""
    copies: int = 1
    judged: bool = False  # faults and terms have been looked at
    held: float | None = None  # since when


@dataclass(frozen=True, slots=True)
class SideClose:
    """A side has ended: with this close frame (code None: an empty one), or without any."""

    code: int | None = None
    reason: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Pass:
    """The message goes to the other side now, as it stands."""

    message: Message


@dataclass(frozen=True, slots=True)
class Dropped:
    """The message goes nowhere."""

    message: Message


@dataclass(frozen=True, slots=True)
class Held:
    """The message stops here, and with it everything behind it."""

    message: Message


@dataclass(frozen=True, slots=True)
class Released:
    """The message goes on; `late` says that nobody had released it in time."""

    message: Message
    late: bool


@dataclass(frozen=True, slots=True)
class FaultDue:
    """A fault happens now; closing and dropping are left to the caller."""

    action: FaultAction


@dataclass(frozen=True, slots=True)
class Ended:
    """Everything has passed that came before the end."""

    close: SideClose


LaneStep: TypeAlias = Pass | Dropped | Held | Released | FaultDue | Ended
