"""Speaker and microphone on a real sound card: what goes in comes out, at the device's own rate, and is counted."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from rtcli.audio import speaker as speaker_module
from rtcli.audio.devices import AudioDevice, list_devices
from rtcli.audio.microphone import CHUNK_BYTES, Microphone
from rtcli.audio.speaker import Speaker
from rtcli.audio.stream import BLOCK_MS, DeviceStream
from rtcli.errors import AudioUnavailableError
from tests.kit.retry_on_glitch import over_the_card, retry_on_glitch
from tests.kit.sound_card import SPEAKERS, Recording, SoundCard
from tests.kit.waiting import until
from tests.kit.waveforms import RATE, heard_ms, place_of, quiet_ms, samples_of, share_heard

KEY = ("item", 0)


async def silence(recording: Recording, milliseconds: int = 200) -> None:
    """Wait until something was heard and nothing is any more."""
    await until(lambda: recording.quiet_ms() > milliseconds)


async def heard_at_least(speaker: Speaker, milliseconds: int) -> None:
    await until(lambda: (speaker.heard_ms(*KEY) or 0) >= milliseconds)


def index_of(name: str) -> int:
    return next(device.index for device in list_devices() if device.name == name)


@pytest.mark.parametrize(("name", "rate"), [("room_a", 24_000), ("room_b", 44_100), ("room_b", 48_000)])
@retry_on_glitch
async def test_what_is_played_is_heard(
    card: SoundCard, noise: bytes, name: str, rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every sample, whatever rate the device runs at."""
    devices = tuple(replace(device, rate=rate) for device in list_devices())
    monkeypatch.setattr(speaker_module, "list_devices", lambda: devices)
    sent = noise[: RATE * 2]
    speaker = Speaker(name)
    with card.record(name) as recording:
        speaker.open()
        assert speaker.device is not None and speaker.device.rate == rate
        speaker.play(*KEY, sent)
        speaker.finish(*KEY)
        await until(lambda: not speaker.audible)
        await silence(recording)
        speaker.close()

    with over_the_card():
        assert share_heard(samples_of(sent), recording.samples) >= 0.9
    assert abs((speaker.heard_ms(*KEY) or 0) - 1000) <= 1


@pytest.mark.parametrize("name", SPEAKERS)
@retry_on_glitch
async def test_a_cut_is_where_the_device_was(card: SoundCard, noise: bytes, name: str) -> None:
    """Within one block of the samples that the device took, less its latency; and that and a fade of the room."""
    speaker = Speaker(name)
    with card.record(name) as recording:
        speaker.open()
        speaker.play(*KEY, noise)
        await heard_at_least(speaker, 700)
        heard, consumed, latency = speaker.heard_ms(*KEY), speaker.consumed_ms(*KEY), speaker.latency_ms
        speaker.stop()
        await silence(recording)
        speaker.close()

    assert heard is not None
    assert abs(heard - (consumed - latency)) <= BLOCK_MS
    room = heard_ms(recording.sound(), samples_of(noise))
    assert -BLOCK_MS <= room - heard <= BLOCK_MS + latency + 15


