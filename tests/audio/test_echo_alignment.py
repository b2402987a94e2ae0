"""The echo canceller on cards that stutter, drift and are late: the assistant is not heard, the user is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from rtcli.audio.canceller import EchoCanceller
from rtcli.audio.device_clock import BlockTime, DeviceClock
from rtcli.audio.echo import EchoMode
from rtcli.audio.echo_filter import EchoFilter
from rtcli.audio.echo_reference import EchoReference
from rtcli.audio.microphone import CHUNK_BYTES, Capture
from rtcli.dsp.energy_vad import EnergyDetector
from rtcli.dsp.levels import SILENCE_DB, rms_db
from tests.kit.simulated_card import Card, Floats, Room, play, voice
from tests.kit.waveforms import RATE

SECONDS = 10
STUTTER = ((5.0, 0.1), (7.0, 0.3), (8.5, 0.04))
QUIET = np.zeros(SECONDS * RATE)
NEAR, FAR = Room(delay=0.02), Room(delay=0.2, gain=1.0, ring=0.2)


@dataclass
class Heard:
    """What went out of a microphone, piece by piece, and what it had heard."""

    filter: EchoFilter
    raw: list[bytes] = field(default_factory=list)
    cleaned: list[bytes] = field(default_factory=list)
    out: list[bytes | None] = field(default_factory=list)

    @property
    def speech_started(self) -> list[float]:
        """Seconds at which a server's detector hears speech."""
        sent = b"".join(piece or bytes(CHUNK_BYTES) for piece in self.out)
        return [sample / RATE for speaking, sample in EnergyDetector().feed(sent) if speaking]

    def taken_out(self, begin: float, end: float) -> float:
        """dB of the microphone's power, between two moments."""
        span = slice(round(begin * 50), round(end * 50))
        return rms_db(b"".join(self.raw[span])) - rms_db(b"".join(self.cleaned[span]))


