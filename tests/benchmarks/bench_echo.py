"""Who interrupts whom where there is an echo: `python -m tests.benchmarks.bench_echo [seconds] [times] [modes ...]`.

On a virtual sound card of its own, whose microphone hears the speaker over a room response. For each mode the assistant
speaks for so many seconds while nobody else does; then a user speaks over it as often, as loud as its echo.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

import numpy as np

from rtcli.dsp.resample import resample
from rtcli.server.voice.synthesizer import HibariVoice
from tests.kit.sound_card import SoundCard, missing
from tests.kit.waveforms import RATE
from tests.sound.conftest import devices_of, serving
from tests.sound.test_conversation import WAITS, Talking, talking

MODES = ("auto", "gate", "half", "off")
ANSWER = """say The old harbour lies at the end of a narrow road, and in the morning the boats come back one by one.
Fishermen carry boxes to the market, where people wait since six o'clock. Nobody hurries, because the best of it is
kept for those who know how to ask. Later in the day the wind turns, and children run along the wall to see which sail
is the first. When evening comes, lamps are lit, music plays in the square, and everybody talks about the weather."""
WORDS = ("Please stop now, I have a question.", "Wait a moment, please.", "Hold on, that is enough of it.")
PITCH = 0.8  # the user's voice is another one than the assistant's


@contextlib.contextmanager
def walls(card: SoundCard) -> Iterator[None]:
    """Meanwhile the microphone hears the speaker."""
    process = subprocess.Popen([sys.executable, "-m", "tests.kit.walls", "1.0"], env=card.environ)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def loudness(pcm: bytes) -> float:
    """RMS of the loud parts, of 32768."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    loud = samples[np.abs(samples) > 0.05 * np.abs(samples).max(initial=1.0)]
    return float(np.sqrt(np.mean(np.square(loud)))) if len(loud) else 0.0


async def alone(talk: Talking, card: SoundCard, seconds: float) -> tuple[int, list[float], float]:
    """How often the server heard speech, what the canceller took out, and how loud the echo is."""
    taken: list[float] = []
    began = time.monotonic()
    with card.record("booth_in") as booth:
        while time.monotonic() - began < seconds:
            if not talk.live.session.audio.audible:
                await talk.live.idle()
                talk.live.session.talk.say(ANSWER)
                await talk.played(100)
            await asyncio.sleep(0.5)
            with contextlib.suppress(IndexError, ValueError):  # "aec 31 dB", or no figure
                taken.append(float(talk.live.session.audio.echo_method.split()[1]))
        talk.live.session.talk.interrupt()
        echo = loudness(booth.samples.tobytes())
    return len(talk.live.events("input_audio_buffer.speech_started")), taken, echo


async def barge_in(talk: Talking, card: SoundCard, words: bytes) -> float | None:
    """Speak over an answer: seconds until it stopped, None if it did not."""
    await talk.live.idle()
    talk.live.session.talk.say(ANSWER)
    await talk.played(3000)
    cuts, began = len(talk.cuts), time.monotonic()
    said = card.speak(words)
    while said.poll() is None or time.monotonic() - began < len(words) / (2 * RATE) + 1:
        if len(talk.cuts) > cuts:
            break
        await asyncio.sleep(0.02)
    heard = time.monotonic() - began if len(talk.cuts) > cuts else None
    await asyncio.to_thread(said.wait)
    talk.live.session.talk.interrupt()
    await asyncio.sleep(0.5)
    return heard


async def measure(mode: str, card: SoundCard, url: str, seconds: float, barges: list[bytes]) -> str:
    """One mode's row."""
    async with talking(url, detection=WAITS) as talk:
        await talk.live.run(f"/echo {mode}")
        with walls(card):
            own, taken, echo = await alone(talk, card, seconds)
            after: list[float] = []
            for voice in barges:
                scaled = np.frombuffer(voice, "<i2") * (echo / max(loudness(voice), 1.0))
                said = await barge_in(talk, card, scaled.clip(-32_768, 32_767).astype("<i2").tobytes())
                after += [] if said is None else [said]
    attenuation = f"{median(taken):.0f} dB" if taken else "-"
    delay = f", after {median(after):.1f} s" if after else ""
    return f"  {mode:<6} {attenuation:>6}  {own:3} in {seconds:.0f} s  heard {len(after)} of {len(barges)}{delay}"


def main(seconds: float, rounds: int, modes: tuple[str, ...]) -> None:
    """Print the table."""
    speaker = HibariVoice.load()
    voices = []
    for words in WORDS:
        pcm = b"".join(chunk.pcm for chunk in speaker.speak(words, "marin", 1 / PITCH))
        voices.append(resample(pcm, round(RATE * PITCH), RATE))
    barges = [voices[number % len(voices)] for number in range(rounds)]
    sys.stdout.write("  /echo  taken out  self-interruptions  barge-ins at the level of the echo\n")
    with SoundCard() as card, devices_of(card), serving() as url:
        for mode in modes:
            sys.stdout.write(asyncio.run(measure(mode, card, url, seconds, barges)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    if reason := missing():
        sys.stderr.write(f"no sound card for bench_echo: {reason}\n")
    else:
        given = sys.argv[1:]
        length, times = float(given[0]) if given else 30.0, int(given[1]) if given[1:] else 5
        main(length, times, tuple(given[2:]) or MODES)
