"""The WAV file of a session: its moments are those of the session, its sides the user and what was heard."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from rtcli.dsp.g711 import pcm_to_ulaw
from rtcli.errors import UsageError
from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.record import Audio, Direction
from rtcli.recording.export.wav import export_wav
from tests.kit.exported import export
from tests.kit.told import Told, spoken_turn_with_a_tool_and_an_interruption, tone

RATE = 24_000


def sides(told: Told) -> tuple[np.ndarray, np.ndarray]:
    """Left and right of what was exported, as another program reads it."""
    data, _ = export(export_wav, told.records)
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(int)
        assert len(samples) == file.getnframes()
    return samples[:, 0], samples[:, 1]


def loud(side: np.ndarray) -> list[tuple[float, float]]:
    """From when to when there is something to hear; what lies 50 ms apart is one."""
    found = np.flatnonzero(np.abs(side) > 100) / RATE
    breaks = np.flatnonzero(np.diff(found) > 0.05)
    return list(zip(found[[0, *(breaks + 1)]].tolist(), found[[*breaks, -1]].tolist(), strict=True))


def test_the_user_is_left_and_what_was_heard_right_at_their_moments() -> None:
    """The voice from 0.3 to 1.3 s; of two seconds of an answer the 0.6 that were heard, where the player was."""
    left, right = sides(spoken_turn_with_a_tool_and_an_interruption())

    assert loud(left) == [pytest.approx((0.3, 1.3), abs=0.01)]
    assert loud(right) == [pytest.approx((2.8, 3.4), abs=0.01)]


def test_a_pause_of_the_player_is_a_pause() -> None:
    """Ctrl+Z after half a second, for two seconds: the answer goes on where it stopped."""
    told = Told()
    told.types()
    told.begins("r")
    told.plays("r", "i", tone(1.0))
    for milliseconds in (250, 500):
        told.now += 0.25
        told.hears("i", milliseconds)
    told.now += 2.0
    for milliseconds in (750, 1000):
        told.now += 0.25
        told.hears("i", milliseconds)
    _, right = sides(told)

    assert loud(right) == [pytest.approx((0, 0.5), abs=0.01), pytest.approx((2.5, 3.0), abs=0.01)]


@pytest.mark.parametrize("seconds", [3.0, 25.0])  # the second is longer than a block
def test_long_audio_has_no_seam(seconds: float) -> None:
    """Sample for sample what was sent."""
    told = Told()
    told.now = 1.0
    told.speaks(tone(seconds))
    left, _ = sides(told)

    assert left[RATE : RATE + round(seconds * RATE)].tolist() == np.frombuffer(tone(seconds), "<i2").tolist()
    assert not left[:RATE].any()


def test_g711_is_as_long_as_it_lasted() -> None:
    """8 kHz become 24, at the same moments."""
    told = Told()
    form = {"type": "audio/pcmu"}
    told.gets("session.created", session={"audio": {"input": {"format": form}, "output": {"format": form}}})
    told.now = 2.0
    told.sends("input_audio_buffer.append", audio=encode_base64(pcm_to_ulaw(tone(1.0, rate=8000))))
    left, _ = sides(told)

    assert loud(left) == [pytest.approx((1.0, 2.0), abs=0.01)]  # it had been spoken when it was sent


def test_audio_beside_the_events_is_on_the_same_sides() -> None:
    """What a WebRTC call records."""
    told = Told()
    told.begins("r")
    for _ in range(10):
        told.now += 0.1
        told.records.append(Audio(told.now, Direction.SENT, tone(0.1, rate=48_000), 48_000))
        told.records.append(Audio(told.now, Direction.RECEIVED, tone(0.1, level=0.1, rate=48_000), 48_000, "i"))
    left, right = sides(told)

    assert loud(left) == loud(right) == [pytest.approx((0.0, 1.0), abs=0.02)]
    assert np.abs(left).max() > 2 * np.abs(right).max()


def test_answers_that_nobody_told_of_stand_where_they_arrived() -> None:
    """And that is said; where a player told of one, the others were not heard."""
    told = Told()
    told.begins("r")
    told.now = 1.0
    told.plays("r", "i", tone(0.5))
    _, right = sides(told)

    assert loud(right) == [pytest.approx((1.0, 1.5), abs=0.01)]
    assert "no player told" in export(export_wav, told.records)[1].notes[0]
    told.now = 3.0
    told.plays("r", "j", tone(0.5))
    told.now = 3.2
    told.hears("j", 200)
    _, right = sides(told)
    assert loud(right) == [pytest.approx((3.0, 3.2), abs=0.01)]
    assert export(export_wav, told.records)[1].notes == ()


def test_a_session_without_audio_is_refused() -> None:
    """And so is one whose clock went astray."""
    told = Told()
    told.types()
    with pytest.raises(UsageError, match="no audio"):
        export(export_wav, told.records)
    told.now = 1e9
    told.speaks(tone(0.1))
    with pytest.raises(UsageError, match="more than a WAV file can hold"):
        export(export_wav, told.records)
