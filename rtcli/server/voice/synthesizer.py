"""The hibari voice: text to 24 kHz PCM16, a sentence at a time, under the ten names that the API has for voices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from rtcli.dsp.resample import resample
from rtcli.protocol.audio_formats import PCM16
from rtcli.server.engines import SpokenChunk
from rtcli.server.voice.log_mel import Floats
from rtcli.server.voice.spoken_text import sentences, spoken
from rtcli.server.voice.weights import (
    HIBARI_HEART,
    INSTALL,
    EngineUnavailableError,
    cached_hibari_voices,
    check,
    package_folder,
)

if TYPE_CHECKING:
    from hibari import Hibari

# A voice of the API: the voice of hibari that it is where that was fetched, and its pitch; and its pitch where there is
# only the packaged voice, heart. Pitch is speaking faster and playing slower (or the reverse), which moves formants
# too: below 1 a larger speaker, above 1 a smaller one. A name that is not here is heart as it is.
_VOICES: Mapping[str, tuple[str, float, float]] = {
    "alloy": ("kore", 0.96, 0.95),
    "ash": ("fenrir", 1.0, 0.86),
    "ballad": ("fable", 1.0, 0.88),
    "cedar": ("fenrir", 0.94, 0.82),
    "coral": ("kore", 1.04, 1.04),
    "echo": ("fable", 0.94, 0.84),
    "marin": ("heart", 1.0, 1.0),
    "sage": ("emma", 1.0, 1.07),
    "shimmer": ("heart", 1.1, 1.1),
    "verse": ("fenrir", 1.06, 0.9),
}
_GAIN = 2.0  # the model is quiet: 6 dB
_PEAK = 0.98
_UNSPEAKABLE_MS = 200  # of silence for a piece that the voice cannot say, such as Japanese
_NOISE_SEED = 0  # the same text sounds the same every time


class HibariVoice:
    """Speaks English. Every method blocks; threads may share one."""

    def __init__(self, model: Hibari, others: Mapping[str, Callable[[], Hibari]] | None = None) -> None:
        """`others` load further voices; each is loaded when it first speaks, which takes about 0.3 s."""
        self._models: dict[str, Hibari] = {"heart": model}
        self._others = dict(others or {})
        self._lock = Lock()
        self.name = f"hibari voices heart, {', '.join(self._others)}" if others else "hibari voice"

    @classmethod
    def load(cls) -> HibariVoice:
        """The packaged voice, checked and warmed up, and those in hibari's cache; takes about half a second.

        Raises EngineUnavailableError.
        """
        check(package_folder("hibari") / "assets", HIBARI_HEART)
        try:
            from hibari import Hibari

            model = Hibari()
        except Exception as error:  # onnxruntime has exceptions of its own, and none in common
            raise EngineUnavailableError("the voice does not load", why=str(error), hint=INSTALL) from error
        cached = cached_hibari_voices()
        voice = cls(model, {name: partial(Hibari, name, str(path)) for name, path in cached.items()})
        for _ in voice.speak("Ready.", "marin", 1.0):
            pass
        return voice

    def speak(self, text: str, voice: str, speed: float) -> Iterator[SpokenChunk]:
        """The audio of `text` sentence by sentence, each as soon as it is made; joined, the chunks' texts are `text`.

        `speed` is the API's, 0.25 to 1.5. A sentence with nothing to say (an emoji, a block of code) has no audio.
        """
        model, pitch = self._speaker(voice)
        for sentence in sentences(text):
            words = spoken(sentence)
            yield SpokenChunk(sentence, self._say(model, words, pitch, speed) if words else b"")

    def _speaker(self, voice: str) -> tuple[Hibari, float]:
        """Who speaks for a voice of the API, and with which pitch."""
        name, own_pitch, pitch = _VOICES.get(voice, ("heart", 1.0, 1.0))
        with self._lock:
            if name not in self._models and name in self._others:
                self._models[name] = self._others[name]()
            model = self._models.get(name)
        return (self._models["heart"], pitch) if model is None else (model, own_pitch)

    def _say(self, model: Hibari, words: str, pitch: float, speed: float) -> bytes:
        samples: Floats = model(words, speed=speed / pitch, seed=_NOISE_SEED)
        if not len(samples):
            return bytes(PCM16.byte_length(_UNSPEAKABLE_MS))
        peak = float(np.abs(samples).max())
        gain = min(_GAIN, _PEAK / peak) if peak else 1.0
        pcm = (samples * (gain * 32767)).astype("<i2").tobytes()
        return resample(pcm, round(PCM16.rate * pitch), PCM16.rate)
