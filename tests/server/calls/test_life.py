"""Where a call stands: what can be done to it when."""

from __future__ import annotations

from itertools import product

import pytest

from rtcli.protocol.moves import IllegalMoveError
from rtcli.server.calls.call import ServedCall
from rtcli.server.calls.life import CallMove, CallStage


def call_in(stage: CallStage) -> ServedCall:
    call = ServedCall("rtc_1", by_telephone=True)
    call.stage = stage
    return call


def test_a_call_that_is_over_stays_over() -> None:
    """Every move is refused then, and changes nothing."""
    for stage, done in product([stage for stage in CallStage if stage.over], CallMove):
        call = call_in(stage)

        assert not call.allows(done)
        with pytest.raises(IllegalMoveError):
            call.move(done)
        assert call.stage is stage


def test_only_a_call_that_rings_can_be_accepted_or_rejected() -> None:
    """And only one that was accepted can be ended or referred by the application; the caller may leave at any time."""
    allowed = {
        stage: {done for done in CallMove if call_in(stage).allows(done)}
        for stage in (CallStage.RINGING, CallStage.ACCEPTED)
    }

    assert allowed == {
        CallStage.RINGING: {CallMove.ACCEPT, CallMove.REJECT, CallMove.LEAVE},
        CallStage.ACCEPTED: {CallMove.REFER, CallMove.HANG_UP, CallMove.LEAVE},
    }


def test_a_call_from_a_browser_does_not_ring() -> None:
    """It is answered by the request that starts it."""
    assert ServedCall("rtc_1", by_telephone=False).stage is CallStage.ACCEPTED
