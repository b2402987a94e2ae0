"""The microphone without a device: pieces, rates, level, mute."""

from __future__ import annotations

import numpy as np
import pytest

from rtcli.audio.microphone import CHUNK_BYTES, CHUNK_MS, Blocks, Capture, Microphone, delivery_ms


class Device(Capture):
    """A device at some rate that records what the test plays to it."""

    def __init__(self, rate: int) -> None:
        self.chunks: list[bytes] = []
        super().__init__(self.chunks.append)
        self._run_at(rate)
        self.rate = rate

    def record(self, milliseconds: int, amplitude: int = 8000) -> None:
        """Blocks of 10 ms of a tone."""
        time = np.arange(self.rate * milliseconds // 1000) / self.rate
        pcm = (np.sin(2 * np.pi * 440 * time) * amplitude).astype("<i2").tobytes()
        step = self.rate // 100 * 2
        for start in range(0, len(pcm), step):
            self._captured(pcm[start : start + step], start / (2 * self.rate))


@pytest.mark.parametrize("rate", [24_000, 44_100, 48_000, 16_000])
def test_sound_comes_in_pieces_of_20_ms_at_24_khz(rate: int) -> None:
    """Every piece has the same length, and the pieces together the length of what was said."""
    device = Device(rate)
    device.record(2000)

    assert {len(chunk) for chunk in device.chunks} == {CHUNK_BYTES}
    assert 95 <= len(device.chunks) <= 100, "the converter holds back a few milliseconds"


def test_pieces_that_come_at_once_are_known_to() -> None:
    """So that they can go out together."""
    told: list[bool] = []
    device = Device(48_000)
    device.on_chunk = lambda _: told.append(device.more)
    device._captured(bytes(48 * 2 * 200), 0.0)

    assert told == [True] * (len(told) - 1) + [False]


def test_a_level_is_shown_while_it_is_recorded() -> None:
    """In dBFS; none before anything was heard."""
    device = Device(24_000)
    before = device.level_db
    device.record(100)

    assert before is None
    assert -18 < (device.level_db or 0) < -12


def test_what_makes_no_whole_piece_yet_can_be_forgotten() -> None:
    """What was captured before is not mixed with what comes after."""
    device = Device(24_000)
    device.record(30)
    device.discard()
    device.record(10)

    assert len(device.chunks) == 1


def test_without_a_taker_it_is_lost() -> None:
    """A microphone that nobody listens to does not pile up sound."""
    device = Device(24_000)
    device.on_chunk = None
    device.record(100)

    assert device.chunks == []


def test_a_microphone_shows_its_device_and_its_state() -> None:
    """Before it is opened: what was asked for."""
    microphone = Microphone(device="usb")
    assert repr(microphone) == "<Microphone 'usb' closed, 0 bytes held>"

    microphone._captured(b"\0" * (CHUNK_BYTES + 10), 0.0)
    assert repr(microphone) == "<Microphone 'usb' closed, 10 bytes held>"


@pytest.mark.parametrize(("rate", "held"), [(24_000, 0), (44_100, 20), (48_000, 20)])
def test_it_is_known_how_late_pieces_are(rate: int, held: int) -> None:
    """At the device's own rate a block is a piece; a converter needs the next block for the end of one."""
    device = Device(rate)
    assert device.held_ms == held

    behind, block_ms = [], delivery_ms(rate)
    for block in range(1, 30):
        device._captured(bytes(rate * block_ms // 1000 * 2), 0.0)
        behind.append(block * block_ms - len(device.chunks) * CHUNK_MS)
    assert min(behind) == held
    assert max(behind) <= 40


def test_blocks_are_handed_over_by_two() -> None:
    """With the time of the first. After a loss a count begins anew: what came before does not join on to it."""
    given: list[tuple[bytes, float, bool]] = []
    blocks = Blocks(2, lambda pcm, at, broken: given.append((pcm, at, broken)))
    for number, broken in enumerate((False, False, False, True, False)):
        blocks.add(bytes([number] * 2), number * 0.02, broken)

    assert given == [(b"\0\0\1\1", 0.0, False), (b"\2\2", 0.04, False), (b"\3\3\4\4", 0.06, True)]


def test_a_block_that_waits_can_be_forgotten() -> None:
    """What was captured while the microphone was muted stays here."""
    given: list[bytes] = []
    blocks = Blocks(2, lambda pcm, _at, _broken: given.append(pcm))
    blocks.add(b"\1\1", 0.0, False)
    blocks.discard()
    for at in (0.02, 0.04):
        blocks.add(b"\2\2", at, False)

    assert given == [b"\2\2\2\2"]
