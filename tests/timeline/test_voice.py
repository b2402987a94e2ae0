"""The user's voice in what was sent: where it ends, and when that was."""

from __future__ import annotations

import random

import pytest

from rtcli.dsp.envelope import Envelope
from rtcli.dsp.g711 import pcm_to_ulaw
from rtcli.protocol.audio_formats import PCM16, PCMU, AudioFormat
from rtcli.timeline.voice import SentAudio, voice_steps
from tests.kit.told import tone

SPOKEN = tone(1.0, level=0) + tone(1.5) + tone(0.9, level=0)
PIECES = [SPOKEN[start : start + 960] for start in range(0, len(SPOKEN), 960)]


def spans(moments: list[float], pieces: list[bytes] = PIECES) -> tuple[float, float]:
    """When the voice began and ended, of pieces that were sent at these moments."""
    sent = SentAudio()
    for moment, piece in zip(moments, pieces, strict=True):
        sent.add(piece, PCM16, moment)
    found = voice_steps(sent.levels(0, sent.position))
    assert found is not None
    return sent.moment(found[0]), sent.moment(found[1])


def ends(moments: list[float], pieces: list[bytes] = PIECES) -> float:
    """The end alone."""
    return spans(moments, pieces)[1]


ON_TIME = [5 + 0.02 * (index + 1) for index in range(len(PIECES))]


def test_a_live_voice_ends_when_it_was_spoken() -> None:
    """1 s of silence and 1.5 s of voice, from 5 s on."""
    assert ends(ON_TIME) == pytest.approx(7.5, abs=0.011)


@pytest.mark.parametrize("held", [(0, 8), (60, 75), (118, 126), (124, 140)])
def test_pieces_that_come_late_in_a_bunch_move_nothing(held: tuple[int, int]) -> None:
    """The program was held up for a moment: what it sends then was spoken before."""
    late = max(ON_TIME[held[1]], ON_TIME[held[0]])
    moments = [max(at, late) if held[0] <= index < held[1] else at for index, at in enumerate(ON_TIME)]

    assert ends(moments) == pytest.approx(7.5, abs=0.011)


def test_delays_of_each_piece_move_nothing() -> None:
    """Whatever the loop of a busy machine adds, up to a piece."""
    dice = random.Random(5)

    assert ends([at + dice.random() * 0.02 for at in ON_TIME]) == pytest.approx(7.5, abs=0.02)


def test_a_microphone_that_was_muted_goes_on_where_it_is() -> None:
    """A gap in what is sent is a gap in time, not late audio."""
    moments = [at + (4.0 if index >= 80 else 0.0) for index, at in enumerate(ON_TIME)]

    assert ends(moments) == pytest.approx(11.5, abs=0.011)


def test_a_file_that_is_sent_at_once_ends_when_it_was_sent() -> None:
    """Its voice lies in the moments of its sending, and never after them."""
    begun, end = spans([5 + index * 1e-5 for index in range(len(PIECES))])

    assert 4.7 < begun <= end <= 5.01
    assert end > 4.9


def test_noise_is_not_voice_and_a_click_does_not_prolong_it() -> None:
    """The end is where the voice falls into the noise; 10 ms of a click after it count for nothing."""
    dice = random.Random(3)
    noisy = bytearray(SPOKEN)
    for index in range(0, len(noisy), 2):
        value = int.from_bytes(noisy[index : index + 2], "little", signed=True) + dice.randint(-150, 150)
        noisy[index : index + 2] = max(-32768, min(32767, value)).to_bytes(2, "little", signed=True)
    click = 48 * 3000
    noisy[click : click + 480] = tone(0.01, level=0.9)
    pieces = [bytes(noisy[start : start + 960]) for start in range(0, len(noisy), 960)]

    assert ends(ON_TIME, pieces) == pytest.approx(7.5, abs=0.02)


def test_a_voice_that_fades_ends_where_it_is_not_heard_any_more() -> None:
    """20 dB below the loudest is still the voice; 40 dB below is the room."""
    faded = tone(1.0) + tone(0.4, level=0.025) + tone(0.6, level=0.0025)
    pieces = [faded[start : start + 960] for start in range(0, len(faded), 960)]

    assert ends(ON_TIME[: len(pieces)], pieces) == pytest.approx(6.4, abs=0.011)


def test_silence_has_no_voice() -> None:
    """And neither has nothing."""
    envelope = Envelope(PCM16)
    envelope.add(tone(1.0, level=0.001))

    assert voice_steps(bytes(envelope.settle())) is None
    assert voice_steps(b"") is None


@pytest.mark.parametrize("form", [PCM16, PCMU, AudioFormat("audio/pcm", 16_000, 2)])
def test_levels_are_the_same_in_every_format(form: AudioFormat) -> None:
    """A byte for 10 ms, whatever the pieces; G.711 is measured by what it stands for."""
    pcm = tone(0.5, rate=form.rate)
    data = pcm_to_ulaw(pcm) if form is PCMU else pcm
    whole, pieces = Envelope(form), Envelope(form)
    whole.add(data)
    for start in range(0, len(data), 37):
        pieces.add(data[start : start + 37])
        if start % 5 == 0:
            pieces.settle()

    assert whole.settle() == pieces.settle()
    assert len(whole.levels) == 50
    assert all(abs(level - (96 - 15)) <= 1 for level in whole.levels)


def test_an_hour_of_audio_is_kept_for_some_minutes() -> None:
    """Old levels go; positions and moments of what is left are what they were."""
    sent = SentAudio()
    second = tone(1.0, level=0)
    for index in range(600):
        sent.add(second, PCM16, index + 1.0)

    assert sent.position == 60_000
    assert len(sent.levels(0, 60_000)) < 20_000
    assert sent.moment(59_000) == pytest.approx(590.0, abs=0.01)
    (wave,) = sent.waves(59_000, 60_000)
    assert wave.end == pytest.approx(600.0, abs=0.01)
