"""The echo guard: the assistant's own voice stays out, a user's gets through."""

from __future__ import annotations

import pytest

from rtcli.audio.echo import EchoGuard, EchoMode

SPEAKER = -20.0


def passed(guard: EchoGuard, levels: list[float], *, audible: bool = True, speaker: float = SPEAKER) -> list[bool]:
    return [guard.passes(level, speaker, audible=audible) for level in levels]


@pytest.mark.parametrize("mode", list(EchoMode))
def test_while_nothing_plays_everything_goes_out(mode: EchoMode) -> None:
    """The guard costs nothing in a conversation without a speaker."""
    assert all(passed(EchoGuard(mode), [-60.0, -10.0] * 20, audible=False, speaker=-96.0))


def test_off_lets_everything_through() -> None:
    """For headphones."""
    assert all(passed(EchoGuard(EchoMode.OFF), [-60.0, -10.0] * 20))


def test_half_duplex_lets_nothing_through_while_it_speaks_and_shortly_after() -> None:
    """The room gives sound back for a while."""
    guard = EchoGuard(EchoMode.HALF)
    assert not any(passed(guard, [-5.0] * 50))

    after = passed(guard, [-5.0] * 20, audible=False)
    assert after[0] is False and after[-1] is True


@pytest.mark.parametrize("mode", [EchoMode.AUTO, EchoMode.GATE])
@pytest.mark.parametrize("coupling", [-6.0, -15.0, -40.0])
def test_a_steady_echo_never_opens_the_gate(mode: EchoMode, coupling: float) -> None:
    """Whatever the room gives back, within the ordinary changes of speech."""
    levels = [SPEAKER + coupling + swing for swing in (0.0, 2.0, -3.0, 1.0)] * 50

    assert not any(passed(EchoGuard(mode), levels))


@pytest.mark.parametrize("coupling", [-15.0, -40.0])
def test_a_voice_above_the_echo_opens_the_gate_and_is_not_cut_between_words(coupling: float) -> None:
    """After 60 ms; half a second of pause stays open, then it closes."""
    guard = EchoGuard(EchoMode.GATE)
    echo, voice = SPEAKER + coupling, SPEAKER + max(coupling, -30.0) + 20
    passed(guard, [echo] * 200)
    speech = passed(guard, [voice] * 10 + [echo] * 10 + [voice] * 5 + [echo] * 60)

    assert speech[:2] == [False, False], "a key stroke is shorter than this"
    assert all(speech[3:25])
    assert speech[-1] is False


def test_a_knock_does_not_open_the_gate() -> None:
    """One loud piece is no voice."""
    guard = EchoGuard(EchoMode.GATE)

    assert not any(passed(guard, [-32.0] * 20 + [0.0] + [-32.0] * 20))


@pytest.mark.parametrize("delay", [0, 5, 15])
@pytest.mark.parametrize("coupling", [8.0, -12.0])
def test_an_echo_that_comes_late_never_opens_the_gate(delay: int, coupling: float) -> None:
    """When the speaker has gone quiet between two words, the microphone still hears the first of them."""
    words = ([-20.0] * 15 + [-96.0] * 10 + [-28.0] * 20 + [-70.0] * 8) * 8
    heard = [-96.0] * delay + [max(level + coupling, -65.0) for level in words]
    guard = EchoGuard(EchoMode.GATE)

    assert not any(guard.passes(level, word, audible=True) for level, word in zip(heard, words, strict=False))


def test_a_pause_does_not_unlearn_the_room() -> None:
    """Nothing comes back of nothing: the first word after a pause is still the assistant's own."""
    words, late = [-20.0] * 60 + [-96.0] * 30, 6
    spoken = words * 6
    heard = [-96.0] * late + [max(level - 6, -65.0) for level in spoken]
    guard = EchoGuard(EchoMode.GATE)

    assert not any(guard.passes(level, word, audible=True) for level, word in zip(heard, spoken, strict=False))


def test_an_unknown_room_is_learned_before_anything_passes() -> None:
    """A loud room would open a gate that expects a quiet one; from then on a voice is told from it."""
    guard = EchoGuard(EchoMode.GATE)
    assert not any(passed(guard, [-10.0] * 60)), "the room gives back more than was played"

    assert not any(passed(guard, [-8.0] * 60))
    assert any(passed(guard, [SPEAKER + 22.0] * 5))
