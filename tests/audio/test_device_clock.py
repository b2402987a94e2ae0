"""When a device's blocks begin, although its times jitter, its callbacks are late and its stream breaks."""

from __future__ import annotations

import itertools
import random

import pytest

from rtcli.audio.device_clock import DeviceClock

RATE = 24_000
BLOCK = 480
SECONDS = 0.02


def test_jitter_does_not_move_a_stream() -> None:
    """Blocks follow each other without a gap, and lie where the device means them."""
    source, clock = random.Random(1), DeviceClock(RATE, 20)
    placed = [clock.place(BLOCK, 5 + number * SECONDS + source.gauss(0, 0.001)) for number in range(500)]
    steps = [later.at - earlier.at - SECONDS for earlier, later in itertools.pairwise(placed[50:])]

    assert max(map(abs, steps)) < 1 / RATE
    assert max(abs(block.at - 5 - number * SECONDS) for number, block in enumerate(placed) if number > 50) < 0.001
    assert all(block.steady for block in placed[50:])


@pytest.mark.parametrize(("ppm", "blocks"), [(-200, 1), (200, 1), (200, 2)])
def test_drift_is_followed(ppm: int, blocks: int) -> None:
    """Two crystals never agree: after ten minutes the count alone would be 0.1 s off. Whatever a block is."""
    clock, true = DeviceClock(RATE, 20 * blocks), SECONDS * blocks / (1 + ppm / 1e6)
    placed = [clock.place(BLOCK * blocks, number * true) for number in range(30_000 // blocks)]

    assert max(abs(block.at - number * true) for number, block in enumerate(placed)) < 0.002
    assert all(block.steady for block in placed[50:])


def test_blocks_that_come_late_and_in_a_burst_are_no_break() -> None:
    """A busy machine: the times that they tell may be late, what is recorded is not."""
    clock = DeviceClock(RATE, 20)
    for number in range(200):
        late = max(0, 110 - number) * SECONDS if 100 <= number < 110 else 0
        block = clock.place(BLOCK, number * SECONDS + late)
        assert abs(block.at - number * SECONDS) < 0.001
        if number > 30:
            assert block.steady == (late == 0)


def test_half_a_second_settles_a_break_whatever_a_block_is() -> None:
    """Blocks of 40 ms: three have to agree, and as few make half a second."""
    clock = DeviceClock(RATE, 40)
    placed = [clock.place(2 * BLOCK, number * 2 * SECONDS + (0.3 if number >= 50 else 0)) for number in range(100)]

    assert not any(block.steady for block in placed[50:62])
    assert all(block.steady for block in placed[66:])
    assert placed[52].at == pytest.approx(52 * 2 * SECONDS + 0.3)


@pytest.mark.parametrize("gap", [0.3, -0.1])
def test_a_break_is_believed_when_blocks_agree_on_it(gap: float) -> None:
    """After 100 ms; until then, and half a second more, the time is a guess."""
    clock = DeviceClock(RATE, 20)
    placed = [clock.place(BLOCK, number * SECONDS + (gap if number >= 100 else 0)) for number in range(200)]

    assert not any(block.steady for block in placed[100:125])
    assert all(block.steady for block in placed[130:])
    assert placed[104].at == pytest.approx(104 * SECONDS + gap)


def test_a_break_that_the_device_tells_is_believed_at_once() -> None:
    clock = DeviceClock(RATE, 20)
    for number in range(100):
        clock.place(BLOCK, number * SECONDS)
    block = clock.place(BLOCK, 100 * SECONDS + 0.05, broken=True)

    assert block.at == pytest.approx(100 * SECONDS + 0.05)
    assert not block.steady
