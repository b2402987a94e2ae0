"""A room in which the microphone hears the speaker: who interrupts whom."""

from __future__ import annotations

import pytest

from tests.kit.retry_on_glitch import over_the_card, retry_on_glitch
from tests.kit.sound_card import SoundCard
from tests.sound.conftest import Say
from tests.sound.test_conversation import WAITS, talking

ANSWER = "say This is a sentence, and while it is spoken, nobody else says a word."


@pytest.mark.parametrize(
    ("mode", "volume"), [("auto", "0dB"), ("gate", "-12dB"), pytest.param("half", "0dB", marks=pytest.mark.slow)]
)
@retry_on_glitch
async def test_the_assistant_does_not_interrupt_itself(
    card: SoundCard, hearing_server: str, mode: str, volume: str
) -> None:
    """However loud its own voice comes back: the answer is heard to its end."""
    async with talking(hearing_server, detection=WAITS) as talk:
        await talk.live.run(f"/echo {mode}")
        with card.loopback(volume=volume):
            talk.live.session.talk.say(ANSWER)
            await talk.live.until(lambda: talk.live.events("response.done"))
            await talk.live.session.idle(20)

        with over_the_card():
            assert not talk.live.events("input_audio_buffer.speech_started")
            assert talk.cuts == []
        assert talk.live.events("response.done")[0]["response"]["status"] == "completed"


@retry_on_glitch
async def test_without_the_guard_it_does(card: SoundCard, hearing_server: str) -> None:
    """So the room of these tests has an echo, and the guard is what keeps it out."""
    async with talking(hearing_server, detection=WAITS) as talk:
        await talk.live.run("/echo off")
        with card.loopback(volume="-12dB"):
            talk.live.session.talk.say(ANSWER)
            with over_the_card():
                await talk.live.until(lambda: talk.cuts)

        assert talk.live.events("input_audio_buffer.speech_started")


@retry_on_glitch
async def test_a_voice_over_the_echo_is_let_through(card: SoundCard, hearing_server: str, say: Say) -> None:
    """In the default mode a user who is clearly louder than the echo interrupts."""
    async with talking(hearing_server, detection=WAITS) as talk:
        with card.loopback(volume="-24dB"):
            talk.live.session.talk.say("count to 40")
            await talk.played(1500)
            with over_the_card():
                assert not talk.cuts
                card.speak(say("Please wait a moment."))
                await talk.live.until(lambda: talk.cuts)


async def test_the_advice_is_given_once(card: SoundCard, hearing_server: str) -> None:
    """One line when the speaker and the microphone are both on."""
    async with talking(hearing_server) as talk:
        await talk.live.run("/mute")
        await talk.live.run("/unmute")

        assert len([notice for notice in talk.live.notices if "both on" in notice]) == 1
