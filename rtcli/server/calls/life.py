"""Where a call stands: one table for calls by telephone and from a browser, which begin as accepted."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto


class CallStage(Enum):
    """The value completes the sentence "The call ..."."""

    RINGING = "is ringing"
    ACCEPTED = "has been accepted"
    REJECTED = "was rejected"
    HUNG_UP = "was ended by the application"
    REFERRED = "was referred"
    LEFT = "was ended by the caller"

    @property
    def over(self) -> bool:
        """Nothing comes of it any more."""
        return self not in (CallStage.RINGING, CallStage.ACCEPTED)


class CallMove(Enum):
    """What somebody does to a call: an application by the first four, the caller by the last."""

    ACCEPT = auto()
    REJECT = auto()
    REFER = auto()
    HANG_UP = auto()
    LEAVE = auto()


CALL_MOVES: Mapping[tuple[CallStage, CallMove], CallStage] = {
    (CallStage.RINGING, CallMove.ACCEPT): CallStage.ACCEPTED,
    (CallStage.RINGING, CallMove.REJECT): CallStage.REJECTED,
    (CallStage.RINGING, CallMove.LEAVE): CallStage.LEFT,
    (CallStage.ACCEPTED, CallMove.REFER): CallStage.REFERRED,
    (CallStage.ACCEPTED, CallMove.HANG_UP): CallStage.HUNG_UP,
    (CallStage.ACCEPTED, CallMove.LEAVE): CallStage.LEFT,
}
