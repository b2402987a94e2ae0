"""What goes out of the microphone: untouched in a room without echo, cleaned in one with, never the echo alone."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from rtcli.audio.device_clock import BlockTime
from rtcli.audio.echo import EchoMode
from rtcli.audio.echo_filter import EchoFilter
from rtcli.dsp.levels import SILENCE_DB, rms_db
from rtcli.errors import AudioUnavailableError
from tests.kit import waveforms

PIECE = 960  # bytes of 20 ms
SECONDS = 6


def through(microphone: bytes, speaker: bytes, mode: EchoMode = EchoMode.AEC) -> tuple[list[bytes | None], EchoFilter]:
    """Each piece as it goes out, while the speaker plays the other."""
    filter_ = EchoFilter(mode)
    filter_.prepare()
    out = []
    for start in range(0, len(microphone), PIECE):
        heard, played = microphone[start : start + PIECE], speaker[start : start + PIECE]
        time = BlockTime(start / 48_000, True)
        if filter_.canceller is not None:
            filter_.canceller.played(played, 24_000, time)
        out.append(filter_.passed(heard, rms_db(heard), rms_db(played), audible=True, time=time))
    return out, filter_


def room(speaker: bytes, gain: float = 0.5) -> bytes:
    """What a microphone hears of it, 80 ms later."""
    played = np.frombuffer(speaker, "<i2").astype(float)
    heard = np.zeros_like(played)
    heard[1920:] = gain * played[:-1920]
    return heard.astype("<i2").tobytes()


def voice(amplitude: float = 6000.0) -> bytes:
    """Syllables in the last second."""
    time = np.arange(SECONDS * 24_000) / 24_000
    tone = amplitude * np.sin(2 * np.pi * 400 * time) * (np.sin(2 * np.pi * 3 * time) > 0)
    tone[: (SECONDS - 1) * 24_000] = 0
    return tone.astype("<i2").tobytes()


@pytest.mark.parametrize("mode", [EchoMode.AEC, EchoMode.GATE])
def test_a_voice_in_a_room_without_echo_is_not_touched(mode: EchoMode) -> None:
    """With headphones a canceller has nothing to take out, and would take from the voice."""
    pytest.importorskip("pywebrtc_audio")
    spoken = voice()
    out, _ = through(spoken, waveforms.noise(SECONDS), mode)
    sent = [(piece, spoken[at * PIECE : (at + 1) * PIECE]) for at, piece in enumerate(out) if piece is not None]

    assert len(sent) > 30
    assert all(piece == original for piece, original in sent)


def test_the_echo_alone_does_not_go_out() -> None:
    """Neither before the room is known nor after."""
    pytest.importorskip("pywebrtc_audio")
    speaker = waveforms.noise(SECONDS)
    for mode in (EchoMode.AEC, EchoMode.AUTO, EchoMode.GATE, EchoMode.HALF):
        out, _ = through(room(speaker), speaker, mode)
        assert not any(out), mode


def test_a_voice_as_loud_as_its_echo_goes_out_without_it() -> None:
    """The gate alone would hold it back."""
    pytest.importorskip("pywebrtc_audio")
    speaker = waveforms.noise(SECONDS)
    echo_level = np.sqrt(np.mean(np.square(np.frombuffer(room(speaker), "<i2").astype(float))))
    spoken = voice(1.4 * float(echo_level))  # a sine of this amplitude has the same power
    both = (np.frombuffer(room(speaker), "<i2").astype(int) + np.frombuffer(spoken, "<i2")).clip(-32_768, 32_767)
    heard = both.astype("<i2").tobytes()
    out, filter_ = through(heard, speaker)
    gated, _ = through(heard, speaker, EchoMode.GATE)

    assert sum(piece is not None for piece in out[-50:]) > 20
    assert not any(gated)
    assert filter_.method.startswith("aec ") and filter_.method.endswith(" dB")


def test_without_the_library_aec_is_refused_and_auto_is_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)
    filter_ = EchoFilter()
    filter_.prepare()

    assert (filter_.canceller, filter_.method) == (None, "gate")
    with pytest.raises(AudioUnavailableError, match="cannot be loaded"):
        EchoFilter(EchoMode.AEC)


def test_by_default_the_echo_is_taken_out_once_there_is_a_microphone() -> None:
    """Not before: who only types loads no library."""
    pytest.importorskip("pywebrtc_audio")
    filter_ = EchoFilter()
    before = filter_.method
    filter_.prepare()

    assert (before, filter_.method, filter_.mode) == ("gate", "aec", EchoMode.AUTO)


@pytest.mark.parametrize("mode", [EchoMode.AUTO, EchoMode.AEC])
def test_with_the_microphone_the_canceller_goes_and_comes(mode: EchoMode) -> None:
    """What it holds is not Python's to free when the program ends."""
    pytest.importorskip("pywebrtc_audio")
    filter_ = EchoFilter(mode)
    filter_.prepare()
    filter_.release()
    assert filter_.canceller is None
    filter_.prepare()

    assert filter_.canceller is not None


def test_in_silence_everything_goes_out_as_it_is() -> None:
    """While nothing is played, and half a second after it, nobody's voice is an echo."""
    filter_ = EchoFilter()
    heard = waveforms.noise(1)[:PIECE]

    assert filter_.passed(heard, rms_db(heard), SILENCE_DB, audible=False, time=BlockTime(0.0, True)) == heard
