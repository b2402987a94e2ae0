"""A sound card and a room made of numbers: two clocks, jittering times, underruns, echoes; no time passes.

What is in the air is known to the sample, so that what a program makes of it can be judged exactly.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rtcli.audio.microphone import delivery_ms
from tests.kit.waveforms import RATE

Floats: TypeAlias = npt.NDArray[np.float64]
OnDevice: TypeAlias = Callable[[bytes, float, bool], object]
"""Takes a block, when the device says that it begins, and whether the device says that it stuttered before it."""

_FINE = 4  # values for each sample of what is in the air; between them lines are drawn
_BLOCK_SECONDS = 0.02


@dataclass(frozen=True)
class Card:
    """Times in seconds; `ppm` is by how many parts in a million a crystal is too fast."""

    rate: int = RATE  # of both devices
    out_latency: float = 0.044
    in_latency: float = 0.02
    out_ppm: float = 0.0
    in_ppm: float = 0.0
    jitter: float = 0.001  # of the times that the devices tell: a standard deviation
    tells_too_much: float = 0.0  # by which the speaker's latency is told wrong
    late: float = 0.0  # share of callbacks that come up to 100 ms late, as on a busy machine
    underruns: Sequence[tuple[float, float]] = ()  # when the speaker stutters, and for how long it is silent
    overruns: Sequence[tuple[float, float]] = ()  # when the microphone loses audio, and how much
    tells_breaks: bool = True

    def blocks(
        self, seconds: float, ppm: float, breaks: Sequence[tuple[float, float]], block: float = _BLOCK_SECONDS
    ) -> Iterator[tuple[float, bool]]:
        """When each block begins on the device, and whether something was lost before it."""
        at, left = 0.0, sorted(breaks)
        while at < seconds:
            broken = bool(left and at >= left[0][0])
            if broken:
                at += left.pop(0)[1]
            yield at, broken
            at += block / (1 + ppm / 1e6)


@dataclass(frozen=True)
class Room:
    """How the speaker is heard by the microphone."""

    delay: float = 0.05  # seconds until the first of it is heard
    gain: float = 0.5
    ring: float = 0.08  # seconds after which an echo is 60 dB down
    noise: float = 10.0  # of 32768, at the microphone

    def response(self, rate: int) -> Floats:
        """To one sample."""
        length = int(self.ring * rate)
        tail = np.random.default_rng(7).standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
        tail[0] = 4.0
        tail *= self.gain / np.sqrt(np.square(tail).sum())
        return np.concatenate([np.zeros(int(self.delay * rate)), tail])


def play(card: Card, room: Room, speaker: Floats, voice: Floats, *, played: OnDevice, heard: OnDevice) -> None:
    """Call `played` and `heard` with each block, in the order and at the times at which the devices would.

    `speaker` is given out block by block; `voice` is what else the microphone hears. Both at 24 kHz.
    """
    random = np.random.default_rng(3)
    seconds, piece = len(speaker) / RATE, delivery_ms(card.rate) / 1000
    size, length = int(card.rate * _BLOCK_SECONDS), round(card.rate * piece)
    fine = np.fft.irfft(np.fft.rfft(speaker), len(speaker) * _FINE) * _FINE
    blocks = list(card.blocks(seconds, card.out_ppm, card.underruns))[: int(seconds / _BLOCK_SECONDS)]
    pieces = list(card.blocks(seconds, card.in_ppm, card.overruns, piece))
    air = _echo(room, _air(fine, blocks, card, seconds + 1))
    given = np.interp(np.arange(len(blocks) * size) * (RATE * _FINE / card.rate), np.arange(len(fine)), fine)
    for which, number in _order(card, blocks, pieces, piece, random):
        begin, broken = (blocks, pieces)[which][number]
        told = begin + random.normal(0, card.jitter)
        if which == 0:
            block, take = given[number * size : (number + 1) * size], played
            told += card.tells_too_much
        else:
            moments = begin + np.arange(length) / card.rate / (1 + card.in_ppm / 1e6)
            block, take = _at(moments * RATE * _FINE, air), heard
            block += _at(moments * RATE, voice) + random.normal(0, room.noise, length)
        take(block.clip(-32_768, 32_767).astype("<i2").tobytes(), told, broken and card.tells_breaks)


def _at(places: Floats, sound: Floats) -> Floats:
    """The values between samples; silence after the end."""
    first, end = int(places[0]), int(places[-1]) + 2
    piece = sound[first:end]
    return (
        np.interp(places, np.arange(first, first + len(piece)), piece, right=0.0)
        if len(piece)
        else np.zeros(len(places))
    )


def _order(
    card: Card,
    blocks: Sequence[tuple[float, bool]],
    pieces: Sequence[tuple[float, bool]],
    piece: float,
    random: np.random.Generator,
) -> Iterator[tuple[int, int]]:
    """0 for the speaker or 1 for the microphone, and the number of the block, as the callbacks come."""
    calls: list[tuple[float, int, int]] = []
    for which, row, lag in ((0, blocks, -card.out_latency), (1, pieces, card.in_latency + piece)):
        busy = -1.0
        for number, (at, _) in enumerate(row):
            if card.late and random.random() < card.late:
                busy = at + random.uniform(0.02, 0.1)
            calls.append((max(at, busy) + lag, which, number))
    heapq.heapify(calls)
    while calls:
        yield heapq.heappop(calls)[1:]


def _air(fine: Floats, blocks: Sequence[tuple[float, bool]], card: Card, seconds: float) -> Floats:
    """The speaker's sound by true time, `_FINE` values for each sample at 24 kHz."""
    air = np.zeros(int(seconds * RATE * _FINE))
    step, speed = int(_BLOCK_SECONDS * RATE * _FINE), 1 + card.out_ppm / 1e6
    ends = [0, *(number for number, (_, broken) in enumerate(blocks) if broken and number), len(blocks)]
    for first, end in itertools.pairwise(ends):  # what is unbroken is stretched as a whole
        start, run = blocks[first][0] * RATE * _FINE, fine[first * step : end * step]
        places = np.arange(int(np.ceil(start)), min(int(start + len(run) / speed), len(air)))
        air[places] = np.interp((places - start) * speed, np.arange(len(run)), run)
    return air


