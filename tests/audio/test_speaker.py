"""The speaker without a device: rates, parts, and what was heard in milliseconds."""

from __future__ import annotations

import numpy as np
import pytest

from rtcli.audio.speaker import QueuedPlayer, Speaker


class Device(QueuedPlayer):
    """A device at some rate that takes blocks when the test says so."""

    def __init__(self, rate: int, latency: float = 0.0) -> None:
        super().__init__(clock=lambda: self.time)
        self.time = 100.0
        self.latency = latency
        self.rate = rate
        self.out = bytearray()
        self._run_at(rate)

    def run(self, milliseconds: int) -> None:
        """Take blocks of 20 ms."""
        for _ in range(milliseconds // 20):
            self.out += self._next_block(self.rate // 50, self.latency)
            self.time += 0.02


def tone(milliseconds: int) -> bytes:
    """24 kHz PCM16."""
    time = np.arange(24 * milliseconds) / 24_000
    return (np.sin(2 * np.pi * 440 * time) * 8000).astype("<i2").tobytes()


@pytest.mark.parametrize("rate", [24_000, 44_100, 48_000, 16_000, 8_000])
def test_a_part_is_as_long_on_the_device_as_it_was_sent(rate: int) -> None:
    """Whatever the device's rate: all of it is heard, to the millisecond, and it is sound."""
    device = Device(rate)
    for start in range(0, len(tone(1000)), 4800):
        device.play("item", 0, tone(1000)[start : start + 4800])
    device.finish("item", 0)
    device.run(1400)

    assert abs((device.heard_ms("item", 0) or 0) - 1000) <= 1
    assert device.level_db == -96.0, "it has ended"
    samples = np.frombuffer(bytes(device.out), "<i2")
    assert 5000 < np.abs(samples).max() < 9000
    assert device.underruns == 0


def test_latency_is_taken_off_and_the_first_sample_timed() -> None:
    """What is in the device's buffer is not heard; the first sample is heard that much later."""
    device = Device(48_000, latency=0.1)
    device.play("item", 0, tone(1000))
    device.run(400)

    heard = device.heard_ms("item", 0)
    assert heard == 300
    assert device.first_heard_at("item", 0) == pytest.approx(100.1)
    assert device.audible and device.current == ("item", 0)


def test_the_next_part_does_not_wait_for_the_end_of_the_last() -> None:
    """The converter's rest of one part comes out before the next begins."""
    device = Device(48_000)
    device.play("one", 0, tone(200))
    device.play("two", 1, tone(200))
    device.finish("two", 1)
    device.run(800)

    assert [round((device.heard_ms(*key) or 0) / 10) for key in (("one", 0), ("two", 1))] == [20, 20]
    assert device.heard_ms("three", 0) is None


def test_stopping_ends_what_is_heard_within_a_fade() -> None:
    """Late sound of the same part after a stop is the session's affair, not the speaker's."""
    device = Device(24_000)
    device.play("item", 0, tone(1000))
    device.run(200)
    device.stop()
    device.run(200)

    assert 200 <= (device.heard_ms("item", 0) or 0) <= 212
    assert not device.audible
    assert device.first_heard_at("other", 0) is None


def test_a_level_is_that_of_what_is_given_out() -> None:
    """The echo guard compares with it."""
    device = Device(24_000)
    assert device.level_db == -96.0
    device.play("item", 0, tone(1000))
    device.run(200)

    assert -20 < device.level_db < -10


@pytest.mark.parametrize("rate", [11_025, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("milliseconds", [120, 333, 975, 1001])
def test_a_part_that_was_heard_to_its_end_lacks_nothing(rate: int, milliseconds: int) -> None:
    """Else the next word of the user would cut a millisecond off it, and with it all that is known of its words."""
    device = Device(rate, latency=0.04)
    for start in range(0, len(tone(milliseconds)), 9600):
        device.play("item", 0, tone(milliseconds)[start : start + 9600])
    device.finish("item", 0)
    device.run(milliseconds + 200)

    assert not device.audible
    assert device.heard_ms("item", 0) == milliseconds


@pytest.mark.parametrize("rates", [(44_100, 24_000), (48_000, 44_100), (24_000, 16_000)])
def test_another_speaker_counts_on_from_where_the_first_stopped(rates: tuple[int, int]) -> None:
    """No sound is lost between them, and none is counted twice; what the first held in its device counts as heard."""
    first, second = Device(rates[0], latency=0.04), Device(rates[1], latency=0.04)
    first.play("item", 0, tone(700))
    first.run(300)
    second.resume(first.export())
    assert second.heard_ms("item", 0) == 300 and not first.audible
    second.play("item", 0, tone(300))
    second.finish("item", 0)
    second.run(900)

    assert second.heard_ms("item", 0) == 1000
    assert not second.audible and second.underruns == 0


def test_what_is_taken_over_may_be_all_there_is() -> None:
    """A part that was complete is complete for the next speaker: it is not an underrun when it ends."""
    first, second = Device(24_000), Device(48_000)
    first.play("item", 0, tone(500))
    first.finish("item", 0)
    second.resume(first.export())
    second.run(700)

    assert (second.heard_ms("item", 0), second.underruns) == (500, 0)


def test_a_speaker_shows_its_state() -> None:
    """For whoever prints one while looking for a fault."""
    assert repr(Speaker("usb")) == "<Speaker 'usb' closed, 0 frames queued>"
