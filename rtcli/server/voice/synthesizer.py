"""The hibari voice: text to 24 kHz PCM16, a sentence at a time, under the ten names that the API has for voices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rtcli.dsp.resample import resample
from rtcli.protocol.audio_formats import PCM16
from rtcli.server.engines import SpokenChunk
from rtcli.server.voice.log_mel import Floats
from rtcli.server.voice.spoken_text import sentences, spoken
from rtcli.server.voice.weights import HIBARI_HEART, INSTALL, EngineUnavailableError, check, package_folder

if TYPE_CHECKING:
    from hibari import Hibari

# One voice is packaged. The others are that one spoken faster and played slower (or the reverse), which moves pitch
# and formants together: below 1 a larger speaker, above 1 a smaller one. A name that is not here keeps the pitch.
_PITCH = {
    "alloy": 0.95,
    "ash": 0.86,
    "ballad": 0.88,
    "cedar": 0.82,
    "coral": 1.04,
    "echo": 0.84,
    "marin": 1.0,
    "sage": 1.07,
    "shimmer": 1.1,
    "verse": 0.9,
}
_GAIN = 2.0  # the model is quiet: 6 dB
_PEAK = 0.98
_UNSPEAKABLE_MS = 200  # of silence for a piece that the voice cannot say, such as Japanese
_NOISE_SEED = 0  # the same text sounds the same every time


class HibariVoice:
    """Speaks English. Every method blocks; threads may share one."""

    name = "hibari voice"

    def __init__(self, model: Hibari) -> None:
        self._model = model

    @classmethod
    def load(cls) -> HibariVoice:
        """The packaged voice, checked and warmed up; takes about half a second.

        Raises EngineUnavailableError.
        """
        check(package_folder("hibari") / "assets", HIBARI_HEART)
        try:
            from hibari import Hibari

            model = Hibari()
        except Exception as error:  # onnxruntime has exceptions of its own, and none in common
            raise EngineUnavailableError("the voice does not load", why=str(error), hint=INSTALL) from error
        voice = cls(model)
        for _ in voice.speak("Ready.", "marin", 1.0):
            pass
        return voice

    def speak(self, text: str, voice: str, speed: float) -> Iterator[SpokenChunk]:
        """The audio of `text` sentence by sentence, each as soon as it is made; joined, the chunks' texts are `text`.

        `speed` is the API's, 0.25 to 1.5. A sentence with nothing to say (an emoji, a block of code) has no audio.
        """
        pitch = _PITCH.get(voice, 1.0)
        for sentence in sentences(text):
            words = spoken(sentence)
            yield SpokenChunk(sentence, self._say(words, pitch, speed) if words else b"")

    def _say(self, words: str, pitch: float, speed: float) -> bytes:
        samples: Floats = self._model(words, speed=speed / pitch, seed=_NOISE_SEED)
        if not len(samples):
            return bytes(PCM16.byte_length(_UNSPEAKABLE_MS))
        peak = float(np.abs(samples).max())
        gain = min(_GAIN, _PEAK / peak) if peak else 1.0
        pcm = (samples * (gain * 32767)).astype("<i2").tobytes()
        return resample(pcm, round(PCM16.rate * pitch), PCM16.rate)
