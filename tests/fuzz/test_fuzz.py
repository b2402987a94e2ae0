"""A short cut of `make fuzz`."""

from __future__ import annotations

import json

import pytest

from tests.fuzz.campaigns import CAMPAIGNS
from tests.fuzz.hostile import Hostile


@pytest.mark.slow
@pytest.mark.parametrize("name", CAMPAIGNS)
async def test_hostile_frames_break_nothing(name: str) -> None:
    """None is lost, nothing escapes, nothing acts on the terminal, the server serves on."""
    outcome = await CAMPAIGNS[name](1, 6000)

    assert outcome.failures == []
    assert outcome.tried == 6000


def test_a_seed_makes_the_same_frames() -> None:
    """A failure can be had again; another seed makes others; most frames are events."""
    one, same, other = ([Hostile(seed).frame() for _ in range(3)] for seed in (1, 1, 2))
    frames = [hostile.frame() for hostile in [Hostile(3)] for _ in range(500)]
    events = 0
    for frame in frames:
        try:
            events += isinstance(json.loads(frame), dict)
        except (ValueError, RecursionError):
            continue

    assert one == same != other
    assert 350 < events < 500
