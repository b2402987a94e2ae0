"""The microphone that hears the loudspeaker is told from one that hears a user."""

from __future__ import annotations

import math
import random

import pytest

from rtcli.session.echo_watch import EchoWatch

SPEECH = [-25 + 18 * math.sin(piece / 5) * math.sin(piece / 1.7) for piece in range(200)]
"""Levels that rise and fall as those of speech do."""


def follows(microphone: list[float], speaker: list[float]) -> bool:
    watch = EchoWatch()
    for pair in zip(microphone, speaker, strict=True):
        watch.add(*pair)
    return watch.follows


@pytest.mark.parametrize("lag", [0, 3, 12])
def test_an_echo_is_the_speech_again_softer_later_and_with_noise(lag: int) -> None:
    """Up to 400 ms later, which is what slow devices take."""
    noise = random.Random(lag)
    echo = [max(-70, level - 15) + noise.uniform(-2, 2) for level in ([-70.0] * lag + SPEECH)[: len(SPEECH)]]

    assert follows(echo, SPEECH)


def test_a_person_who_talks_over_the_assistant_is_no_echo() -> None:
    """Speech of its own rhythm."""
    noise = random.Random(7)
    person = [
        -25 + 18 * math.sin(piece / 3.1 + 1) * math.cos(piece / 4.3) + noise.uniform(-4, 4) for piece in range(200)
    ]

    assert not follows(person, SPEECH)


@pytest.mark.parametrize(
    ("microphone", "speaker"),
    [
        ([-90.0] * 200, SPEECH),
        ([-30.0] * 200, SPEECH),
        ([-30.0] * 200, [-20.0] * 200),
        (SPEECH[:40], SPEECH[:40]),
        ([], []),
    ],
    ids=["a silent room", "a steady noise", "a steady tone", "too short", "nothing"],
)
def test_where_nothing_can_be_told_nothing_is_said(microphone: list[float], speaker: list[float]) -> None:
    """A false alarm sends a user looking for headphones."""
    assert not follows(microphone, speaker)
