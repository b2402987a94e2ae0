"""The microphone without a device: pieces, rates, level, mute."""

from __future__ import annotations

import numpy as np
import pytest

from rtcli.audio.microphone import CHUNK_BYTES, Capture, Microphone


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

    behind = []
    for block in range(1, 30):
        device._captured(bytes(rate // 50 * 2), 0.0)
        behind.append(block - len(device.chunks))
    assert min(behind) * 20 == held
