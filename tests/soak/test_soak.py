"""A short cut of `make soak`, and that its account sees what it is made for."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.protocol.record import Direction, Frame
from tests.soak.__main__ import line, soak
from tests.soak.conversation import Account, Conversation
from tests.soak.measures import slope


@pytest.mark.slow
async def test_half_a_minute_loses_reorders_and_doubles_nothing() -> None:
    """Sessions come and go, with text, sound and interruptions; no descriptor and no thread stays behind."""
    account, gauges = await soak(0.5, 4)

    assert account.problems == [], line(account, gauges)
    assert account.counts["turns"] > 0
    assert account.counts["interruptions"] > 0
    assert gauges.open_files[-1] <= max(gauges.open_files[:3])
    assert gauges.threads[-1] <= gauges.threads[0] + 1


def frame(number: int, event: dict[str, Any]) -> Frame:
    return Frame(number, 0.0, Direction.RECEIVED, event, 10)


@pytest.mark.parametrize(
    ("frames", "kind"),
    [
        ([frame(1, {"event_id": "a"}), frame(2, {"event_id": "a"})], "doubled"),
        ([frame(1, {"event_id": "a"}), frame(3, {"event_id": "b"})], "reordered"),
        ([frame(1, {"event_id": "a", "type": "response.output_text.done", "text": "missing"})], "lost"),
    ],
)
def test_what_is_wrong_is_counted(frames: list[Frame], kind: str) -> None:
    """An account that sees nothing would call every run a good one."""
    account = Account()
    conversation = Conversation("ws://nowhere", "s", account)
    for one in frames:
        conversation.watch(one)

    assert account.counts[kind] == 1
    assert account.problems[0].startswith(kind)


def test_a_slope_is_growth_for_each_minute() -> None:
    """Of a line, of nothing, of one point."""
    assert slope([(0, 10.0), (30, 11.0), (60, 12.0)]) == pytest.approx(2.0)
    assert slope([]) == slope([(1, 5.0)]) == 0.0
