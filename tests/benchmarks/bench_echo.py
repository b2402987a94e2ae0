"""Who interrupts whom in a room with an echo, for each echo mode.

On a virtual sound card whose microphone hears the speaker over a room response. The assistant speaks while nobody else
does; then a user speaks over it, as loud as its echo, and louder where the mode asks for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median

import numpy as np

from rtcli.dsp.resample import resample
from rtcli.server.voice.synthesizer import HibariVoice
from tests.benchmarks.rows import Row, digits, row
from tests.kit.sound_card import SoundCard, missing
from tests.kit.walls import walls
from tests.kit.waveforms import RATE, loudness
from tests.sound.conftest import devices_of, serving
from tests.sound.test_conversation import WAITS, Talking, talking

MODES = ("auto", "gate", "half", "off")
SECONDS = 10.0
ROUNDS = 3
ANSWER = """say The old harbour lies at the end of a narrow road, and in the morning the boats come back one by one.
Fishermen carry boxes to the market, where people wait since six o'clock. Nobody hurries, because the best of it is
kept for those who know how to ask. Later in the day the wind turns, and children run along the wall to see which sail
is the first. When evening comes, lamps are lit, music plays in the square, and everybody talks about the weather."""
WORDS = ("Please stop now, I have a question.", "Wait a moment, please.", "Hold on, that is enough of it.")
SOFT, LOUDER_DB, LEARNING_SECONDS = 0.2, 15, 5.0  # a room in which one can be much louder than the echo
PITCH = 0.8  # the user's voice is another one than the assistant's


async def speaks(talk: Talking, milliseconds: int) -> bool:
    """The assistant begins an answer: whether so much of it is heard, and it does not interrupt itself."""
    await talk.live.idle()
    cuts, deadline = len(talk.cuts), time.monotonic() + 15
    talk.live.session.talk.say(ANSWER)
    while time.monotonic() < deadline and len(talk.cuts) == cuts:
        key = talk.speaker.current
        if key is not None and (talk.speaker.heard_ms(*key) or 0) >= milliseconds:
            return True
        await asyncio.sleep(0.02)
    return False


async def alone(talk: Talking, card: SoundCard, seconds: float) -> tuple[int, list[float], float]:
    """How often the server heard speech, what the canceller took out, and how loud the echo is."""
    taken: list[float] = []
    began = time.monotonic()
    with card.record("booth_in") as booth:
        while time.monotonic() - began < seconds:
            if not talk.live.session.audio.audible:
                await speaks(talk, 100)
            await asyncio.sleep(0.5)
            with contextlib.suppress(IndexError, ValueError):  # "aec 31 dB", or no figure
                taken.append(float(talk.live.session.audio.input.echo.method.split()[1]))
        talk.live.session.talk.interrupt()
        echo = loudness(booth.samples.tobytes())
    return len(talk.live.events("input_audio_buffer.speech_started")), taken, echo


async def barge_in(talk: Talking, card: SoundCard, words: bytes) -> float | None:
    """Speak over an answer: seconds until it stopped, None if it did not, or had stopped before."""
    if not await speaks(talk, 3000):
        return None
    cuts, began = len(talk.cuts), time.monotonic()
    said = card.speak(words)
    with contextlib.suppress(TimeoutError):
        await talk.live.until(lambda: len(talk.cuts) > cuts, len(words) / (2 * RATE) + 1)
    heard = time.monotonic() - began if len(talk.cuts) > cuts else None
    await asyncio.to_thread(said.wait)
    talk.live.session.talk.interrupt()
    await asyncio.sleep(0.5)
    return heard


async def interruptions(talk: Talking, card: SoundCard, voices: Sequence[bytes], level: float) -> Row:
    """How many of these voices stop the assistant, each made this loud."""
    after: list[float] = []
    for voice in voices:
        scaled = np.frombuffer(voice, "<i2") * (level / max(loudness(voice), 1.0))
        said = await barge_in(talk, card, scaled.clip(-32_768, 32_767).astype("<i2").tobytes())
        after += [] if said is None else [said]
    return row("", len(after), f"of {len(voices)}", f"after {digits(median(after))} s p50" if after else "")


async def measure(mode: str, card: SoundCard, url: str, seconds: float, voices: list[bytes]) -> Iterator[Row]:
    """One mode's rows."""
    async with talking(url, detection=WAITS) as talk:
        await talk.live.run(f"/echo {mode}")
        with walls(card):
            own, taken, echo = await alone(talk, card, seconds)
            heard = await interruptions(talk, card, voices, echo)
        found = [row(f"{mode}: speech the server heard of the assistant alone", own, "times", f"in {seconds:.0f} s")]
        found += [row(f"{mode}: echo taken out", median(taken), "dB p50")] if taken else []
        found.append(replace(heard, what=f"{mode}: interruptions heard, as loud as the echo"))
        if mode == "gate":
            await talk.live.run("/echo gate")  # another room, which has to be learned
            with walls(card, SOFT):
                _, _, echo = await alone(talk, card, LEARNING_SECONDS)
                heard = await interruptions(talk, card, voices, echo * 10 ** (LOUDER_DB / 20))
            what = f"{mode}: interruptions heard, {LOUDER_DB} dB louder than a softer echo"
            found.append(replace(heard, what=what))
    return iter(found)


def rows(seconds: float = SECONDS, rounds: int = ROUNDS, modes: Sequence[str] = MODES) -> Iterator[Row]:
    if reason := missing():
        yield Row("not measured", "", f"no virtual sound card: {reason}")
        return
    speaker, voices = HibariVoice.load(), []
    for words in WORDS:
        pcm = b"".join(chunk.pcm for chunk in speaker.speak(words, "marin", 1 / PITCH))
        voices.append(resample(pcm, round(RATE * PITCH), RATE))
    barges = [voices[number % len(voices)] for number in range(rounds)]
    with SoundCard() as card, devices_of(card), serving() as url:
        for mode in modes:
            yield from asyncio.run(measure(mode, card, url, seconds, barges))