class Kept(EchoCanceller):
    """Keeps what it made."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__()
        self._pieces = pieces

    def clean(self, pcm: bytes, time: BlockTime) -> bytes:
        self._pieces.append(super().clean(pcm, time))
        return self._pieces[-1]


def through(card: Card, room: Room, speaker: Floats, said: Floats, mode: EchoMode = EchoMode.AEC) -> Heard:
    """The loop that a session has, on that card."""
    heard = Heard(EchoFilter(mode))
    if mode is EchoMode.AEC:
        heard.filter.canceller = Kept(heard.cleaned)
    clock, microphone, speaker_db = DeviceClock(card.rate, 20), Capture(), SILENCE_DB
    microphone._run_at(card.rate)

    def played(pcm: bytes, told: float, broken: bool) -> None:
        nonlocal speaker_db
        speaker_db, time = rms_db(pcm), clock.place(len(pcm) // 2, told, broken=broken)
        if heard.filter.canceller is not None:
            heard.filter.canceller.played(pcm, card.rate, time)

    def take(pcm: bytes) -> None:
        heard.raw.append(pcm)
        piece = heard.filter.passed(pcm, rms_db(pcm), speaker_db, audible=True, time=microphone.captured)
        heard.out.append(piece)

    def captured(pcm: bytes, told: float, broken: bool) -> None:
        microphone._captured(pcm, told, broken=broken)

    microphone.on_chunk = take
    play(card, room, speaker, said, played=played, heard=captured)
    return heard


def level(sound: Floats) -> float:
    return rms_db(sound.astype("<i2").tobytes())


@pytest.fixture(scope="module")
def assistant() -> Floats:
    pytest.importorskip("pywebrtc_audio")
    return voice(SECONDS, hertz=190)


@pytest.mark.parametrize(
    ("card", "room"),
    [
        pytest.param(Card(jitter=0.002, late=0.03), NEAR, id="late"),
        pytest.param(Card(rate=48_000, out_ppm=80, in_ppm=-80), FAR, id="drift", marks=pytest.mark.slow),
        pytest.param(Card(underruns=STUTTER), NEAR, id="underruns", marks=pytest.mark.slow),
        pytest.param(Card(underruns=STUTTER, tells_breaks=False, rate=44_100), FAR, id="untold-underruns"),
        pytest.param(Card(overruns=STUTTER, tells_breaks=False), NEAR, id="overruns"),
        pytest.param(
            Card(out_latency=0.2, in_latency=0.05, tells_too_much=0.015),
            NEAR,
            id="far-off-times",
            marks=pytest.mark.slow,
        ),
        pytest.param(Card(late=0.02, out_ppm=40, underruns=STUTTER[:2], overruns=STUTTER[2:]), FAR, id="everything"),
    ],
)
def test_the_assistant_is_not_taken_for_the_user(card: Card, room: Room, assistant: Floats) -> None:
    """Whatever happens to the devices nothing of its voice goes out; and after it the echo is taken out as before."""
    heard = through(card, room, assistant, QUIET)

    assert heard.speech_started == []
    assert heard.taken_out(3, 5) > 20
    assert heard.taken_out(9, 10) > 20


def test_the_first_words_after_a_long_silence_are_no_news(assistant: Floats) -> None:
    """While the speaker gives out nothing the microphone goes out as it is, and what was learned stays."""
    speaker = assistant.copy()
    speaker[4 * RATE : 8 * RATE] = 0
    heard = through(Card(rate=44_100, out_ppm=40), NEAR, speaker, QUIET)

    assert all(raw is cleaned for raw, cleaned in zip(heard.raw[300:370], heard.cleaned[300:370], strict=True))
    assert heard.speech_started == []
    assert heard.taken_out(8.2, 10) > 15


def test_a_break_in_silence_is_not_forgotten() -> None:
    """The devices have to be steady again before what is left of the microphone counts as not echo."""
    pytest.importorskip("pywebrtc_audio")
    canceller, silence = EchoCanceller(), bytes(CHUNK_BYTES)
    canceller.clean(silence, BlockTime(1.0, True))
    assert canceller.settled
    canceller.played(silence, RATE, BlockTime(1.0, False))
    canceller.clean(silence, BlockTime(1.02, True))
    assert not canceller.settled


def test_a_user_as_loud_as_the_echo_is_heard(assistant: Floats) -> None:
    """While speaking, and not before or after."""
    echo = b"".join(through(Card(), NEAR, assistant, QUIET, EchoMode.OFF).raw)[7 * 48_000 : 9 * 48_000]
    words = voice(2, hertz=110, seed=4)
    words *= 10 ** ((rms_db(echo) - level(words)) / 20)
    said = np.concatenate([np.zeros(7 * RATE), words, np.zeros(RATE)])
    heard = through(Card(jitter=0.002, out_ppm=40), NEAR, assistant, said)

    assert heard.speech_started
    assert all(7 <= at < 9 for at in heard.speech_started)


def test_a_speaker_of_little_latency_is_heard_whole() -> None:
    """Two pieces of the microphone come at once, and the second ends after what was given to the speaker."""
    ramp = np.arange(1, 30_001, dtype="<i2").tobytes()
    reference, taken = EchoReference(), b""
    for number in range(60):
        reference.put(ramp[number * 960 : number * 960 + 960], number * 0.02)
        if number % 2:
            taken = b"".join(reference.take(480, (number + more) * 0.02) for more in (-1, 0))

    samples = np.frombuffer(taken, "<i2")
    assert set(np.diff(samples)) == {1}, "nothing in it is missing"
    for more in range(20):
        reference.take(480, 1.2 + more * 0.02)
    reference.put(ramp[:960], 1.6)
    assert not np.frombuffer(reference.take(480, 1.5), "<i2").any()
    assert np.frombuffer(reference.take(480, 1.6), "<i2")[0] == 1, "a pause of the speaker is not a lack"


def test_the_reference_is_what_the_device_plays_at_that_time() -> None:
    """Over a gap of the speaker, a pause of the microphone and an end that will not be played."""
    ramp = np.arange(1, 12_001, dtype="<i2").tobytes()
    reference = EchoReference()
    for number in range(10):
        reference.put(ramp[number * 960 : number * 960 + 960], 3 + number * 0.02 + (0.1 if number >= 5 else 0))

    def first(at: float) -> int:
        return int(np.frombuffer(reference.take(480, at), "<i2")[0])

    lead = 480
    assert first(3.0) == 1 + lead
    assert first(3.02) == 481 + lead
    assert first(3.08) == 0, "the speaker was silent for 100 ms"
    assert first(3.2) == 2401 + lead, "20 ms after it had gone on"
    assert reference.jumps == 3, "the first of all, and one for each place at which the microphone did not go on"
    reference.put(ramp[:960], 3.22)
    assert first(3.2) == 1, "it was told that another sound is played then"