def _echo(room: Room, air: Floats) -> Floats:
    response = room.response(RATE * _FINE)
    size = 1 << (len(air) + len(response)).bit_length()
    return np.fft.irfft(np.fft.rfft(air, size) * np.fft.rfft(response, size), size)[: len(air)]


def voice(seconds: float, *, hertz: float, level: float = 4000.0, seed: int = 1, breath: float = 0.5) -> Floats:
    """Vowels of a voice at about this pitch, in syllables, words and pauses; `level` is the RMS of its loud parts."""
    random = np.random.default_rng(seed)
    count, knots = int(seconds * RATE), int(seconds * 5) + 2
    time = np.arange(count) / RATE

    def wander(low: float, high: float) -> Floats:
        return np.interp(time * 5, np.arange(knots), random.uniform(low, high, knots))

    phase = 2 * np.pi * np.cumsum(hertz * wander(0.85, 1.15)) / RATE
    vowels = [(wander(300, 800), 120.0), (wander(900, 2200), 200.0)]
    sound = np.zeros(count)
    for number in range(1, int(3500 / hertz)):
        shape = sum(np.exp(-np.square((number * hertz - middle) / width)) for middle, width in vowels)
        sound += np.sin(number * phase) * (0.05 / number + shape)
    sound += breath * random.standard_normal(count)
    sound *= (0.5 + 0.5 * np.sin(2 * np.pi * 4 * time)) * np.interp(
        time * 5, np.arange(knots), random.random(knots) > 0.2
    )
    loud = np.abs(sound) > 0.1 * np.abs(sound).max()
    return np.asarray(sound * level / np.sqrt(np.mean(np.square(sound[loud]))))
