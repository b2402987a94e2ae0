"""What /stats says of a spoken turn, against a clock of the test's own at the mouth and at the ear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import pytest

from rtcli.audio.microphone import Microphone
from rtcli.audio.speaker import Speaker
from rtcli.audio.stream import BLOCK_MS
from rtcli.dsp.wav import write_wav
from rtcli.timeline.figures import FIGURES
from tests.kit.retry_on_glitch import over_the_card, retry_on_glitch
from tests.kit.sessions import Live, session_on
from tests.kit.sound_card import SoundCard
from tests.kit.waiting import until
from tests.kit.waveforms import RATE, SpoiltError
from tests.sound.conftest import Say, serving

TURNS = 6
WORDS = ("Hello there.", "What time is it?", "Tell me about the weather in Paris.", "Stop.", "One, two, three, four.")
TOLERANCE_MS = 30
ANSWER_MS = 500


@pytest.fixture(scope="module")
def answering_server(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> Iterator[str]:
    """A server that answers everything with half a second of noise behind 0.15 s of silence."""
    folder = tmp_path_factory.mktemp("answers")
    write_wav(folder / "answer.wav", bytes(RATE * 3 // 10) + noise[: RATE * 2 * ANSWER_MS // 1000])
    script = folder / "script.json"
    script.write_text(json.dumps([{"when": {}, "reply": [{"audio": "answer.wav", "transcript": "Yes."}]}]))
    with serving("--script", str(script), "--voice", "tone") as url:
        yield url


def answered(live: Live, count: int) -> bool:
    """So many responses are over."""
    return len(live.events("response.done")) >= count


@retry_on_glitch
async def test_voice_to_ear_is_what_ears_measure(card: SoundCard, answering_server: str, say: Say) -> None:
    """In six turns, whatever is said: within 30 ms of the moments at which the mouth was silent and the room not."""
    detection = {"type": "server_vad", "silence_duration_ms": 300}
    config = {"output_modalities": ["audio"], "audio": {"input": {"turn_detection": detection}}}
    speaker, microphone = Speaker("room_a"), Microphone(device="booth")
    with card.record("booth_in") as mouth, card.record() as ear:
        async with session_on(answering_server, speaker=speaker, microphone=microphone, config=config) as live:
            live.session.audio.unmute()
            await live.until(lambda: live.records("input_audio_buffer.append"))
            for number in range(TURNS):
                card.speak(say(WORDS[number % len(WORDS)]) + bytes(RATE * 2 * (1 + number % 3) // 5))
                with over_the_card():
                    await live.until(partial(answered, live, number + 1), 20)
                await live.idle()
                await until(lambda: ear.quiet_ms() > 400 and mouth.quiet_ms() > 400)
        turns = live.session.state.timeline.turns
    said, heard = mouth.loud_spans(pause=0.25), ear.loud_spans()
    if not len(said) == len(heard) == len(turns) == TURNS:
        raise SpoiltError(f"{len(said)} utterances, {len(heard)} answers, {len(turns)} turns")
    lengths = [round((end - begun) * 1000) for begun, end in heard]
    if max(abs(length - ANSWER_MS) for length in lengths) > BLOCK_MS:
        raise SpoiltError(f"the answers were not played without a pause: {lengths}")

    measured = [(begun - end) * 1000 for (_, end), (begun, _) in zip(said, heard, strict=True)]
    told = [FIGURES["voice_to_ear"].of(turn) or 0.0 for turn in turns]
    wrong = [round(a - b) for a, b in zip(told, measured, strict=True) if abs(a - b) > TOLERANCE_MS]
    if len(wrong) == 1:
        raise SpoiltError(f"a single answer was played {wrong[0]} ms off")
    assert wrong == []
