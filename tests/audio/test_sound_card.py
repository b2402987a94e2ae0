"""Voice on a virtual sound card: what the room heard, against what was counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtcli.audio.speaker import BLOCK_MS
from rtcli.dsp.wav import write_wav
from tests.kit.sound_card import missing, sound_card

pytestmark = [
    pytest.mark.sound,
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}"),
]


def spoken(milliseconds: int) -> bytes:
    """Something that an energy detector takes for speech: syllables of a low tone."""
    time = np.arange(24 * milliseconds) / 24_000
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)
    return (np.sin(2 * np.pi * 220 * time) * syllables * 12_000).astype("<i2").tobytes()


def sounding_ms(pcm: bytes) -> int:
    """Milliseconds from the first to the last sample that is no silence."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.int32)) > 60)
    return int((loud[-1] - loud[0]) * 1000 / 24_000) if loud.size else 0


@pytest.fixture(scope="module")
def conversation(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One conversation through real devices: what the program told, and what the room heard of the cut answer."""
    folder = tmp_path_factory.mktemp("card")
    write_wav(folder / "speech.wav", spoken(1500) + bytes(48 * 100))
    facts: dict[str, Any] = {}
    with sound_card(folder) as card, card.listening(folder / "heard.raw"):
        program = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.sound_program"],
            env={**card.environment, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert program.stdout is not None and program.stderr is not None
        for line in program.stdout:
            facts |= json.loads(line)
            if "listening" in facts and "heard" not in facts:
                facts["heard"] = sounding_ms((folder / "heard.raw").read_bytes())
                card.speak(folder / "speech.wav")
        errors = program.stderr.read()
        program.stderr.close()
        program.stdout.close()
        assert program.wait(20) == 0, errors
    return facts


def test_the_card_is_found_by_a_part_of_its_name(conversation: dict[str, Any]) -> None:
    """The devices of the machine are those of the virtual card."""
    assert any("pulse" in name for name in conversation["devices"])


def test_an_interruption_cuts_at_what_the_device_took(conversation: dict[str, Any]) -> None:
    """The cut is the samples taken less the device's latency, to within one block."""
    assert abs(conversation["cut"] - (conversation["taken"] - conversation["latency"])) <= BLOCK_MS
    assert f"audio_end_ms={conversation['cut']}" in conversation["notice"]


def test_an_interruption_cuts_at_what_the_room_heard(conversation: dict[str, Any]) -> None:
    """Against the monitor: within one block and the device's latency (and the fade that ends it)."""
    assert abs(conversation["heard"] - conversation["cut"]) <= BLOCK_MS + conversation["latency"] + 12


def test_speech_into_the_microphone_is_a_turn_and_is_answered(conversation: dict[str, Any]) -> None:
    """The server hears it begin and end, and its answer is played after the end."""
    assert 1200 <= conversation["speech_ms"] <= 2600
    assert conversation["played_after_ms"] > 0