@retry_on_glitch
async def test_a_stop_fades_and_does_not_click(card: SoundCard, tone: bytes) -> None:
    """Within 10 to 15 ms to nothing, and no step between two samples is larger than in the tone itself."""
    speaker = Speaker("room_a")
    with card.record("room_a") as recording:
        speaker.open()
        speaker.play(*KEY, tone)
        await heard_at_least(speaker, 400)
        speaker.stop()
        await silence(recording)
        speaker.close()

    heard = recording.sound().astype(np.int32)
    steps = np.abs(np.diff(heard[RATE // 50 :]))  # a tone that begins at its zero does not click either
    full = np.flatnonzero(np.abs(heard) > 0.95 * 12_000)[-1]
    with over_the_card():
        assert steps.max() <= 1.1 * np.abs(np.diff(samples_of(tone).astype(np.int32))).max()
        assert 8 <= (len(heard) - full) * 1000 / RATE <= 17, "a 300 Hz tone passes its top every 1.7 ms"


async def test_devices_have_names_and_numbers(card: SoundCard, noise: bytes) -> None:
    """An index, a part of a name, or the default: the sound is in that room and in no other."""
    for wanted, name in ((index_of("room_b"), "room_b"), ("ROOM_B", "room_b"), ("_a", "room_a"), (None, "room_a")):
        other = next(room for room in SPEAKERS if room != name)
        speaker = Speaker(wanted)
        with card.record(name) as recording, card.record(other) as silent:
            speaker.open()
            speaker.play(*KEY, noise[:RATE])
            await until(lambda: recording.quiet_ms() > 50)
            speaker.close()
            assert not len(silent.sound())


async def test_a_name_that_fits_nothing_lists_what_there_is(card: SoundCard) -> None:
    """So that the next try is right; the same for one that fits several."""
    with pytest.raises(AudioUnavailableError) as caught:
        Speaker("kitchen").open()
    assert "room_a" in caught.value.why and "room_b" in caught.value.why
    with pytest.raises(AudioUnavailableError, match="2 output devices match"):
        Speaker("room").open()


@pytest.mark.parametrize("rate", [44_100, 48_000])
@retry_on_glitch
async def test_what_is_spoken_is_captured(
    card: SoundCard, noise: bytes, rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """24 kHz pieces of 20 ms, whatever the microphone runs at."""
    devices: tuple[AudioDevice, ...] = tuple(replace(device, rate=rate) for device in list_devices())
    monkeypatch.setattr("rtcli.audio.microphone.list_devices", lambda: devices)
    captured: list[bytes] = []
    microphone = Microphone(captured.append, "booth")
    microphone.open()
    await until(lambda: captured)
    card.speak(noise[: RATE * 2])
    await until(lambda: quiet_ms(samples_of(b"".join(captured))) > 200)
    microphone.close()

    with over_the_card():
        assert share_heard(samples_of(noise[: RATE * 2]), samples_of(b"".join(captured))) >= 0.8
    assert {len(chunk) for chunk in captured} == {CHUNK_BYTES}


async def test_a_device_that_refuses_is_named(card: SoundCard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device and PortAudio's reason; nothing stays open."""
    devices = tuple(replace(device, rate=1) for device in list_devices())
    monkeypatch.setattr(speaker_module, "list_devices", lambda: devices)
    monkeypatch.setattr("rtcli.audio.microphone.list_devices", lambda: devices)
    with pytest.raises(AudioUnavailableError, match=r"cannot play on 'room_a'.*sample rate"):
        Speaker("room_a").open()
    with pytest.raises(AudioUnavailableError, match=r"cannot record from 'booth'.*sample rate"):
        Microphone(device="booth").open()
    assert not DeviceStream.any_running()


async def test_devices_that_go_away_say_so_once(own_card: SoundCard, noise: bytes) -> None:
    """Each tells what it was; then it is closed, and PortAudio finds what there is now: nothing."""
    lost: list[AudioUnavailableError] = []
    speaker, microphone = Speaker("room_a"), Microphone(device="booth")
    speaker.on_lost = microphone.on_lost = lost.append
    speaker.open()
    microphone.open()
    speaker.play(*KEY, noise)
    await heard_at_least(speaker, 200)
    own_card.kill()
    await until(lambda: len(lost) == 2)

    assert sorted(error.what for error in lost) == [
        "the microphone 'booth' was disconnected",
        "the speaker 'room_a' was disconnected",
    ]
    assert not DeviceStream.any_running()
    with pytest.raises(AudioUnavailableError, match="this machine has no speaker"):
        speaker.open()
    speaker.close()
    assert len(lost) == 2


async def test_an_end_that_was_asked_for_is_no_loss(card: SoundCard) -> None:
    """Closing a device tells nobody."""
    lost: list[AudioUnavailableError] = []
    speaker = Speaker("room_a")
    speaker.on_lost = lost.append
    speaker.open()
    speaker.close()
    speaker.open()
    speaker.play(*KEY, bytes(RATE))
    await heard_at_least(speaker, 100)
    speaker.close()
    await asyncio.sleep(0)

    assert lost == []


@retry_on_glitch
async def test_a_speaker_takes_over_where_another_stopped(card: SoundCard, noise: bytes) -> None:
    """The rest of an answer is heard in the other room, and the count goes on."""
    first, second = Speaker("room_a"), Speaker("room_b")
    sent = noise[: RATE * 4]
    with card.record("room_a") as there, card.record("room_b") as here:
        first.open()
        first.play(*KEY, sent)
        first.finish(*KEY)
        await heard_at_least(first, 700)
        second.open()
        consumed = first.consumed_ms(*KEY)
        second.resume(first.export())
        first.close()
        assert (second.heard_ms(*KEY) or 0) >= consumed
        await until(lambda: not second.audible)
        await silence(here)
        second.close()

    start, likeness = place_of(here.sound()[: RATE // 10], samples_of(sent))
    with over_the_card():
        assert likeness > 0.9
    assert abs(start * 1000 / RATE - consumed) <= BLOCK_MS
    assert abs((second.heard_ms(*KEY) or 0) - 2000) <= 2
    assert not first.audible
    assert heard_ms(there.sound(), samples_of(sent), fade_ms=5) <= consumed + BLOCK_MS
